/* config_workload: whether the keys of [workload] go together, and the description of the
 * requests that it may name. */
#ifndef SERVESIM_INPUT_CONFIG_WORKLOAD_H
#define SERVESIM_INPUT_CONFIG_WORKLOAD_H

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "input/settings.h"

/* Checks that a trace or a generator says what the requests are, not both, and reads the
 * generator. */
int config_workload_read(struct config *config, const struct settings *settings,
                         struct arena *arena, struct err *err);

/* Refuses keys that do not go together, or not with what was read. */
int config_workload_check(const struct config_workload *workload, struct err *err);

/* Refuses what the trace need not be read for: standard input where the file is read twice,
 * and a hash that is none. */
int config_workload_check_trace(const struct config_workload *config, struct err *err);

#endif
