/* workload_fit_traffic: whether arrivals that a process draws look like those of a trace.
 *
 * Traces of as many requests (at most 500,000) are drawn from fixed seeds, and their mean rate,
 * gap cv and indices of dispersion at 1, 10 and 60 s (study/arrival_stats.h) are held against
 * the trace's.
 */
#ifndef SERVESIM_STUDY_WORKLOAD_FIT_TRAFFIC_H
#define SERVESIM_STUDY_WORKLOAD_FIT_TRAFFIC_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "input/arrivals.h"

enum workload_fit_figure {
    WORKLOAD_FIT_RATE,
    WORKLOAD_FIT_GAP_CV,
    WORKLOAD_FIT_IDC_1,
    WORKLOAD_FIT_IDC_10,
    WORKLOAD_FIT_IDC_60,
    WORKLOAD_FIT_PEAK,
    WORKLOAD_FIT_FIGURES
};

/* The arrivals of a trace. */
struct workload_fit_traffic {
    const int64_t *arrivals_ns; /* in order; two instants at least */
    int64_t n;
    int64_t *gaps_ns; /* in ascending order: all, or a million of them evenly spaced */
    int64_t n_gaps;
    double figures[WORKLOAD_FIT_FIGURES]; /* NAN: not known */
};

struct workload_fit_likeness {
    int32_t n_traces; /* drawn; 0: it was interrupted */
    double mean[WORKLOAD_FIT_FIGURES];
    double deviation[WORKLOAD_FIT_FIGURES];
    double ks;   /* Kolmogorov-Smirnov distance of the gaps */
    double miss; /* root mean square of ln(trace / mean) of gap cv and indices */
    double most_deviations; /* the trace is away from the mean in the worst of them */
};

/* `arrivals_ns` must outlive it; workload_fit_traffic_free() it. */
void workload_fit_traffic_init(struct workload_fit_traffic *traffic,
                               const int64_t *arrivals_ns, int64_t n);
void workload_fit_traffic_free(struct workload_fit_traffic *traffic);

/* Draws at most `most_traces`, fewer of large ones. */
struct workload_fit_likeness workload_fit_traffic_compare(
    const struct workload_fit_traffic *traffic, const struct arrivals_spec *spec,
    int32_t most_traces, const volatile sig_atomic_t *interrupted);

/* The index of dispersion in windows of any length, as study/arrival_stats.h has it but for the
 * end of the last one, and how many windows there are; NAN if there are fewer than two. */
double workload_fit_traffic_idc(const struct workload_fit_traffic *traffic,
                                int64_t window_s, int64_t *n_windows);

#endif
