/* pool: replicas that are alike: what serves, with which limits, at what price.
 *
 * struct pool_config is what a [pool.NAME] section says (with the files it names); struct
 * pool is what the engine needs of it, worked out once per run.
 */
#ifndef SERVESIM_ENGINE_POOL_H
#define SERVESIM_ENGINE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "engine/pool_scheduler.h"
#include "engine/tier.h"
#include "model/accelerator.h"
#include "model/constants.h"
#include "model/cost.h"
#include "model/layout.h"
#include "model/ledger.h"
#include "model/llm.h"
#include "model/power.h"
#include "model/speculative.h"

/* What a pool does of a request: all, its prompt, its output (engine/disaggregate.h). */
enum pool_role { POOL_BOTH, POOL_PREFILL, POOL_DECODE };

struct pool_config {
    const char *name;
    const char *accelerator_name; /* "" if none: cost = linear needs none */
    const char *model_name;
    const char *engine_name;
    const char *policy_name;
    int64_t n_replicas;    /* at the start */
    int64_t most_replicas; /* that there may ever be; 0: no more than at the start */
    int64_t role;          /* enum pool_role */
    struct layout layout;
    int64_t block_tokens;
    int64_t utilization_nano;
    int64_t num_gpu_blocks;   /* 0: from the ledger */
    int64_t max_model_tokens; /* 0: the model's own, or none */
    struct accelerator accelerator;
    struct llm llm;
    struct constants constants;
    struct pool_scheduler scheduler;
    struct cost_config cost;
    struct tier_config offload; /* of the section [offload], for all pools */
    struct speculative_config speculative;
};

/* The keys of the pool itself; those of its parts are in their own tables. */
extern const struct field_table pool_table;

struct pool {
    const struct pool_config *config;
    int32_t index;
    struct cost cost;
    struct power power;
    struct speculative speculative;
    struct ledger
        ledger; /* zero if num_gpu_blocks is given and there is no accelerator */
    bool has_ledger;
    bool has_hardware;     /* there are an accelerator and a model: MFU and MBU exist */
    int64_t usable_blocks; /* KV blocks less the null block */
    int64_t watermark_blocks; /* that admission leaves free */
    int64_t swap_block_fs;    /* of moving a block to the host or back */
    struct tier_limits tiers;
    int64_t most_tokens; /* prompt + output of one request; INT64_MAX: no bound */
};

/* Works a pool out of its configuration; -1 if it cannot serve.  Whatever it returns,
 * pool_free() frees. */
int pool_init(struct pool *pool, const struct pool_config *config, struct err *err);
void pool_free(struct pool *pool);

/* The most output tokens that a client lets a request have whose output is that long. */
int64_t pool_max_new_tokens(const struct pool *pool, int64_t output_tokens);

/* KV blocks that a request of these lengths needs at its end: ceil((prompt + output - 1) /
 * block), the last token's KV being never written. */
int64_t pool_needed_blocks(const struct pool *pool, int64_t prompt_tokens,
                           int64_t output_tokens);

/* Replicas that there may be at any time. */
int32_t pool_places(const struct pool *pool);

/* Nano-dollars that a replica of the pool costs per hour. */
int64_t pool_usd_per_hour_nano(const struct pool *pool);

#endif
