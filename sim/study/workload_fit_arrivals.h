/* workload_fit_arrivals: the process that the arrivals of a trace were drawn from.
 *
 * Each candidate gets the parameters that its equations and the trace's figures say, then some
 * traces of it are drawn (study/workload_fit_traffic.h).  Chosen is the first, from the simple
 * to the complex, whose traces are like the original: its gap cv and its indices of dispersion
 * at 1, 10 and 60 s within three standard deviations of theirs; of Gamma and Weibull gaps, which
 * are as simple as each other, those that are nearer to the trace's.  If none is, the one that
 * misses them least.  So a renewal process whose gaps fit, and whose counts per minute are far
 * too even, does not win.
 */
#ifndef SERVESIM_STUDY_WORKLOAD_FIT_ARRIVALS_H
#define SERVESIM_STUDY_WORKLOAD_FIT_ARRIVALS_H

#include "study/workload_fit_traffic.h"

enum { WORKLOAD_FIT_CANDIDATES = 6 };

struct workload_fit_candidate {
    struct arrivals_spec spec;
    struct workload_fit_likeness likeness;
    int level; /* the simpler the lower */
    bool is_like;
};

struct workload_fit_arrivals {
    struct workload_fit_candidate candidates[WORKLOAD_FIT_CANDIDATES];
    int32_t n; /* those that were looked at, from the simple to the complex */
    int32_t chosen;
};

/* -1 if interrupted. */
int workload_fit_arrivals_of(struct workload_fit_arrivals *fit,
                             const struct workload_fit_traffic *traffic,
                             const volatile sig_atomic_t *interrupted);

#endif
