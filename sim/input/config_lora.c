#include "input/config_lora.h"

#include <inttypes.h>
#include <stdio.h>

#include "policy/policy.h"

static int check_memory(const struct adapter_config *lora,
                        const struct settings *settings, struct err *err)
{
    if (lora->max_cpu_loras == 0 || lora->max_cpu_loras >= lora->max_loras) {
        return 0;
    }
    char reason[160];
    snprintf(reason, sizeof reason,
             "'%" PRId64 "' is less than the %" PRId64
             " of max_loras, whose adapters are in host memory, too",
             lora->max_cpu_loras, lora->max_loras);
    return settings_refuse(settings_find(settings, "lora", "max_cpu_loras"), reason,
                           err);
}

static int check_pool(const struct config *config, const struct pool_config *pool,
                      struct err *err)
{
    if (config->lora.max_loras == 0 || pool->lora == 0) {
        return 0;
    }
    if (!policy_batching(pool->scheduler.batching)->adapts) {
        return err_set(
            err,
            "%s: [lora] max_loras: batching = %.80s serves no LoRA adapters; "
            "expected 0, or lora = no in [pool.%.80s]",
            config->file, pool->scheduler.batching, pool->name);
    }
    if (pool->layout.dp > 1) { /* each of its ranks would have slots of its own */
        return err_set(err,
                       "%s: [lora] max_loras: data_parallel = %" PRId64
                       " serves no LoRA adapters; expected 0, or lora = no in "
                       "[pool.%.80s]",
                       config->file, pool->layout.dp, pool->name);
    }
    return 0;
}

int config_lora_apply(struct config *config, const struct settings *settings,
                      struct err *err)
{
    if (check_memory(&config->lora, settings, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < config->n_pools; i++) {
        if (check_pool(config, &config->pools[i], err) != 0) {
            return -1;
        }
        config->pools[i].adapters = config->lora;
    }
    return 0;
}
