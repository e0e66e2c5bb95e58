/* workload_fit_lengths: the distribution that lengths of prompts or outputs were drawn from.
 *
 * Up to eight lognormals (study/mixture_fit.h), rounded to whole tokens and clipped at the
 * shortest and the longest length of the trace: what reaches a cap is what lies beyond it.
 * From 256 tokens on lengths are taken together, 128 cells to a power of two, but for those
 * that one request in 200 has.  A single
 * lognormal and a Gamma distribution, clipped alike, are fitted beside it, to tell what the
 * components are for.
 */
#ifndef SERVESIM_STUDY_WORKLOAD_FIT_LENGTHS_H
#define SERVESIM_STUDY_WORKLOAD_FIT_LENGTHS_H

#include <signal.h>
#include <stdint.h>

#include "study/length_stats.h"
#include "study/mixture_fit.h"

enum { WORKLOAD_FIT_LENGTHS_MOST = 8 };

/* Kolmogorov-Smirnov distance to the trace, the greatest difference of the shares of requests
 * that are no longer than some length; and BIC. */
struct workload_fit_rival {
    double ks;
    double bic;
};

struct workload_fit_lengths {
    int64_t least;
    int64_t most; /* least: all lengths are this one, and nothing else is filled */
    struct mixture_fit fit;
    double ks;
    struct workload_fit_rival lognormal; /* a single one */
    struct workload_fit_rival gamma;
    double gamma_shape;
};

/* Of one request at least. */
struct workload_fit_lengths workload_fit_lengths_of(
    const struct length_order *order, const volatile sig_atomic_t *interrupted);

#endif
