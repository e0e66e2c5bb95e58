/* workload_fit_onoff: bursts with silence between them, fitted to arrivals where silence shows.
 *
 * A gap of at least some threshold is silence, what lies between two is a burst.  For every
 * threshold the sizes of bursts and the silences get a lognormal each, and the gaps in bursts
 * a mixture of up to four; of the thresholds, and of some spreads of the pace (a factor on all
 * gaps of a burst), those are taken whose traces miss the original least.
 */
#ifndef SERVESIM_STUDY_WORKLOAD_FIT_ONOFF_H
#define SERVESIM_STUDY_WORKLOAD_FIT_ONOFF_H

#include "study/workload_fit_traffic.h"

/* The process `onoff`; false if silence does not show: no threshold leaves ten bursts whose
 * mean gap is less than a tenth of it, with a fifth of the time between them. */
bool workload_fit_onoff_of(struct arrivals_spec *spec,
                           const struct workload_fit_traffic *traffic,
                           const volatile sig_atomic_t *interrupted);

#endif
