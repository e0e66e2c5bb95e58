/* decisions_capacity: D1, how well the best throughput under a bound is predicted.
 *
 * The error of a curve is 100 |ln(predicted / measured)| of the best throughput per GPU:
 * 10 is 10.5 % too much or 9.5 % too little.  What cannot be compared is counted apart.
 */
#ifndef SERVESIM_STUDY_DECISIONS_CAPACITY_H
#define SERVESIM_STUDY_DECISIONS_CAPACITY_H

#include "study/decisions_curve.h"
#include "study/decisions_spread.h"

struct decisions_capacity {
    struct decisions_spread error; /* in percent */
    int32_t n_over;  /* of those: promises of more than 10 % over what was measured */
    int32_t n_open;  /* of those: predicted within the bound at every point, so its
                           best may be higher still */
    int32_t n_flips; /* one is feasible somewhere, the other nowhere */
    int32_t n_censored; /* measured within the bound at every point */
    int32_t n_neither;  /* both feasible nowhere */
};

/* Curves of three points and more; [DECISIONS_CURVE_BOUNDS] is about all bounds. */
struct decisions_capacities {
    int32_t n_curves;
    int32_t n_refused; /* not scored: the simulator could not play them */
    struct decisions_capacity bounds[DECISIONS_CURVE_BOUNDS + 1];
};

void decisions_capacity_score(struct decisions_capacities *out,
                              const struct decisions_curves *curves);

#endif
