#include "engine/replica.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/span.h"
#include "engine/stepwise.h"
#include "engine/sums.h"

void replica_init(struct replica *replica, const struct pool *pool,
                  const struct batch_policy *policy, int32_t index, bool stepwise)
{
    const struct batch_ops *ops = policy->batching;
    const struct pool_scheduler *scheduler = &pool->config->scheduler;
    int64_t threshold = scheduler->long_prefill_token_threshold;
    bool drafts = pool->config->speculative.method != SPECULATIVE_NONE;
    bool adapts = pool->adapter.max_loras > 0;
    *replica = (struct replica){
        .pool = pool,
        .cost = &pool->cost,
        .slow_nano = SLOW_NOT,
        .ops = ops,
        .index = index,
        /* drafted tokens are right or wrong one by one; steps have adapters of their own;
         * ranks look at each other */
        .stepwise = stepwise || ops->plan_grouped == NULL || drafts || adapts ||
                    layout_ranks(&pool->config->layout) > 1,
        .kv = {.block_tokens = pool->config->block_tokens,
               .total_blocks = pool->usable_blocks,
               .free_blocks = pool->usable_blocks},
        .limits =
            {
                .max_num_seqs = scheduler->max_num_seqs,
                .max_num_batched_tokens = scheduler->max_num_batched_tokens,
                .long_prefill_token_threshold = threshold > 0 ? threshold : INT64_MAX,
                .reserve_full_prompt = scheduler->reserve_full_prompt != 0,
            },
    };
    replica->async = pool->config->constants.async_scheduling != 0;
    replica->poll_steps = pool->config->constants.poll_steps;
    replica->wake_ns = REQUEST_NEVER;
    replica->most_span_ns = INT64_MAX / 4 / (pool->usable_blocks + 1);
    replica->policy_state = memory_new(1, ops->state_size);
    replica->swap.most_blocks =
        scheduler->swap_blocks > 0 ? scheduler->swap_blocks : INT64_MAX;
    replica->order_settings = (struct order_settings){
        .max_num_batched_tokens = scheduler->max_num_batched_tokens,
        .aging_ns = scheduler->aging_ns,
        .mlfq_levels = scheduler->mlfq_levels,
        .mlfq_quantum = scheduler->mlfq_quantum,
        .mlfq_prefill_tokens = scheduler->mlfq_prefill_tokens,
        .mlfq_promote_ns = scheduler->mlfq_promote_ns};
    fair_init(&replica->fair, policy->order->by_tenant);
    queue_init(&replica->queue, policy->order, &replica->fair, replica->stepwise);
    group_init(&replica->group, pool->config->block_tokens, pool->cost.window_tokens);
    tier_init(&replica->tier, &pool->tiers, &pool->cost, pool->config->block_tokens);
    replica->forecast.on = scheduler->admission == POOL_FORECAST;
    replica->draft.of = drafts ? &pool->speculative : NULL;
    replica->lora.of = adapts ? &pool->adapter : NULL;
    replica->group.reserved = scheduler->preempt == POOL_NONE;
}

void replica_free(struct replica *replica)
{
    group_free(&replica->group);
    fair_free(&replica->fair);
    forecast_free(&replica->forecast);
    queue_free(&replica->queue);
    free(replica->policy_state);
    free(replica->partials);
    late_free(&replica->late);
    free(replica->given_up);
    free(replica->grants);
    free(replica->victims);
    prefix_free(replica->kv.prefix);
    tier_free(&replica->tier);
    leave_free(&replica->leaving);
    lora_free(&replica->lora);
}

void replica_know_prompts(struct replica *replica)
{
    if (replica->kv.prefix != NULL) {
        return;
    }
    replica->kv.prefix = prefix_new(replica->kv.block_tokens, replica->kv.free_blocks);
    if (tier_exists(&replica->tier)) {
        prefix_offload(replica->kv.prefix, &replica->tier);
    }
}

void replica_enqueue(struct replica *replica, struct request *request, int64_t now_ns)
{
    sums_state(replica, now_ns);
    request->place = REQUEST_WAITING;
    request->enqueued_ns = now_ns;
    int64_t most_waiting = replica->pool->config->scheduler.max_queue_size;
    bool is_full = most_waiting > 0 && replica_n_waiting(replica) >= most_waiting;
    request_list_append(&replica->arrived, request);
    if (is_full) {
        request->reason = REASON_QUEUE_FULL;
        replica_finish(replica, request, REQUEST_SHED, now_ns);
        return;
    }
    if (request->chain != NULL) {
        replica_know_prompts(replica);
    }
}

