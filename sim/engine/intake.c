#include "engine/intake.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"

/* KV blocks that the request may come to need. */
static int64_t needed_blocks(const struct pool *pool, const struct sim_arrival *arrival)
{
    return pool_needed_blocks(pool, arrival->prompt_tokens,
                              pool_max_new_tokens(pool, arrival->output_tokens));
}

/* Whether a discipline that computes prompts whole can do so in one step, even those of
 * requests that gave way with their last token to come. */
static bool is_step(const struct sim *sim, const struct sim_arrival *arrival)
{
    const struct pool *pool = &sim->config->pools[0];
    const struct pool_scheduler *scheduler = &pool->config->scheduler;
    if (sim->config->policies[0].batching->unbudgeted) {
        return arrival->prompt_tokens <= BATCH_MOST_TOKENS;
    }
    int64_t tokens =
        arrival->prompt_tokens + pool_max_new_tokens(pool, arrival->output_tokens) - 1;
    return scheduler->enable_chunked_prefill != 0 ||
           !sim->config->policies[0].batching->chunks ||
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
static bool is_spare(const struct sim *sim, const struct sim_arrival *arrival)
{
    const struct pool *pool = &sim->config->pools[0];
    int64_t block_tokens = pool->config->block_tokens;
    int64_t n_blocks = (arrival->prompt_tokens + block_tokens - 1) / block_tokens;
    return !sim->config->policies[0].batching->wants_spare ||
           n_blocks * block_tokens + clipped_output(pool, arrival) <
               pool->usable_blocks * block_tokens;
}

static bool is_short(const struct pool *pool, const struct sim_arrival *arrival)
{
    return arrival->prompt_tokens <= INT64_MAX / 4 - arrival->output_tokens &&
           arrival->prompt_tokens + arrival->output_tokens <= pool->most_tokens &&
           pool->config->scheduler.max_output_tokens <= INT64_MAX / 4;
}

static bool servable(const struct sim *sim, const struct sim_arrival *arrival)
{
    const struct pool *pool = &sim->config->pools[0];
    return is_short(pool, arrival) && is_step(sim, arrival) &&
           needed_blocks(pool, arrival) <=
               pool->usable_blocks - pool->watermark_blocks &&
           is_spare(sim, arrival);
}

static int refuse(const struct sim *sim, const struct sim_arrival *arrival,
                  struct err *err)
{
    const struct pool *pool = &sim->config->pools[0];
    int64_t tokens = arrival->prompt_tokens + arrival->output_tokens;
    if (tokens > pool->most_tokens) {
        return err_at(
            err, arrival->file, arrival->line,
            "the request's %" PRId64 " prompt and %" PRId64
            " output tokens are more than the %" PRId64
            " of max_model_len; '[workload] unservable = reject' passes over it",
            arrival->prompt_tokens, arrival->output_tokens, pool->most_tokens);
    }
    if (!is_step(sim, arrival) && sim->config->policies[0].batching->unbudgeted) {
        return err_at(err, arrival->file, arrival->line,
                      "the request's %" PRId64 " prompt tokens are more than the %d "
                      "that a step may compute; '[workload] unservable = reject' "
                      "passes over it",
                      arrival->prompt_tokens, BATCH_MOST_TOKENS);
    }
    if (!is_step(sim, arrival)) {
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

/* A request that no replica ever sees. */
static void turn_away(struct sim *sim, enum request_status status, int64_t at_ns)
{
    if (at_ns > sim->totals.end_ns) {
        sim->totals.end_ns = at_ns;
    }
    const struct sim_arrival *arrival = &sim->next;
    struct probe_record record = {
        .id = sim->next_id,
        .replica = -1,
        .status = status,
        .counted = arrival->counted,
        .labels = arrival->labels,
        .priority = arrival->priority,
        .tenant = arrival->tenant,
        .arrival_ns = arrival->arrival_ns,
        .prompt_tokens = arrival->prompt_tokens,
        .output_tokens = arrival->output_tokens,
        .first_scheduled_ns = REQUEST_NEVER,
        .first_token_ns = REQUEST_NEVER,
        .finish_ns = at_ns,
        .queue_ns = at_ns - arrival->arrival_ns,
        .max_gap_ns = REQUEST_NEVER,
    };
    free(arrival->parts);
    sim->next_id++;
    sim_finished(sim, &record);
}

void intake_give_up(struct sim *sim)
{
    turn_away(sim, REQUEST_TIMED_OUT, sim->now_ns);
}

/* How long the next arrival takes to get through the front end, which does its work for
 * one request at a time. */
static int64_t in_frontend(const struct sim *sim, const struct pool *pool)
{
    const struct constants *constants = &pool->config->constants;
    int64_t arrival_ns = sim->next.arrival_ns;
    int64_t wait_ns =
        sim->frontend_free_ns > arrival_ns ? sim->frontend_free_ns - arrival_ns : 0;
    wide tokens_fs =
        (wide)constants->frontend_token_fs * sim->next.prompt_tokens + 500000;
    return wait_ns + wide_narrow(wide_div(tokens_fs, 1000000)) +
           constants->frontend_request_ns + constants->frontend_ns;
}

/* When the next arrival concerns the engine: once it is through the front end, or, if it
 * can never be served or its client is gone by then, when that is. */
static int64_t next_event(const struct sim *sim, const struct pool *pool,
                          bool can_serve)
{
    int64_t frontend_ns = in_frontend(sim, pool);
    int64_t timeout_ns = sim->config->client_timeout_ns;
    if (!can_serve) {
        return sim->next.arrival_ns;
    }
    if (timeout_ns > 0 && timeout_ns <= frontend_ns) {
        return sim->next.arrival_ns + timeout_ns;
    }
    return sim->next.arrival_ns + frontend_ns;
}

/* Reads the next arrival that a replica will see; those that none will are done here. */
int intake_next(struct sim *sim, struct err *err)
{
    const struct sim_source *source = sim->source;
    const struct pool *pool = &sim->config->pools[0];
    for (;;) {
        int got = source->next(source->state, &sim->next, err);
        sim->has_next = got > 0;
        if (got <= 0) {
            return got;
        }
        CHECK(sim->next_id < INT32_MAX);
        sim->next_predicted = foresight_guess(&sim->foresight, sim->next.output_tokens);
        sim->totals.n_injected++;
        bool can_serve = servable(sim, &sim->next);
        if (!can_serve && !sim->config->reject_unservable) {
            return refuse(sim, &sim->next, err);
        }
        int64_t free_ns = sim->next.arrival_ns + in_frontend(sim, pool) -
                          pool->config->constants.frontend_ns;
        sim->next_event_ns = next_event(sim, pool, can_serve);
        int64_t timeout_ns = sim->config->client_timeout_ns;
        bool gone = timeout_ns > 0 && timeout_ns <= in_frontend(sim, pool);
        sim->next_is_gone = gone;
        if (can_serve) { /* the front end does not know who has given up */
            sim->frontend_free_ns = free_ns;
        }
        /* one that gave up behind those in the front end was not looked at until now */
        bool is_over = gone && sim->next_event_ns <= sim->now_ns;
        if (can_serve && !is_over) {
            return 0;
        }
        turn_away(sim, can_serve ? REQUEST_TIMED_OUT : REQUEST_REJECTED,
                  sim->next_event_ns);
    }
}

struct prefix_chain *intake_chain(const struct pool *pool,
                                  const struct sim_arrival *arrival)
{
    if (arrival->parts != NULL && pool->config->scheduler.enable_prefix_caching != 0) {
        return prefix_chain_new(arrival->parts, arrival->n_parts,
                                arrival->prompt_tokens);
    }
    free(arrival->parts);
    return NULL;
}
