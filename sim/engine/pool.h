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
#include "engine/scale.h"
#include "engine/tier.h"
#include "model/accelerator.h"
#include "model/adapter.h"
#include "model/constants.h"
#include "model/cost.h"
#include "model/layout.h"
#include "model/ledger.h"
#include "model/llm.h"
#include "model/meter.h"
#include "model/power.h"
#include "model/price.h"
#include "model/speculative.h"

/* What a pool does of a request: all, its prompt, its output (engine/disaggregate.h). */
enum pool_role { POOL_BOTH, POOL_PREFILL, POOL_DECODE };

struct pool_config {
    const char *name;
    const char *accelerator_name; /* "" if none: cost = linear needs none */
    const char *model_name;
    const char *engine_name;
    const char *policy_name;
    const char *served_model; /* "": any */
    const char *classes;      /* likewise */
    int64_t n_replicas;       /* at the start */
    int64_t most_replicas;    /* that there may ever be; 0: no more than at the start */
    int64_t role;             /* enum pool_role */
    struct layout layout;
    int64_t block_tokens;
    int64_t utilization_nano;
    int64_t num_gpu_blocks;   /* 0: from the ledger */
    int64_t max_model_tokens; /* 0: the model's own, or none */
    int64_t slow_share_nano;  /* of its replicas, whose steps last slow_factor times */
    int64_t slow_factor_nano;
    struct accelerator accelerator;
    struct llm llm;
    struct constants constants;
    struct pool_scheduler scheduler;
    struct cost_config cost;
    struct tier_config offload; /* of the section [offload], for all pools */
    struct meter_config meter;  /* of [power], likewise */
    struct speculative_config speculative;
    struct scale_config scale; /* of the section [scale.NAME] */
    const char *shares_with;   /* a pool whose GPUs it has, too: engine/sleep.h; "" */
    int32_t shares_pool;       /* 1 + its index; 0: none */
    struct price_config price;
    struct price_terms price_terms; /* of the section [price], for all pools */
    struct adapter_config adapters; /* of the section [lora] */
    int64_t lora;                   /* whether it serves any */
};

/* The keys of the pool itself; those of its parts are in their own tables. */
extern const struct field_table pool_table;

struct pool {
    const struct pool_config *config;
    int32_t index;
    struct cost cost;
    struct power power;
    struct price price;
    struct speculative speculative;
    struct adapter adapter;
    struct ledger
        ledger; /* zero if num_gpu_blocks is given and there is no accelerator */
    bool has_ledger;
    bool has_hardware;     /* there are an accelerator and a model: MFU and MBU exist */
    int64_t usable_blocks; /* KV blocks less the null block; of a scheduler */
    int64_t watermark_blocks; /* that admission leaves free */
    int64_t swap_block_fs;    /* of moving a block to the host or back */
    struct tier_limits tiers;
    int64_t most_tokens; /* prompt + output of one request; INT64_MAX: no bound */
};

/* Schedulers of the pool: its replicas, or their ranks where those have one each. */
static inline int64_t pool_n_schedulers(const struct pool_config *config)
{
    return config->n_replicas * layout_ranks(&config->layout);
}

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

/* Replicas, or ranks with a scheduler each, that there may be at any time. */
int32_t pool_places(const struct pool *pool);

#endif
