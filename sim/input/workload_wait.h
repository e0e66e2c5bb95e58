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

/* What a request whose row has a parent_id waits for; -1, `err` and no labels and
 * parts any more where it cannot, and was not to be ignored. */
int workload_wait_describe(const struct workload *workload, const struct trace_row *row,
                           struct sim_arrival *arrival, struct err *err);

/* Whether the measurement window, which begins with the first arrival, has that time. */
static inline bool workload_wait_counts(const struct workload *workload,
                                        int64_t arrival_ns)
{
    return arrival_ns >= workload->window_start_ns &&
           arrival_ns <= workload->window_end_ns;
}

/* Whether the request that is given next is in the measurement window, as far as can be
 * said before it is known when it arrives. */
static inline bool workload_wait_is_counted(const struct workload *workload,
                                            const struct sim_arrival *arrival)
{
    const struct config_workload *config = workload->config;
    int64_t index = workload->n_given;
    bool is_timed = config->mode == CONFIG_OPEN && arrival->parents == NULL;
    return (!is_timed || workload_wait_counts(workload, arrival->arrival_ns)) &&
           index >= config->count_from &&
           (config->count_to == 0 || index < config->count_to);
}

#endif
