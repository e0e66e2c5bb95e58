/* capacity_interval: how sure a fleet's capacity is.
 *
 * Two things are not known: how long steps take on a deployment that nobody measured, and
 * what traffic comes.  For the first the search is repeated for deployments at evenly spaced
 * quantiles z of what is known ([study] draws); for the second for every seed alone, at the
 * median deployment.  On the scale of logarithms, with c the capacity of the median and of
 * all seeds:
 *
 *   model    sqrt(sum (log c_z - log c)^2 / sum z^2): what one standard deviation does
 *   sampling the standard deviation of log c_seed, over sqrt(seeds)
 *   interval c exp(+- sqrt((z_p model)^2 + (t_p sampling)^2)), z_p the normal quantile of
 *            [study] percent and t_p Student's with seeds - 1 degrees of freedom
 *
 * Where a draw or a seed has no capacity at all, the interval begins at 0.
 */
#ifndef SERVESIM_STUDY_CAPACITY_INTERVAL_H
#define SERVESIM_STUDY_CAPACITY_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "study/capacity.h"

enum { CAPACITY_INTERVAL_MOST = 2000 }; /* draws and seeds */

/* One more search: of a draw with all seeds, or of one seed at the median. */
struct capacity_again {
    double z;
    int32_t seed; /* from 0 on; -1: all */
    struct capacity capacity;
};

struct capacity_interval {
    struct capacity_again
        *list; /* what capacity_interval_plan() says is to be searched */
    int32_t n;
    bool is_known; /* every pool says how far off its steps may be, and is calibrated */
    double model;  /* as above; 0 with one draw */
    double sampling; /* 0 with one seed */
    double low_rps;  /* NAN: no interval */
    double high_rps;
};

/* What is to be searched besides the answer: draws where pools are calibrated, seeds where
 * there are several.  capacity_interval_free() it. */
void capacity_interval_plan(struct capacity_interval *interval,
                            const struct trial_spec *spec);
void capacity_interval_free(struct capacity_interval *interval);

/* Searches the i-th; `answer` tells where to begin. */
int capacity_interval_search(struct capacity_interval *interval, int32_t i,
                             const struct trial_spec *spec,
                             const struct capacity *answer, struct err *err);

/* All was searched: the numbers. */
void capacity_interval_conclude(struct capacity_interval *interval,
                                const struct trial_spec *spec,
                                const struct capacity *answer);

#endif
