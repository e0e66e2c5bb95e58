#include "engine/slow.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/replica.h"

int64_t slow_times(int64_t a_nano, int64_t b_nano)
{
    return wide_narrow(wide_div_half_up((wide)a_nano * b_nano, SLOW_NOT));
}

static struct slow_prices *find(const struct slow *slow, const struct pool *pool,
                                int64_t factor_nano)
{
    for (int32_t i = 0; i < slow->n; i++) {
        struct slow_prices *prices = slow->prices[i];
        if (prices->pool == pool && prices->factor_nano == factor_nano) {
            return prices;
        }
    }
    return NULL;
}

/* The pool's prices times the factor, before anything is rounded. */
static struct cost_config config_of(const struct pool *pool, int64_t factor_nano)
{
    struct cost_config config = pool->config->cost;
    config.scale_nano = slow_times(config.scale_nano, factor_nano);
    config.base_fs = slow_times(config.base_fs, factor_nano);
    config.prefill_token_fs = slow_times(config.prefill_token_fs, factor_nano);
    config.decode_seq_fs = slow_times(config.decode_seq_fs, factor_nano);
    config.context_token_fs = slow_times(config.context_token_fs, factor_nano);
    return config;
}

int slow_add(struct slow *slow, const struct pool *pool, int64_t factor_nano,
             struct err *err)
{
    if (factor_nano == SLOW_NOT || find(slow, pool, factor_nano) != NULL) {
        return 0;
    }
    const struct pool_config *config = pool->config;
    struct slow_prices *prices = memory_new(1, sizeof *prices);
    struct cost_config cost = config_of(pool, factor_nano);
    prices->pool = pool;
    prices->factor_nano = factor_nano;
    struct err reason;
    if (cost_init(&prices->cost, &cost, &config->accelerator, &config->llm,
                  &config->constants, &config->layout, &reason) != 0) {
        cost_free(&prices->cost);
        free(prices);
        return err_set(err, "[pool.%s]: at the pace of its slow replicas %.800s",
                       config->name, reason.text);
    }
    cost_form_table_init(&prices->forms, &prices->cost, config->scheduler.max_num_seqs);
    slow->prices = memory_grow(slow->prices, (size_t)slow->n + 1, sizeof(void *));
    slow->prices[slow->n++] = prices;
    return 0;
}

void slow_free(struct slow *slow)
{
    for (int32_t i = 0; i < slow->n; i++) {
        cost_form_table_free(&slow->prices[i]->forms);
        cost_free(&slow->prices[i]->cost);
        free(slow->prices[i]);
    }
    free(slow->prices);
    *slow = (struct slow){0};
}

void slow_set(const struct slow *slow, struct replica *replica, int64_t factor_nano)
{
    replica->slow_nano = factor_nano;
    replica->cost = &replica->pool->cost;
    replica->forms = replica->pool_forms;
    if (factor_nano != SLOW_NOT) {
        struct slow_prices *prices = find(slow, replica->pool, factor_nano);
        CHECK(prices != NULL);
        replica->cost = &prices->cost;
        replica->forms = &prices->forms;
    }
}