void replica_divide(struct replica *replica)
{
    if (replica->stepwise) {
        stepwise_divide(replica);
    } else {
        group_divide(&replica->group);
    }
}

void replica_divide_once(struct replica *replica)
{
    if (!replica->divided) {
        replica->divided = true;
        replica_divide(replica);
    }
}

static void drop_partial(struct replica *replica, const struct request *request)
{
    for (int64_t i = 0; i < replica->n_partials; i++) {
        if (replica->partials[i] == request) {
            replica->n_partials--;
            memmove(&replica->partials[i], &replica->partials[i + 1],
                    (size_t)(replica->n_partials - i) * sizeof(struct request *));
            return;
        }
    }
}

void replica_join(struct replica *replica, struct request *request)
{
    request->decoding = true;
    if (!replica->stepwise) {
        drop_partial(replica, request);
        group_join(&replica->group, request);
        fair_join(&replica->fair, request);
        forecast_join(replica, request);
        /* who joins with a decode of its own is dealt with as a grant */
        if (replica->group.stalled_ns > 0 && !replica->group_granted) {
            late_add(&replica->late, request);
        }
    }
}

void replica_leave(struct replica *replica, struct request *request, int64_t now_ns)
{
    request->decoding = false;
    if (request->in_group) {
        int64_t stalled_ns = replica->group.stalled_ns;
        fair_quit(&replica->fair, request);
        forecast_leave(replica, request);
        group_leave(&replica->group, request);
        if (request->first_answer_ns == REQUEST_NEVER &&
            request->n_emitted > request->reasoning_tokens) { /* with this very step */
            request->first_answer_ns = now_ns;
        }
        if (!replica->group.reserved) {
            request->held_blocks = kv_blocks(&replica->kv, request->computed_tokens);
        }
        if (request->late) {
            late_drop(&replica->late, request);
        } else {
            request->last_token_ns = now_ns - stalled_ns;
        }
    } else if (!replica->stepwise) {
        drop_partial(replica, request);
    }
}

void replica_caught_up(struct request *request, int64_t now_ns)
{
    request->recompute_ns += now_ns - request->recompute_since_ns;
    request->recompute_since_ns = REQUEST_NEVER;
}

/* A gap of the request's own, rather than the group's. */
static void own_gap(struct replica *replica, struct request *request, int64_t now_ns)
{
    int64_t gap_ns = now_ns - request->last_token_ns;
    if (gap_ns > request->max_gap_ns) {
        request->max_gap_ns = gap_ns;
    }
    if (replica->itl != NULL && request->counted) {
        histogram_add(replica->itl, gap_ns, 1);
    }
}

void replica_emit(struct replica *replica, struct request *request, int64_t now_ns)
{
    if (request->first_token_ns == REQUEST_NEVER) {
        request->first_token_ns = now_ns;
        request->prefill_ns =
            now_ns - request->first_scheduled_ns - request->recompute_ns;
    } else {
        own_gap(replica, request, now_ns);
    }
    if (request->n_emitted == request->reasoning_tokens) {
        request->first_answer_ns = now_ns;
    }
    request->n_emitted++;
    request->last_token_ns = now_ns;
    fair_emit(&replica->fair, request);
}

void replica_charge_prefill(struct replica *replica, int64_t rest_ns, wide rest_pj)
{
    int64_t n_tokens = cost_prompt_tokens(&replica->span.counts);
    if (n_tokens == 0) {
        return;
    }
    int64_t fetch_ns = wide_narrow(replica->tier.fetch_fs / 1000000);
    fetch_ns = (fetch_ns < rest_ns ? fetch_ns : rest_ns) / n_tokens; /* of a token */
    replica->prefill_pot_ns += rest_ns;
    replica->prefill_pot_pj += rest_pj;
    replica->tally.prefill_pj += rest_pj;
    wide token_ns = wide_div(replica->prefill_pot_ns, n_tokens);
    wide token_pj = wide_div(replica->prefill_pot_pj, n_tokens);
    replica->prefill_pot_ns -= token_ns * n_tokens;
    replica->prefill_pot_pj -= token_pj * n_tokens;
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        if (!grant->decode) {
            int64_t paid_ns = wide_narrow(token_ns * grant->tokens);
            int64_t fetch_paid_ns = fetch_ns * grant->tokens; /* no more than that */
            grant->request->paid_ns += paid_ns;
            grant->request->prefill_paid_ns += paid_ns - fetch_paid_ns;
            grant->request->fetch_paid_ns += fetch_paid_ns;
            grant->request->energy_pj += token_pj * grant->tokens;
        }
    }
}

