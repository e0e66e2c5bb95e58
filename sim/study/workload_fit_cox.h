/* workload_fit_cox: a rate that wanders, fitted to how counts disperse at many time scales. */
#ifndef SERVESIM_STUDY_WORKLOAD_FIT_COX_H
#define SERVESIM_STUDY_WORKLOAD_FIT_COX_H

#include "study/workload_fit_traffic.h"

/* The index of dispersion that whole windows of that length have in the mean, `n_windows` of
 * them side by side; of Gamma gaps of that shape in operational time, at a rate with that
 * coefficient of variation and memory. */
double workload_fit_cox_idc(double rate_per_s, double shape, double modulation_cv,
                            double tau_s, double window_s, int64_t n_windows);

/* The process `cox`, its memory at most a twentieth of the trace; false if the trace is too short for one: it needs ten windows of 10 s. */
bool workload_fit_cox_of(struct arrivals_spec *spec,
                         const struct workload_fit_traffic *traffic);

#endif
