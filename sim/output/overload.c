#include "output/overload.h"

#include "base/wide.h"

enum { GOOD_ENOUGH = 3 };

void overload_init(struct overload *overload, int64_t interval_ns,
                   int64_t attainment_nano)
{
    *overload = (struct overload){
        .interval_ns = interval_ns,
        .attainment_nano = attainment_nano,
        .since = INT64_MAX,
        .began_at = -1,
    };
}

static void end_episode(struct overload *overload, int64_t at)
{
    int64_t length = at - overload->began_at;
    if (length > overload->longest) {
        overload->longest = length;
    }
    overload->began_at = -1;
}

/* `count` intervals that are alike, the first of which is `at`, are over. */
static void close_intervals(struct overload *overload, int64_t at, int64_t count)
{
    if (count == 0) {
        return;
    }
    if (overload->is_bad) {
        overload->n_bad += count;
        overload->n_good = 0;
        if (overload->began_at < 0) {
            overload->began_at = at;
            overload->n_episodes++;
        }
    } else if (overload->began_at >= 0) {
        int64_t n_missing = GOOD_ENOUGH - overload->n_good;
        overload->n_good += count;
        if (count >= n_missing) {
            end_episode(overload, at + n_missing - GOOD_ENOUGH);
            overload->n_good = 0;
        }
    }
}

/* The interval in progress is over, and judged with those before it in which nobody left. */
static void judge(struct overload *overload)
{
    int64_t from = overload->from;
    int64_t at = overload->at;
    int64_t since = overload->since > from ? overload->since : from;
    since = since < at ? since : at;
    close_intervals(overload, from, since - from);
    overload->is_bad = overload->is_bad || since < at;
    close_intervals(overload, since, at - since);
    if (overload->n > 0) {
        overload->is_bad = (wide)overload->n_met * 1000000000 <
                           (wide)overload->attainment_nano * overload->n;
    }
    close_intervals(overload, at, 1);
    overload->from = at + 1;
}

void overload_add(struct overload *overload, int64_t arrival_ns, int64_t finish_ns,
                  bool met)
{
    int64_t at = finish_ns / overload->interval_ns;
    int64_t since = arrival_ns / overload->interval_ns;
    if (at > overload->at) {
        judge(overload);
        overload->at = at;
        overload->n = 0;
        overload->n_met = 0;
        overload->since = INT64_MAX;
    }
    if (!met && at == overload->at && since < overload->since) {
        overload->since = since;
    }
    overload->n++;
    overload->n_met += met;
}

void overload_metrics(struct overload *overload, int64_t end_ns,
                      struct metrics *metrics)
{
    int64_t n_intervals = (end_ns + overload->interval_ns - 1) / overload->interval_ns;
    judge(overload);
    if (n_intervals > overload->from) {
        close_intervals(overload, overload->from, n_intervals - overload->from);
        overload->from = n_intervals;
    }
    bool recovered = overload->began_at < 0 || overload->n_good > 0;
    if (overload->began_at >= 0) {
        end_episode(overload, overload->from - overload->n_good);
    }
    const int64_t second_ns = 1000000000;
    metrics_ratio(metrics, "time_above_slo",
                  (wide)overload->n_bad * overload->interval_ns, second_ns, 9, "s");
    metrics_integer(metrics, "overload_episodes", overload->n_episodes, "");
    metrics_ratio(metrics, "time_to_recover",
                  (wide)overload->longest * overload->interval_ns, second_ns, 9, "s");
    metrics_text(metrics, "recovered", recovered ? "yes" : "no", "");
}
