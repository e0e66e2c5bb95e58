/* workload_fit_write: a fit as a spec that `servesim gen` reads, and as a report. */
#ifndef SERVESIM_STUDY_WORKLOAD_FIT_WRITE_H
#define SERVESIM_STUDY_WORKLOAD_FIT_WRITE_H

#include <stdio.h>

#include "study/workload_fit.h"

/* The spec, with how good the fit is in comments. */
void workload_fit_write_spec(const struct workload_fit *fit, FILE *out);

/* How good it is, for people: every process that was tried beside the trace. */
void workload_fit_write_report(const struct workload_fit *fit, FILE *out);

#endif
