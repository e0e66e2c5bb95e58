#include <math.h>

#include "study/observed.h"

/* A mean step of one replica in an interval. */
struct mean_step {
    double decodes;
    double context; /* of all of them */
    double n_steps;
    double n_chunks; /* in all steps, at most one in each */
    double chunk_tokens;
    double found_tokens; /* of the chunk's prompt, in the cache */
};

/* `running` requests share the interval's tokens; prompts come one to a step, in chunks
 * of what the token budget holds. */
static struct mean_step mean_step_of(const struct pool *pool,
                                     const struct measured_interval *before,
                                     const struct measured_interval *now)
{
    const struct pool_config *config = pool->config;
    double n_replicas = (double)config->n_replicas;
    double running =
        (observed_known(before->running_nano) + observed_known(now->running_nano)) /
        2e9;
    double kv_used =
        (observed_known(before->kv_used_nano) + observed_known(now->kv_used_nano)) /
        2e9;
    double hits =
        now->prefix_hit_tokens == MEASURED_NONE ? 0 : (double)now->prefix_hit_tokens;
    double prompt =
        now->prompt_tokens == MEASURED_NONE ? 0 : (double)now->prompt_tokens;
    double n_prompts = now->n_requests > 0 ? (double)now->n_requests : 1;
    double computed = fmax(prompt - hits, 0);
    struct mean_step step = {.decodes = fmax(running / n_replicas, 1)};
    double held = kv_used * (double)pool->usable_blocks * (double)config->block_tokens;
    double empty = step.decodes * (double)(config->block_tokens - 1) / 2;
    step.context = fmax(held - empty, step.decodes);
    step.n_steps = observed_known(now->generation_tokens) / n_replicas / step.decodes;
    step.found_tokens = hits / n_prompts;
    double budget = (double)config->scheduler.max_num_batched_tokens - step.decodes;
    step.chunk_tokens = fmax(fmin(computed / n_prompts, budget), 1);
    step.n_chunks = computed / n_replicas / step.chunk_tokens;
    if (step.n_chunks > step.n_steps) { /* several to a step */
        step.chunk_tokens *= step.n_chunks / step.n_steps;
        step.n_chunks = step.n_steps;
    }
    return step;
}

static double price_s(const struct cost *cost, const struct step_counts *counts)
{
    struct step_price price;
    cost_price(cost, counts, &price);
    return (double)cost_duration_ns(cost_sum_fs(&price)) * 1e-9;
}

double observed_step_s(const struct pool *pool, const struct measured_interval *before,
                       const struct measured_interval *now)
{
    struct mean_step step = mean_step_of(pool, before, now);
    if (!(step.n_steps > 0) || isnan(step.context)) {
        return NAN;
    }
    int64_t decodes = llround(step.decodes);
    int64_t context = llround(step.context);
    struct step_counts counts = {
        .n_decodes = decodes,
        .decode_context = context,
        .decode_window = decodes * cost_in_window(&pool->cost, context / decodes),
        .n_emitting = decodes,
    };
    double plain_s = price_s(&pool->cost, &counts);
    cost_count_chunk(&pool->cost, &counts, llround(step.found_tokens),
                     llround(step.chunk_tokens));
    counts.n_emitting++;
    double mixed_s = price_s(&pool->cost, &counts);
    double share = step.n_chunks / step.n_steps;
    return plain_s + share * (mixed_s - plain_s);
}
