/* workload_wait: rows of a workload that wait for others to leave. */
#ifndef SERVESIM_INPUT_WORKLOAD_WAIT_H
#define SERVESIM_INPUT_WORKLOAD_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/sim.h"
#include "input/trace.h"
#include "input/workload.h"

/* Whether requests may do so: then `arrival_ns` of those that name `parents` is the earliest
 * at which they may come, and whether they count is for workload_wait_counts() to say. */
bool workload_wait_follows(const struct workload *workload);

/* What the request waits for; -1 and `err` where it cannot, and was not to be ignored. */
int workload_wait_describe(const struct workload *workload, const struct trace_row *row,
                           struct sim_arrival *arrival, struct err *err);

/* Whether the request that is given next is in the measurement window, as far as can be
 * said before it is known when it arrives. */
bool workload_wait_is_counted(const struct workload *workload,
                              const struct sim_arrival *arrival);

/* Whether the measurement window, which begins with the first arrival, has that time. */
bool workload_wait_counts(const struct workload *workload, int64_t arrival_ns);

#endif
