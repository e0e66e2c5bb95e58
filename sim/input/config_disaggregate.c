#include "input/config_disaggregate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *role_name(int64_t role)
{
    static const char *const names[] = {
        [POOL_BOTH] = "both", [POOL_PREFILL] = "prefill", [POOL_DECODE] = "decode"};
    return names[role];
}

/* Refuses a key of a pool where it was given, or where it would have been. */
static int refuse(const struct config *config, const struct settings *settings,
                  const struct pool_config *pool, const char *key, const char *reason,
                  struct err *err)
{
    char section[200];
    snprintf(section, sizeof section, "pool.%.190s", pool->name);
    const struct settings_entry *entry = settings_find(settings, section, key);
    if (entry != NULL) {
        return settings_refuse(entry, reason, err);
    }
    return err_set(err, "%s: [%s] %s: %s", config->file, section, key, reason);
}

/* Dimensions of a model on which the layout of its KV cache depends. */
struct dimension {
    const char *key;
    size_t offset; /* of the int64_t in struct llm */
};

#define DIMENSION(key, member)            \
    {                                     \
        key, offsetof(struct llm, member) \
    }

static const struct dimension dimensions[] = {
    DIMENSION("kv_precision", kv_precision),
    DIMENSION("layers", n_layers),
    DIMENSION("hidden", hidden),
    DIMENSION("heads", n_heads),
    DIMENSION("kv_heads", n_kv_heads),
    DIMENSION("head_dim", head_dim),
    DIMENSION("vocab", vocab),
    DIMENSION("kv_lora_rank", kv_lora_rank),
    DIMENSION("qk_rope_head_dim", qk_rope_head_dim),
    DIMENSION("window", window_tokens),
    DIMENSION("window_layers", n_window_layers),
    DIMENSION("index_heads", index_heads),
    DIMENSION("index_head_dim", index_head_dim),
    DIMENSION("linear_layers", n_linear_layers),
    DIMENSION("linear_state", linear_state),
};

static int64_t value_of(const struct llm *llm, size_t offset)
{
    int64_t value; /* offsets count bytes */
    memcpy(&value, (const char *)llm + offset, sizeof value);
    return value;
}

/* Whether the decode pool could go on with what the other one computed. */
static int check_pair(const struct config *config, const struct settings *settings,
                      const struct pool_config *from, const struct pool_config *to,
                      struct err *err)
{
    if ((from->model_name[0] == '\0') != (to->model_name[0] == '\0')) {
        char reason[200];
        snprintf(reason, sizeof reason,
                 "one of it and [pool.%.60s], which it shares requests with, has a "
                 "model and the other has none",
                 from->name);
        return refuse(config, settings, to, "model", reason, err);
    }
    for (size_t i = 0; i < sizeof dimensions / sizeof dimensions[0]; i++) {
        const struct dimension *dimension = &dimensions[i];
        if (from->model_name[0] == '\0' || value_of(&from->llm, dimension->offset) ==
                                               value_of(&to->llm, dimension->offset)) {
            continue;
        }
        bool is_precision = dimension->offset == offsetof(struct llm, kv_precision);
        char reason[400];
        snprintf(
            reason, sizeof reason,
            "[pool.%.60s] sends it the KV cache of %.60s, which has another %s than "
            "its own %.60s",
            from->name, from->model_name, dimension->key, to->model_name);
        return refuse(config, settings, to, is_precision ? dimension->key : "model",
                      reason, err);
    }
    return 0;
}

/* Whether requests may go from one to the other: `both` takes part with splitwise. */
static bool are_partners(const struct config *config, const struct pool_config *from,
                         const struct pool_config *to)
{
    bool mixes = config->disaggregate.policy == DISAGGREGATE_SPLITWISE;
    return from->role == POOL_PREFILL &&
           (to->role == POOL_DECODE || (mixes && to->role == POOL_BOTH));
}

