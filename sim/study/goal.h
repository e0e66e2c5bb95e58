/* goal: whether a fleet does what [slo] asks, from the metrics of its runs.
 *
 * [slo]'s own bounds are one criterion, the share of requests that meet all of them; each
 * "metric <= value" of `require` is another.  A criterion holds if the mean of the metric
 * over the seeds does.  Three more always hold or the goal is missed.  The queue grows in
 * less than half of the runs: a finite run that ends before its queue is long proves nothing.
 * Likewise in less than half of them those that count come in less time than one of them
 * takes in the mean: a fleet that has room for all of them at once queues none.  And requests
 * that never finish are at most the share that `attainment` gives up.
 *
 * "request_goodput >= 20" cannot hold while less than 20 requests are done per second.  Where
 * nothing else is missed the verdict says so (too_few): it is no reason to offer less.
 *
 * A queue grows if, from the first to the last request that counts, the line through their
 * waits rises by more than 1 % of the time that passes (by so much the load is above what
 * is done) and by more than half of the mean wait: where more comes than is done, waits rise
 * from nothing in proportion to time, so the line rises by twice the mean (1.6 times after a
 * tenth of warm-up).  Both are ratios, so that no run is too fast to tell, unlike the verdict
 * of a single run (output/load.h), which also wants a whole second of growth.  Of single
 * servers with 2,000 requests a run (80 % of them counted) this finds 92 % of those at load
 * 1.05 and 9 % of those at 0.95; with 20,000, all and none.
 */
#ifndef SERVESIM_STUDY_GOAL_H
#define SERVESIM_STUDY_GOAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "output/metrics.h"

enum { GOAL_MOST = 18, GOAL_TEXT = 160 };

struct goal_criterion {
    const char *metric;
    bool at_least; /* the value must be at least the bound; else at most */
    double bound;
    const char *unit;
};

struct goal {
    const char *file;
    struct goal_criterion list[GOAL_MOST];
    int32_t n;
    double attainment;
};

/* What came of each criterion, in the goal's order. */
struct goal_verdict {
    bool meets;
    int32_t
        worst; /* that is missed most, or met most closely: index of the criterion */
    double mean[GOAL_MOST]; /* over the seeds; NAN: no run says it */
    double sd[GOAL_MOST];   /* of the mean: of single runs / sqrt(n); 0 for one seed */
    int32_t n_overloaded;   /* seeds whose queue grew */
    int32_t n_short;        /* that are too short to tell */
    bool too_few; /* missed, but only by throughputs or goodput that need more requests
                   * than came: with more of them it may be met */
    double lost_share;      /* of requests that never finished, in the mean */
    char reason[GOAL_TEXT]; /* what decided: "p99_ttft_ms 512.3 is above 500" */
};

/* The criteria of the configuration's [slo]; refused if it has none. */
int goal_read(struct goal *goal, const struct config *config, struct arena *arena,
              struct err *err);

/* A goal whose bounds are `factor` times as wide: latencies are multiplied by it, rates
 * divided; shares stay.  config->slo is changed alike. */
void goal_scale_slo(struct config_slo *slo, double factor);

/* Bounds on times to first token as criteria of their own ("p99_ttft_ms <= 500") times
 * `factor`. */
void goal_scale_ttft(struct goal *goal, double factor);

/* Whether the queue of a run grew, as above. */
bool goal_is_overloaded(const struct metrics *run);

/* Whether its requests came in less time than one of them took in the mean. */
bool goal_is_short(const struct metrics *run);

/* Judges runs of one fleet at one load that differ in their seed; -1 if a criterion names
 * no metric. */
int goal_judge(const struct goal *goal, const struct metrics *const *runs, int32_t n,
               struct goal_verdict *verdict, struct err *err);

#endif
