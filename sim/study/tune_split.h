/* tune_split: which replicas of a fleet should prefill and which decode, by hour, and
 * whether that pays.
 *
 * The replicas of the tuned pool stay as they are; some of them get role = prefill, the
 * others role = decode, and [disaggregate] says what is sent how.  Each interval of the
 * trace is a workload of its own, with its lengths and gaps; the goal is [tune]'s, with the
 * middle draw and all seeds together.  The break-even is where the split that is best for
 * the whole workload and the fleet as it is serve the goal alike at the same rate: the
 * latency, or how far the worst criterion of [slo] is from its bound, to [capacity]
 * precision.
 */
#ifndef SERVESIM_STUDY_TUNE_SPLIT_H
#define SERVESIM_STUDY_TUNE_SPLIT_H

#include "study/tune.h"

/* An interval with fewer requests says nothing. */
enum { TUNE_SPLIT_FLEETS = 32, TUNE_SPLIT_CROSSINGS = 8, TUNE_SPLIT_REQUESTS = 20 };

/* The fleet as it is, n_prefill = 0, or a split of it. */
struct tune_split_fleet {
    int64_t n_prefill;
    int64_t n_decode;
    struct config config;
};

struct tune_split_hour {
    int64_t from_ns; /* of the trace's time */
    int64_t until_ns;
    int64_t n; /* requests */
    double rate_rps;
    double mean_prompt;
    double mean_output;
    struct tune_score_cell cells[TUNE_SPLIT_FLEETS];
    bool failed[TUNE_SPLIT_FLEETS];
    int32_t best; /* of the splits; -1: none serves it */
};

struct tune_split_crossing {
    double rate_rps;
    bool split_above; /* the split is better above it */
};

struct tune_split {
    struct tune *tune;
    struct tune_split_fleet fleets[TUNE_SPLIT_FLEETS]; /* [0]: as it is */
    int32_t n_fleets;
    struct tune_split_hour *hours; /* [0]: the whole workload */
    int32_t n_hours;
    int64_t last_ns;  /* the last arrival */
    double least_rps; /* where the break-even was looked for */
    double most_rps;
    struct tune_split_crossing crossings[TUNE_SPLIT_CROSSINGS];
    int32_t n_crossings;
    int32_t sign; /* without a crossing: -1 the split is better, 1 worse, 0 neither */
    char refusal[400]; /* why no split serves; "" */
};

/* Works it out for what tuning found. */
int tune_split_run(struct tune_split *split, struct tune *tune, struct err *err);
void tune_split_free(struct tune_split *split);

#endif
