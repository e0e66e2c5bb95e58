#include <math.h>

#include "study/observed.h"

/* Beyond all servers, so that no product of counts overflows. */
static const double most_decodes = 1e6;
static const double most_tokens = 1e7; /* of one request */

/* A mean step of one replica in an interval. */
struct mean_step {
    double decodes;
    double context; /* of all of them */
    double n_steps;
    double n_chunks; /* in all steps, at most one in each */
    double chunk_tokens;
    double found_tokens; /* of the chunk's prompt, in the cache */
};

/* Of the gauges at both ends of the interval. */
static double mean_gauge(int64_t before, int64_t now)
{
    return (observed_known(before) + observed_known(now)) / 2e9;
}

/* Tokens of a request that runs; half of its output, in the mean. */
static double request_context(const struct measured_interval *rows, int64_t n)
{
    double prompt = 0;
    double output = 0;
    double begun = 0;
    double ended = 0;
    for (int64_t i = 1; i <= n; i++) {
        const struct measured_interval *row = &rows[i];
        double more = observed_ratio_begun(row - 1, row);
        if (!isnan(more) && row->prompt_tokens != MEASURED_NONE &&
            row->generation_tokens != MEASURED_NONE) {
            prompt += (double)row->prompt_tokens;
            output += (double)row->generation_tokens;
            begun += more;
            ended += (double)row->n_requests;
        }
    }
    return begun > 0 && ended >= 0 ? prompt / begun + output / (begun + ended) : NAN;
}

struct observed_context observed_step_context(const struct measured_interval *rows,
                                              int64_t n)
{
    struct observed_context context = {.per_request = request_context(rows, n)};
    double running = 0;
    double kv_used = 0;
    for (int64_t i = 1; i <= n; i++) {
        const struct measured_interval *before = &rows[i - 1];
        const struct measured_interval *now = &rows[i];
        double share = mean_gauge(before->kv_used_nano, now->kv_used_nano);
        double requests = mean_gauge(before->running_nano, now->running_nano);
        double length_s = (double)(now->t_ns - before->t_ns) * 1e-9;
        if (!isnan(share) && !isnan(requests)) {
            running += length_s * requests;
            kv_used += length_s * share;
        }
    }
    context.per_cache = kv_used > 0 ? running / kv_used * context.per_request : NAN;
    return context;
}

/* `running` requests share the interval's tokens; prompts come one to a step, in chunks
 * of what the token budget holds. */
static struct mean_step mean_step_of(const struct pool *pool,
                                     const struct observed_context *context,
                                     const struct measured_interval *before,
                                     const struct measured_interval *now)
{
    const struct pool_config *config = pool->config;
    double n_replicas = (double)pool_n_schedulers(config);
    double running = mean_gauge(before->running_nano, now->running_nano);
    double kv_used = mean_gauge(before->kv_used_nano, now->kv_used_nano);
    double hits =
        now->prefix_hit_tokens == MEASURED_NONE ? 0 : (double)now->prefix_hit_tokens;
    double computed =
        now->prompt_tokens == MEASURED_NONE ? 0 : (double)now->prompt_tokens - hits;
    double n_prompts = now->n_requests > 0 ? (double)now->n_requests : 1;
    double budget = (double)config->scheduler.max_num_batched_tokens;
    struct mean_step step = {
        .decodes =
            isnan(running) ? NAN : fmin(fmax(running / n_replicas, 1), most_decodes),
        .context = kv_used * context->per_cache / n_replicas,
        .found_tokens = fmin(hits / n_prompts, most_tokens),
    };
    step.n_steps = observed_known(now->generation_tokens) / n_replicas / step.decodes;
    if (isnan(step.context)) {
        step.context = step.decodes * context->per_request;
    }
    step.chunk_tokens = fmax(fmin(computed / n_prompts, budget - step.decodes), 1);
    step.n_chunks = fmax(computed, 0) / n_replicas / step.chunk_tokens;
    if (step.n_chunks > step.n_steps) { /* several to a step */
        step.chunk_tokens =
            fmin(step.chunk_tokens * step.n_chunks / step.n_steps, budget);
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

double observed_step_s(const struct pool *pool, const struct observed_context *context,
                       const struct measured_interval *before,
                       const struct measured_interval *now)
{
    struct mean_step step = mean_step_of(pool, context, before, now);
    if (!(step.n_steps > 0) || isnan(step.context)) {
        return NAN;
    }
    int64_t decodes = llround(step.decodes);
    double context_tokens = fmin(step.context / step.decodes, most_tokens);
    int64_t n_tokens = llround(fmax(context_tokens, 1) * (double)decodes);
    struct step_counts counts = {
        .n_decodes = decodes,
        .decode_context = n_tokens,
        .decode_window = decodes * cost_in_window(&pool->cost, n_tokens / decodes),
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