/* The members' own part of a step's end: those with a gap of their own, new ones. */
static void credit_grants(struct replica *replica, int64_t now_ns)
{
    while (replica->group_granted && replica->late.n > 0) {
        struct request *request = replica->late.requests[replica->late.n - 1];
        own_gap(replica, request, now_ns);
        group_settle_gaps(&replica->group, request);
        late_drop(&replica->late, request);
    }
    for (int64_t i = 0; i < replica->n_grants; i++) {
        struct replica_grant *grant = &replica->grants[i];
        struct request *request = grant->request;
        if (!grant->decode) {
            request->computed_tokens += grant->tokens;
        }
        bool recomputes = request->recompute_since_ns != REQUEST_NEVER;
        if (recomputes &&
            replica_computed(replica, request) > request->recompute_to_tokens) {
            replica_caught_up(request, now_ns);
        }
        if (grant->decode) {
            own_gap(replica, request, now_ns);
            if (recomputes) {
                group_settle_in(&replica->group, request);
            } else { /* it was left out for a while: this step was one of decoding */
                group_settle_gaps(&replica->group, request);
            }
        } else if (request_missing_tokens(request) == 0) {
            replica_emit(replica, request, now_ns);
            grant->emitted = true;
        }
    }
}

static bool is_due(const struct replica *replica)
{
    return group_next_due(&replica->group) != NULL &&
           group_steps_left(&replica->group) == 0;
}

/* Whether a member has its last token; answers that begin are noted before. */
static bool any_done(struct replica *replica, int64_t now_ns)
{
    if (!is_due(replica)) {
        return false;
    }
    group_note_answers(&replica->group, now_ns);
    return is_due(replica);
}

/* Whether somebody else joins or leaves the group. */
static bool membership_changes(const struct replica *replica)
{
    for (int64_t i = 0; i < replica->n_given_up; i++) {
        if (replica->given_up[i]->decoding) {
            return true;
        }
    }
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        if (replica_grant_joins(grant) ||
            (grant->decode && replica_grant_moves(replica, grant))) {
            return true;
        }
    }
    return false;
}

static void end_grouped(struct replica *replica, int64_t now_ns)
{
    span_advance(replica, now_ns);
    CHECK(replica->span.steps_left == 0);
    credit_grants(replica, now_ns);
    if (any_done(replica, now_ns) || membership_changes(replica)) {
        replica_divide(replica);
    }
    replica_finish_grants(replica, now_ns);
    while (is_due(replica)) {
        replica_finish(replica, group_next_due(&replica->group), REQUEST_COMPLETED,
                       now_ns);
        group_note_answers(&replica->group, now_ns); /* whom that one hid */
    }
}

void replica_end(struct replica *replica, int64_t now_ns)
{
    if (replica->stepwise) {
        stepwise_end(replica, now_ns);
    } else {
        end_grouped(replica, now_ns);
    }
    replica_finish_blocks(replica);
    if (replica->moving.on) {
        transfer_side_end(replica, now_ns);
    }
    replica->busy = false;
    replica->n_grants = 0;
    replica->n_given_up = 0;
}

bool replica_interrupt(struct replica *replica, int64_t now_ns)
{
    struct replica_span *span = &replica->span;
    if (!replica->busy) {
        return true;
    }
    if (replica->stepwise || span->last_start_ns < now_ns) {
        return false; /* the step in progress is the last one anyway */
    }
    span_advance(replica, now_ns);
    if (span->start_ns < now_ns || replica->planned_ns == now_ns) {
        span_cut(replica);
        return false;
    }
    /* the next step has not begun: its blocks are not taken */
    kv_put_back(&replica->kv, batch_group_new_blocks(replica));
    span->steps_left = 0;
    replica->busy = false;
    if (replica->moving.on) {
        transfer_side_end(replica, now_ns);
    }
    return true;
}

void replica_give_up(struct replica *replica, struct request *request, int64_t now_ns)
{
    bool running = request->place == REQUEST_RUNNING;
    if (running && !replica_interrupt(replica, now_ns)) {
        if (replica->n_given_up == replica->given_up_room) {
            replica->given_up_room = replica->given_up_room * 2 + 16;
            replica->given_up =
                memory_grow(replica->given_up, (size_t)replica->given_up_room,
                            sizeof(struct request *));
        }
        request->given_up = true;
        replica->given_up[replica->n_given_up++] = request;
        return;
    }
    if (running && request->decoding) {
        replica_divide(replica);
    }
    replica_finish(replica, request, REQUEST_TIMED_OUT, now_ns);
    replica_finish_blocks(replica);
}
