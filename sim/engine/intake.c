#include "engine/intake.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "engine/transfer_route.h"

/* KV blocks that the request may come to need. */
static int64_t needed_blocks(const struct pool *pool, const struct sim_arrival *arrival)
{
    return pool_needed_blocks(pool, arrival->prompt_tokens,
                              pool_max_new_tokens(pool, arrival->output_tokens));
}

/* Whether a discipline that computes prompts whole can do so in one step, even those of
 * requests that gave way with their last token to come. */
static bool is_step(const struct sim *sim, const struct pool *pool,
                    const struct sim_arrival *arrival)
{
    const struct pool_scheduler *scheduler = &pool->config->scheduler;
    const struct batch_ops *batching = sim->config->policies[pool->index].batching;
    if (batching->unbudgeted) {
        return arrival->prompt_tokens <= BATCH_MOST_TOKENS;
    }
    int64_t tokens =
        arrival->prompt_tokens + pool_max_new_tokens(pool, arrival->output_tokens) - 1;
    return scheduler->enable_chunked_prefill != 0 || !batching->chunks ||
           tokens <= scheduler->max_num_batched_tokens;
}

/* Output of an arrival, as far as admission looks ahead. */
static int64_t clipped_output(const struct pool *pool,
                              const struct sim_arrival *arrival)
{
    int64_t tokens = pool_max_new_tokens(pool, arrival->output_tokens);
    int64_t most = pool->config->scheduler.clip_max_new_tokens;
    return tokens < most ? tokens : most;
}

/* Whether a discipline that wants to have tokens to spare would have some with nobody
 * else there. */
static bool is_spare(const struct sim *sim, const struct pool *pool,
                     const struct sim_arrival *arrival)
{
    int64_t block_tokens = pool->config->block_tokens;
    int64_t n_blocks = (arrival->prompt_tokens + block_tokens - 1) / block_tokens;
    return !sim->config->policies[pool->index].batching->wants_spare ||
           n_blocks * block_tokens + clipped_output(pool, arrival) <
               pool->usable_blocks * block_tokens;
}

static bool is_short(const struct pool *pool, const struct sim_arrival *arrival)
{
    return arrival->prompt_tokens <= INT64_MAX / 4 - arrival->output_tokens &&
           arrival->prompt_tokens + arrival->output_tokens <= pool->most_tokens &&
           pool->config->scheduler.max_output_tokens <= INT64_MAX / 4;
}

static bool serves_adapters(const struct sim *sim)
{
    bool any = false;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        any = any || sim->config->pools[i].adapter.max_loras > 0;
    }
    return any;
}

/* Whether the pool serves the adapter that the request names, if it names one: those are
 * but labels where no pool serves any. */
static bool is_adapted(const struct sim *sim, const struct pool *pool,
                       const struct sim_arrival *arrival)
{
    return arrival->adapter == 0 || pool->adapter.max_loras > 0 ||
           !serves_adapters(sim);
}

bool intake_fits(const struct sim *sim, const struct pool *pool, int64_t prompt_tokens,
                 int64_t output_tokens)
{
    const struct sim_arrival arrival = {.prompt_tokens = prompt_tokens,
                                        .output_tokens = output_tokens};
    return is_short(pool, &arrival) && is_step(sim, pool, &arrival) &&
           needed_blocks(pool, &arrival) <=
               pool->usable_blocks - pool->watermark_blocks &&
           is_spare(sim, pool, &arrival);
}

static bool servable(const struct sim *sim, const struct pool *pool,
                     const struct sim_arrival *arrival)
{
    int64_t part = transfer_route_part(&sim->transfers, pool, arrival->output_tokens);
    return intake_fits(sim, pool, arrival->prompt_tokens, part) &&
           is_adapted(sim, pool, arrival);
}

/* A bit for each pool that could serve the request. */
static uint64_t pools_of(const struct sim *sim, const struct sim_arrival *arrival)
{
    uint64_t served = served_pools(&sim->served, arrival->model, arrival->klass);
    uint64_t pools = 0;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if ((served >> i & 1) != 0 && servable(sim, &sim->config->pools[i], arrival)) {
            pools |= UINT64_C(1) << i;
        }
    }
    return transfer_route_pools(&sim->transfers, pools);
}

/* The first of the pools that serve such requests; NULL: none does. */
static const struct pool *first_pool(const struct sim *sim,
                                     const struct sim_arrival *arrival)
{
    uint64_t served = served_pools(&sim->served, arrival->model, arrival->klass);
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if ((served >> i & 1) != 0) {
            return &sim->config->pools[i];
        }
    }
    return NULL;
}

static int refuse_target(const struct sim_arrival *arrival, struct err *err)
{
    const char *model = arrival->model_name;
    const char *klass = arrival->class_name;
    return err_at(err, arrival->file, arrival->line,
                  "no pool serves requests of model '%s' and class '%s'; '[workload] "
                  "unservable = reject' passes over them",
                  model != NULL ? model : "", klass != NULL ? klass : "");
}

