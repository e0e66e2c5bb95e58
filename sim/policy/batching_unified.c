/* The token budget of vLLM v1: prefill and decode are the same thing, tokens to compute.
 *
 * Mirrors vllm/v1/core/sched/scheduler.py at upstream commit 52a31cce (2026-05-27),
 * without speculation: running requests first,
 * in order of admission, each what it lacks within the budget; where KV blocks lack, the
 * last admitted gives way, until the one that asked does; in a step that preempted nobody
 * is admitted; otherwise waiting requests first come first served, until one does not fit.
 */
#include "policy/policy.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t wanted(const struct replica *replica, const struct request *request)
{
    int64_t missing = batch_missing(replica, request);
    return least(missing, batch_limits(replica)->long_prefill_token_threshold);
}

static void admit(struct replica *replica, int64_t now_ns)
{
    const struct batch_limits *limits = batch_limits(replica);
    while (batch_budget(replica) > 0 &&
           batch_n_running(replica) < limits->max_num_seqs) {
        struct request *request = batch_first_waiting(replica);
        if (request == NULL) {
            return;
        }
        int64_t missing = batch_missing(replica, request);
        if (limits->reserve_full_prompt &&
            batch_new_blocks(replica, request, missing) > batch_free_blocks(replica)) {
            return;
        }
        int64_t tokens = least(wanted(replica, request), batch_budget(replica));
        if (!batch_admit(replica, request, tokens, now_ns)) {
            return;
        }
    }
}

/* Gives a running request its tokens, at the expense of the last ones; false if it had to
 * give way itself. */
static bool serve(struct replica *replica, struct request *request, int64_t now_ns)
{
    int64_t tokens = least(wanted(replica, request), batch_budget(replica));
    while (!batch_grant(replica, request, tokens, now_ns)) {
        struct request *victim = batch_last_running(replica);
        batch_preempt(replica, victim, now_ns);
        if (victim == request) {
            return false;
        }
    }
    return true;
}

static void plan(struct replica *replica, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    while (request != NULL && batch_budget(replica) > 0) {
        if (!serve(replica, request, now_ns)) {
            break;
        }
        request = batch_next(request);
    }
    if (batch_n_preempted(replica) == 0) {
        admit(replica, now_ns);
    }
}

/* What a running request takes, given what those before it leave of the budget. */
static int64_t partial_tokens(const struct replica *replica, int64_t i, int64_t *budget)
{
    int64_t tokens = least(wanted(replica, batch_partial(replica, i)), *budget);
    *budget -= tokens;
    return tokens;
}

/* KV blocks that all running requests need in this step. */
static int64_t demand(const struct replica *replica)
{
    int64_t budget = batch_budget(replica) - batch_n_grouped(replica);
    int64_t n_blocks = batch_group_new_blocks(replica);
    for (int64_t i = 0; i < batch_n_partial(replica); i++) {
        int64_t tokens = partial_tokens(replica, i, &budget);
        n_blocks += batch_new_blocks(replica, batch_partial(replica, i), tokens);
    }
    return n_blocks;
}

/* The same plan without visiting the decoding group.  Going through the running requests
 * in order, somebody fails exactly while what those that are left need, all together, is
 * more than what is free; then the last one goes.  And the budget only ever cuts the last
 * one: when a request was admitted, all before it had taken what they wanted, and what
 * they want never grows afterwards; so nobody runs without a token. */
static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    while (demand(replica) > batch_free_blocks(replica)) {
        batch_preempt(replica, batch_last_running(replica), now_ns);
    }
    batch_grant_group(replica);
    int64_t n_partial = batch_n_partial(replica);
    for (int64_t i = 0, done = 0; done < n_partial; done++) {
        struct request *request = batch_partial(replica, i);
        int64_t tokens = least(wanted(replica, request), batch_budget(replica));
        batch_grant(replica, request, tokens, now_ns);
        /* one whose last missing token this is has left the partials for the group */
        i += i < batch_n_partial(replica) && batch_partial(replica, i) == request;
    }
    if (batch_n_preempted(replica) == 0) {
        admit(replica, now_ns);
    }
}

/* First come, first served: behind somebody who waits, or with no room in the batch or
 * the budget.  Blocks only become fewer while nobody finishes. */
static bool newcomer_waits(const struct replica *replica)
{
    const struct batch_limits *limits = batch_limits(replica);
    return batch_first_waiting(replica) != NULL ||
           batch_n_running(replica) >= limits->max_num_seqs ||
           batch_n_grouped(replica) >= limits->max_num_batched_tokens;
}

const struct batch_ops batching_unified = {
    .name = "unified",
    .help =
        "vLLM v1: one token budget for decodes and prefill chunks, decodes first in, "
        "last admitted preempted",
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
};
