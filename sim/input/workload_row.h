/* workload_row: what a row says of its request, as the engine reads it: all but when it
 * arrives and whether it counts. */
#ifndef SERVESIM_INPUT_WORKLOAD_ROW_H
#define SERVESIM_INPUT_WORKLOAD_ROW_H

#include "engine/sim.h"
#include "input/trace.h"
#include "input/workload.h"

/* `at_ns` is when it arrives in a trace that is not scaled: sessions are inferred from it. */
void workload_row_describe(struct workload *workload, const struct trace_row *row,
                           int64_t at_ns, struct sim_arrival *arrival);

#endif
