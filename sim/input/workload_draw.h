/* workload_draw: the requests of a run, drawn while it goes.
 *
 * A generator gives the very requests that `servesim gen` would write, one at a time, so
 * that nothing is held and no file is written.  The run's seed moves the description's:
 * run 1 of a description is the trace that `gen` makes of it, run 2 that of the next seed.
 */
#ifndef SERVESIM_INPUT_WORKLOAD_DRAW_H
#define SERVESIM_INPUT_WORKLOAD_DRAW_H

#include "input/config.h"
#include "input/generate.h"
#include "input/trace.h"

struct workload_draw {
    struct generate_spec spec; /* with what [workload] says instead */
    struct generate_draw draw;
    char *file; /* what messages put before the number of a request */
};

/* Starts at the first request; workload_draw_free() it.  The config has a spec. */
struct workload_draw *workload_draw_new(const struct config_workload *config,
                                        uint64_t seed);
void workload_draw_free(struct workload_draw *draw);

/* The next request, its number from 1 on in place of a line: 1, 0 after the last, or -1. */
int workload_draw_next(struct workload_draw *draw, struct trace_row *row,
                       struct err *err);

#endif
