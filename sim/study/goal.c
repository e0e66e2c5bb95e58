#include "study/goal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const double rounding = 1e-12; /* of a mean of values with few digits */

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    return text;
}

/* "metric <= value" or "metric >= value", cut in place. */
static bool read_bound(char *text, struct goal_criterion *criterion)
{
    char *sign = strpbrk(text, "<>");
    if (sign == NULL || sign[1] != '=') {
        return false;
    }
    char *end;
    char *value = trim(sign + 2);
    criterion->at_least = *sign == '>';
    *sign = '\0';
    criterion->metric = trim(text);
    criterion->bound = strtod(value, &end);
    return criterion->metric[0] != '\0' && *value != '\0' && *end == '\0' &&
           isfinite(criterion->bound) && criterion->bound >= 0;
}

static int read_require(struct goal *goal, const struct config *config,
                        struct arena *arena, struct err *err)
{
    char *rest = memory_arena_text(arena, config->slo.require);
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        const char *shown = memory_arena_text(arena, trim(word));
        if (shown[0] == '\0' && goal->n == 0 && rest == NULL) {
            return 0;
        }
        if (goal->n == GOAL_MOST) {
            return err_set(err, "%s: [slo] require: more than %d bounds", goal->file,
                           GOAL_MOST - 1);
        }
        if (!read_bound(word, &goal->list[goal->n])) {
            return err_set(err,
                           "%s: [slo] require: '%.200s' is not 'metric <= value' or "
                           "'metric >= value'",
                           goal->file, shown);
        }
        goal->n++;
    }
    return 0;
}

int goal_read(struct goal *goal, const struct config *config, struct arena *arena,
              struct err *err)
{
    const struct config_slo *slo = &config->slo;
    *goal = (struct goal){
        .file = config->file,
        .attainment = (double)slo->attainment_nano * 1e-9,
    };
    if (slo->require[0] != '\0' && read_require(goal, config, arena, err) != 0) {
        return -1;
    }
    if (config_has_bounds(slo)) {
        CHECK(goal->n < GOAL_MOST + 1);
        if (goal->n == GOAL_MOST) {
            return err_set(err, "%s: [slo] require: more than %d bounds", goal->file,
                           GOAL_MOST - 1);
        }
        goal->list[goal->n++] = (struct goal_criterion){
            .metric = "slo_attainment", .at_least = true, .bound = goal->attainment};
    }
    if (goal->n == 0) {
        return err_set(err,
                       "%s: [slo]: there is no bound to meet: give ttft_ms, tpot_ms, "
                       "itl_ms, e2e_ms, ttfat_ms or require",
                       config->file);
    }
    return 0;
}

void goal_scale_slo(struct config_slo *slo, double factor)
{
    int64_t *const bounds[] = {&slo->ttft_ns, &slo->tpot_ns, &slo->itl_ns, &slo->e2e_ns,
                               &slo->ttfat_ns};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        *bounds[i] = llround((double)*bounds[i] * factor);
    }
}

/* How far from its bound the value is, positive where the criterion holds: in shares of
 * the bound. */
static double margin(const struct goal_criterion *criterion, double value)
{
    double over =
        criterion->at_least ? value - criterion->bound : criterion->bound - value;
    return criterion->bound > 0 ? over / criterion->bound : over;
}

static int look_up(const struct goal *goal, const struct goal_criterion *criterion,
                   const struct metrics *const *runs, int32_t n, double *mean,
                   double *sd, struct err *err)
{
    double sum = 0;
    double squares = 0;
    int32_t n_told = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct metric *metric = metrics_find(runs[i], criterion->metric);
        char *end = NULL;
        double value = metric != NULL ? strtod(metric->value, &end) : 0;
        if (metric == NULL || (*end != '\0')) {
            return err_set(err,
                           "%s: [slo] require: '%.100s' is no metric of summary.csv "
                           "that is a number",
                           goal->file, criterion->metric);
        }
        if (metric->value[0] != '\0') {
            sum += value;
            squares += value * value;
            n_told++;
        }
    }
    *mean = n_told > 0 ? sum / n_told : NAN;
    double spread = n_told > 1 ? (squares - sum * *mean) / (n_told - 1) / n_told : 0;
    *sd = spread > 0 ? sqrt(spread) : 0;
    return 0;
}

static double value_of(const struct metrics *run, const char *name)
{
    return strtod(metrics_value(run, name), NULL);
}

void goal_scale_ttft(struct goal *goal, double factor)
{
    for (int32_t i = 0; i < goal->n; i++) {
        if (strstr(goal->list[i].metric, "_ttft_ms") != NULL) {
            goal->list[i].bound *= factor;
        }
    }
}