static int refuse(const struct sim *sim, const struct sim_arrival *arrival,
                  struct err *err)
{
    const struct pool *pool = first_pool(sim, arrival); /* for instance */
    if (pool == NULL) {
        return refuse_target(arrival, err);
    }
    int64_t tokens = arrival->prompt_tokens + arrival->output_tokens;
    if (!is_adapted(sim, pool, arrival)) {
        return err_at(
            err, arrival->file, arrival->line,
            "no pool that could take the request serves LoRA adapters (lora = "
            "no in [pool.%s]); '[workload] unservable = reject' passes over it",
            pool->config->name);
    }
    if (tokens > pool->most_tokens) {
        return err_at(
            err, arrival->file, arrival->line,
            "the request's %" PRId64 " prompt and %" PRId64
            " output tokens are more than the %" PRId64
            " of max_model_len; '[workload] unservable = reject' passes over it",
            arrival->prompt_tokens, arrival->output_tokens, pool->most_tokens);
    }
    if (!is_step(sim, pool, arrival) &&
        sim->config->policies[pool->index].batching->unbudgeted) {
        return err_at(err, arrival->file, arrival->line,
                      "the request's %" PRId64 " prompt tokens are more than the %d "
                      "that a step may compute; '[workload] unservable = reject' "
                      "passes over it",
                      arrival->prompt_tokens, BATCH_MOST_TOKENS);
    }
    if (!is_step(sim, pool, arrival)) {
        return err_at(
            err, arrival->file, arrival->line,
            "the request's %" PRId64 " prompt and %" PRId64
            " output tokens are more than the %" PRId64
            " of max_num_batched_tokens, and without chunked prefill they may "
            "have to be computed in one step; '[workload] unservable = reject' "
            "passes over it",
            arrival->prompt_tokens, pool_max_new_tokens(pool, arrival->output_tokens),
            pool->config->scheduler.max_num_batched_tokens);
    }
    if (needed_blocks(pool, arrival) <= pool->usable_blocks - pool->watermark_blocks) {
        return err_at(
            err, arrival->file, arrival->line,
            "the request's %" PRId64 " prompt tokens, in whole blocks, and %" PRId64
            " output tokens are not fewer than the %" PRId64
            " of the KV cache, as batching = sglang expects; '[workload] unservable = "
            "reject' passes over it",
            arrival->prompt_tokens, clipped_output(pool, arrival),
            pool->usable_blocks * pool->config->block_tokens);
    }
    return err_at(
        err, arrival->file, arrival->line,
        "the request's %" PRId64 " prompt and %" PRId64 " output tokens need %" PRId64
        " KV blocks and the pool has %" PRId64
        "; '[workload] unservable = reject' passes over it",
        arrival->prompt_tokens, pool_max_new_tokens(pool, arrival->output_tokens),
        needed_blocks(pool, arrival), pool->usable_blocks - pool->watermark_blocks);
}

/* A request that no replica could ever serve. */
static void turn_away(struct sim *sim)
{
    const struct sim_arrival *arrival = &sim->next;
    if (arrival->arrival_ns > sim->totals.end_ns) {
        sim->totals.end_ns = arrival->arrival_ns;
    }
    struct probe_record record = {
        .id = sim->next_id,
        .replica = -1,
        .prefill_replica = -1,
        .status = REQUEST_REJECTED,
        .reason =
            first_pool(sim, arrival) != NULL ? REASON_UNSERVABLE : REASON_UNKNOWN_MODEL,
        .attempts = 1,
        .source_key = arrival->key,
        .counted = arrival->counted,
        .labels = arrival->labels,
        .priority = arrival->priority,
        .tenant = arrival->tenant,
        .arrival_ns = arrival->arrival_ns,
        .prompt_tokens = arrival->prompt_tokens,
        .output_tokens = arrival->output_tokens,
        .reasoning_tokens = arrival->reasoning_tokens,
        .first_scheduled_ns = REQUEST_NEVER,
        .first_token_ns = REQUEST_NEVER,
        .first_answer_ns = REQUEST_NEVER,
        .finish_ns = arrival->arrival_ns,
        .max_gap_ns = REQUEST_NEVER,
    };
    free(arrival->parts);
    sim->next_is_read = false;
    sim->next_id++;
    sim_enter(sim);
    sim_finished(sim, &record);
}

/* Whether the time of the next request has come, or it does not matter: 1, 0, -1. */
static int is_due(struct sim *sim, struct err *err)
{
    const struct sim_source *source = sim->source;
    if (source->peek == NULL) {
        return 1;
    }
    int got = source->peek(source->state, &sim->next_at_ns, err);
    sim->has_next = got > 0;
    return got > 0 ? sim->next_at_ns <= sim->now_ns : got;
}

int intake_next(struct sim *sim, struct err *err)
{
    const struct sim_source *source = sim->source;
    for (;;) {
        sim->next_is_read = false;
        int got = is_due(sim, err);
        if (got <= 0) {
            return got;
        }
        got = source->next(source->state, &sim->next, err);
        sim->has_next = got > 0;
        sim->next_is_read = sim->has_next;
        sim->next_at_ns = sim->next.arrival_ns;
        if (got <= 0) {
            return got;
        }
        CHECK(sim->next_id < INT32_MAX);
        sim->next_predicted = foresight_guess(&sim->foresight, sim->next.output_tokens);
        sim->totals.n_injected++;
        sim->next_pools = pools_of(sim, &sim->next);
        if (sim->next_pools != 0) {
            return 0;
        }
        if (!sim->config->reject_unservable) {
            return refuse(sim, &sim->next, err);
        }
        turn_away(sim);
    }
}

struct prefix_chain *intake_chain(const struct sim *sim,
                                  const struct sim_arrival *arrival)
{
    bool of_use = false;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        of_use = of_use ||
                 sim->config->pools[i].config->scheduler.enable_prefix_caching != 0;
    }
    if (arrival->parts != NULL && of_use) {
        struct prefix_chain *chain =
            prefix_chain_new(arrival->parts, arrival->n_parts, arrival->prompt_tokens);
        prefix_chain_mark(chain, serves_adapters(sim) ? arrival->adapter : 0);
        return chain;
    }
    free(arrival->parts);
    return NULL;
}
