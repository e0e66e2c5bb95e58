/* tune_flags: what a server's flags may be set to, to look for the best.
 *
 * Each flag has a table of values, the present one among them, told as overrides the way a
 * user would give them with -s.  How a replica is spread over GPUs is one flag,
 * "parallelism": every tensor x pipeline x data parallel x replicas that has as many GPUs
 * as the configuration.  [tune] flags restricts them, "key" or "key value value ...".
 */
#ifndef SERVESIM_STUDY_TUNE_FLAGS_H
#define SERVESIM_STUDY_TUNE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"

enum { TUNE_FLAGS_MOST = 24, TUNE_FLAGS_VALUES = 1000, TUNE_FLAGS_KEYS = 5 };

struct tune_flags_value {
    const char *shown;
    const char *overrides[TUNE_FLAGS_KEYS]; /* "pool.main.max_num_seqs=64" */
    int32_t n_overrides;
};

struct tune_flags_flag {
    const char *name;
    const char *keys[TUNE_FLAGS_KEYS]; /* of the pool; without `replicas` */
    int32_t n_keys;
    struct tune_flags_value *values;
    int32_t n_values;
    int32_t was; /* index of the present value */
};

struct tune_flags {
    struct tune_flags_flag list[TUNE_FLAGS_MOST];
    int32_t n;
};

/* The flags of the configuration's one pool. */
int tune_flags_read(struct tune_flags *flags, const struct config *config,
                    struct arena *arena, struct err *err);

/* The index of the flag of that name; -1: there is none. */
int32_t tune_flags_find(const struct tune_flags *flags, const char *name);

/* "pool.NAME.key=value". */
const char *tune_flags_override(const struct pool_config *pool, const char *key,
                                const char *value, struct arena *arena);

/* What vLLM refuses at its start and a simulation would not; NULL: nothing. */
const char *tune_flags_refusal(const struct pool_config *pool);

#endif