/* From the first arrival that counts to the last; NAN if that is not known. */
static double span_ms(const struct metrics *run)
{
    double offered_rps = value_of(run, "offered_rate");
    double n_counted = value_of(run, "completed") + value_of(run, "timed_out") +
                       value_of(run, "shed") + value_of(run, "rejected");
    return offered_rps > 0 ? (n_counted - 1) / offered_rps * 1000 : NAN;
}

bool goal_is_overloaded(const struct metrics *run)
{
    double growth = value_of(run, "queue_growth");
    double mean_ms = value_of(run, "mean_queue_ms");
    if (metrics_find(run, "mean_transfer_ms") != NULL) {
        mean_ms += value_of(run, "mean_transfer_ms");
    }
    return growth > 0.01 && growth * span_ms(run) > mean_ms / 2;
}

bool goal_is_short(const struct metrics *run)
{
    return !(span_ms(run) >= value_of(run, "mean_e2el_ms"));
}

static void look_at_load(const struct metrics *const *runs, int32_t n,
                         struct goal_verdict *verdict)
{
    for (int32_t i = 0; i < n; i++) {
        double injected = value_of(runs[i], "injected_requests");
        double completed = value_of(runs[i], "all_completed_requests");
        verdict->n_overloaded += goal_is_overloaded(runs[i]);
        verdict->n_short += goal_is_short(runs[i]);
        if (injected > 0) {
            verdict->lost_share += (injected - completed) / injected / n;
        }
    }
}

/* Whether the criterion is missed for want of requests. */
static bool wants_more(const struct goal_criterion *criterion,
                       const struct metrics *const *runs, int32_t n)
{
    static const char *const throughputs[] = {"request_throughput", "output_throughput",
                                              "total_token_throughput"};
    bool wants = false;
    for (size_t i = 0; i < sizeof throughputs / sizeof throughputs[0]; i++) {
        wants = wants || strcmp(criterion->metric, throughputs[i]) == 0;
    }
    if (strcmp(criterion->metric, "request_goodput") == 0) {
        double done_rps = 0; /* that are too late are no want of requests */
        for (int32_t i = 0; i < n; i++) {
            done_rps += value_of(runs[i], "request_throughput") / n;
        }
        wants = done_rps < criterion->bound;
    }
    return wants && criterion->at_least;
}

static bool is_too_few(const struct goal *goal, const struct metrics *const *runs,
                       int32_t n, const struct goal_verdict *verdict)
{
    bool all = 2 * verdict->n_overloaded < n && 2 * verdict->n_short < n &&
               verdict->lost_share <= 1 - goal->attainment + rounding;
    for (int32_t i = 0; i < goal->n; i++) {
        const struct goal_criterion *criterion = &goal->list[i];
        bool holds = margin(criterion, verdict->mean[i]) >= -rounding;
        all = all && (holds || wants_more(criterion, runs, n));
    }
    return all && !verdict->meets;
}

int goal_judge(const struct goal *goal, const struct metrics *const *runs, int32_t n,
               struct goal_verdict *verdict, struct err *err)
{
    *verdict = (struct goal_verdict){.meets = true};
    double least = INFINITY;
    for (int32_t i = 0; i < goal->n; i++) {
        const struct goal_criterion *criterion = &goal->list[i];
        if (look_up(goal, criterion, runs, n, &verdict->mean[i], &verdict->sd[i],
                    err) != 0) {
            return -1;
        }
        double left =
            isnan(verdict->mean[i]) ? -INFINITY : margin(criterion, verdict->mean[i]);
        if (left < least || i == 0) {
            least = left;
            verdict->worst = i;
        }
    }
    const struct goal_criterion *worst = &goal->list[verdict->worst];
    look_at_load(runs, n, verdict);
    if (!(least >= -rounding)) {
        verdict->meets = false;
        snprintf(verdict->reason, GOAL_TEXT, "%.60s %.6g is %s %.6g", worst->metric,
                 verdict->mean[verdict->worst], worst->at_least ? "below" : "above",
                 worst->bound);
    } else if (2 * verdict->n_overloaded >= n) {
        verdict->meets = false;
        snprintf(verdict->reason, GOAL_TEXT, "overloaded: the queue grows");
    } else if (2 * verdict->n_short >= n) {
        verdict->meets = false;
        snprintf(verdict->reason, GOAL_TEXT,
                 "too few requests to tell: they come in less time than one of them "
                 "takes (more [study] requests)");
    } else if (verdict->lost_share > 1 - goal->attainment + rounding) {
        verdict->meets = false;
        snprintf(verdict->reason, GOAL_TEXT, "%.3g %% of the requests never finish",
                 100 * verdict->lost_share);
    } else {
        snprintf(verdict->reason, GOAL_TEXT, "%.60s %.6g, bound %.6g", worst->metric,
                 verdict->mean[verdict->worst], worst->bound);
    }
    verdict->too_few = is_too_few(goal, runs, n, verdict);
    return 0;
}