static int check_batching(const struct config *config, const struct settings *settings,
                          const struct pool_config *pool, struct err *err)
{
    const char *batching = pool->scheduler.batching;
    if (strcmp(batching, "static") != 0 && strcmp(batching, "dynamic") != 0) {
        return 0;
    }
    char reason[300];
    snprintf(reason, sizeof reason,
             "'%.60s' keeps a batch together to its end, which a pool with role = %s "
             "cannot%s (expected another batching)",
             batching, role_name(pool->role),
             pool->role == POOL_BOTH ? " with [disaggregate] policy = splitwise" : "");
    return refuse(config, settings, pool, "batching", reason, err);
}

/* Who comes from elsewhere holds KV blocks and waits for a place in the step: if those who
 * run could always fill it, they might wait for each other for ever. */
static int check_budget(const struct config *config, const struct settings *settings,
                        const struct pool_config *pool, struct err *err)
{
    const struct pool_scheduler *scheduler = &pool->scheduler;
    if (pool->role == POOL_PREFILL ||
        scheduler->max_num_batched_tokens >= scheduler->max_num_seqs) {
        return 0;
    }
    char reason[300];
    snprintf(reason, sizeof reason,
             "%" PRId64 " is less than max_num_seqs = %" PRId64
             ": sequences from other pools might never get a token (expected at least "
             "as many)",
             scheduler->max_num_batched_tokens, scheduler->max_num_seqs);
    return refuse(config, settings, pool, "max_num_batched_tokens", reason, err);
}

/* Where bytes take time somebody must say how many there are. */
static int check_bytes(const struct config *config, const struct settings *settings,
                       const struct pool_config *pool, struct err *err)
{
    const struct disaggregate_config *disaggregate = &config->disaggregate;
    if (pool->role != POOL_PREFILL || pool->model_name[0] != '\0' ||
        disaggregate->kv_bytes > 0 || disaggregate->links == DISAGGREGATE_INFINITE) {
        return 0;
    }
    const struct settings_entry *entry =
        settings_find(settings, "disaggregate", "kv_bytes_per_token");
    char reason[200];
    snprintf(reason, sizeof reason,
             "must be given where a pool that is sent from, [pool.%.60s], has no model",
             pool->name);
    return entry != NULL ? settings_refuse(entry, reason, err)
                         : err_set(err, "%s: [disaggregate] kv_bytes_per_token: %s",
                                   config->file, reason);
}

/* A pool without anybody to send to, or to hear from, is a mistake. */
static int check_company(const struct config *config, const struct settings *settings,
                         const struct pool_config *pool, struct err *err)
{
    bool prefills = pool->role == POOL_PREFILL;
    bool has_company = false;
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *other = &config->pools[i];
        bool is_other_role = other->role == (prefills ? POOL_DECODE : POOL_PREFILL);
        has_company = has_company || is_other_role;
    }
    if (has_company) {
        return 0;
    }
    char reason[200];
    snprintf(reason, sizeof reason,
             "'%s' needs a pool with role = %s that serves the same requests, and "
             "there is none",
             role_name(pool->role), prefills ? "decode" : "prefill");
    return refuse(config, settings, pool, "role", reason, err);
}

int config_disaggregate_check(const struct config *config,
                              const struct settings *settings, struct err *err)
{
    bool mixes = false; /* pools of role both take part */
    for (int32_t i = 0; i < config->n_pools; i++) {
        mixes = mixes || config->pools[i].role != POOL_BOTH;
    }
    mixes = mixes && config->disaggregate.policy == DISAGGREGATE_SPLITWISE;
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        if (pool->role == POOL_BOTH) {
            if (mixes && (check_batching(config, settings, pool, err) != 0 ||
                          check_budget(config, settings, pool, err) != 0)) {
                return -1;
            }
            continue;
        }
        if (check_company(config, settings, pool, err) != 0 ||
            check_batching(config, settings, pool, err) != 0 ||
            check_budget(config, settings, pool, err) != 0 ||
            check_bytes(config, settings, pool, err) != 0) {
            return -1;
        }
        for (int32_t j = 0; j < config->n_pools; j++) {
            const struct pool_config *to = &config->pools[j];
            if (are_partners(config, pool, to) &&
                check_pair(config, settings, pool, to, err) != 0) {
                return -1;
            }
        }
    }
    return 0;
}
