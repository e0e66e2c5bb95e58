/* decisions_dollars: D3, what the predicted choice costs over the best one.
 *
 * A job is a model under one protocol at a load; it is offered by every GPU, precision,
 * server and layout that was measured, at the list price of the GPU.  The choice is the
 * point that keeps the bound (times headroom) in prediction for the least money, with
 * ceil(load / predicted requests per second) replicas.  Its bill is for so many, or for as
 * many as the measured capacity takes if these are more: whoever bought too few buys the
 * rest.  A choice that breaks the measured bound by more than 5 % is a miss.
 */
#ifndef SERVESIM_STUDY_DECISIONS_DOLLARS_H
#define SERVESIM_STUDY_DECISIONS_DOLLARS_H

#include "study/decisions_choice.h"
#include "study/decisions_spread.h"

enum { DECISIONS_DOLLARS_LOADS = 3 };
extern const double decisions_dollars_loads[DECISIONS_DOLLARS_LOADS]; /* per second */

struct decisions_dollars {
    int32_t n; /* jobs and bounds with a point that keeps the bound */
    int32_t n_missed;
    int32_t n_declined;
    int32_t n_impossible; /* beside these n */
    int32_t n_within;     /* bills of at most 1.1 of the best */
    int32_t n_short;      /* bought at first: replicas for less than 95 % of the load */
    struct decisions_spread ratio; /* bills over the best ones */
};

/* Jobs that two offers or more of different GPU, precision or server compete for. */
extern const struct decisions_choice_kind decisions_dollars_jobs;

/* All jobs at one load; out[DECISIONS_CURVE_BOUNDS] is about all bounds. */
void decisions_dollars_score(struct decisions_dollars out[DECISIONS_CURVE_BOUNDS + 1],
                             const struct decisions_choice_groups *jobs, double load,
                             double headroom);

#endif
