/* sweep_point: the points of a sweep, simulated and written to its journal. */
#ifndef SERVESIM_STUDY_SWEEP_POINT_H
#define SERVESIM_STUDY_SWEEP_POINT_H

#include "base/err.h"
#include "study/sweep.h"

/* -1 and the first point's fault if no point has a configuration that can be read, as where
 * --over names a key that is not there.  Tries all of up to 10,000, or as many of them. */
int sweep_point_check_any(const struct sweep *sweep, struct err *err);

/* Runs what the journal lacks of this shard, n_threads at a time, and keeps sweep.csv up to
 * date meanwhile.  -1: stopped by the user, by a file that cannot be written, or because
 * the configuration or its trace is not what it was. */
int sweep_point_run_all(struct sweep *sweep, const struct sweep_options *options,
                        struct err *err);

#endif
