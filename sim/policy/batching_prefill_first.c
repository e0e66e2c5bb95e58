/* A step is either prefill or decode, and prefill goes first.
 *
 * The rule of schedulers without mixed batches (SGLang's default, vLLM v0 and Orca's
 * successors): while there are prompts to compute, running ones first, then waiting ones
 * first come first served, they fill the token budget and decodes wait; else every running
 * sequence decodes, and where KV blocks lack, the last admitted gives way.  What those
 * systems add to it (SGLang's new-token ratio, vLLM v0's delay factor and watermark) is
 * not here.
 */
#include "policy/policy.h"

static int64_t affordable(const struct replica *replica, const struct request *request)
{
    int64_t tokens = batch_serve_wanted(replica, request);
    return tokens < batch_budget(replica) ? tokens : batch_budget(replica);
}

/* Takes waiting requests in that have a prompt to compute, or that decode. */
static void admit(struct replica *replica, bool decodes, int64_t now_ns)
{
    const struct batch_limits *limits = batch_limits(replica);
    /* all of them must be able to decode in one step */
    while (batch_budget(replica) > 0 &&
           batch_n_running(replica) < limits->max_num_seqs &&
           batch_n_running(replica) < limits->max_num_batched_tokens) {
        struct request *request = batch_first_waiting(replica);
        if (request == NULL) {
            return;
        }
        int64_t missing = batch_missing(replica, request);
        if (batch_decodes(replica, request) != decodes ||
            (limits->reserve_full_prompt &&
             batch_new_blocks(replica, request, missing) >
                 batch_free_blocks(replica)) ||
            !batch_admit(replica, request, affordable(replica, request), 0, now_ns)) {
            return;
        }
    }
}

static void prefill_each(struct replica *replica, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    for (; request != NULL && batch_budget(replica) > 0;
         request = batch_next(request)) {
        if (!batch_decodes(replica, request) &&
            !batch_grant(replica, request, affordable(replica, request), now_ns)) {
            return;
        }
    }
    admit(replica, false, now_ns);
}

/* Gives a decoding request its token, at the expense of the last admitted; false if it had
 * to give way itself. */
static bool decode(struct replica *replica, struct request *request, int64_t now_ns)
{
    while (!batch_grant(replica, request, 1, now_ns)) {
        struct request *victim = batch_last_running(replica);
        batch_preempt(replica, victim, now_ns);
        if (victim == request) {
            return false;
        }
    }
    return true;
}

static void decode_each(struct replica *replica, int64_t now_ns)
{
    struct request *request = batch_first_running(replica);
    for (; request != NULL; request = batch_next(request)) {
        if (batch_decodes(replica, request) && !decode(replica, request, now_ns)) {
            return;
        }
    }
}

/* Prefill is stuck for want of blocks: decodes go on, and where there are none, the first
 * prompts take the blocks of the last. */
static void plan(struct replica *replica, int64_t now_ns)
{
    int64_t budget = batch_budget(replica);
    prefill_each(replica, now_ns);
    if (batch_budget(replica) < budget) {
        return;
    }
    decode_each(replica, now_ns);
    if (batch_budget(replica) == budget) {
        batch_serve_each(replica, now_ns);
    }
    if (batch_n_preempted(replica) == 0) {
        admit(replica, true, now_ns);
    }
}

static void prefill_grouped(struct replica *replica, int64_t now_ns)
{
    for (int64_t i = 0; i < batch_n_partial(replica) && batch_budget(replica) > 0;
         i++) {
        struct request *request = batch_partial(replica, i);
        if (!batch_decodes(replica, request) &&
            !batch_grant(replica, request, affordable(replica, request), now_ns)) {
            return;
        }
    }
    admit(replica, false, now_ns);
}

/* KV blocks that all decoding requests need in this step. */
static int64_t demand(const struct replica *replica)
{
    int64_t n_blocks = batch_group_new_blocks(replica);
    for (int64_t i = 0; i < batch_n_partial(replica); i++) {
        const struct request *request = batch_partial(replica, i);
        if (batch_decodes(replica, request)) {
            n_blocks += batch_new_blocks(replica, request, 1);
        }
    }
    return n_blocks;
}

static void decode_grouped(struct replica *replica, int64_t now_ns)
{
    while (demand(replica) > batch_free_blocks(replica)) {
        batch_preempt(replica, batch_last_running(replica), now_ns);
    }
    batch_grant_group(replica);
    for (int64_t i = 0; i < batch_n_partial(replica);) {
        struct request *request = batch_partial(replica, i);
        if (batch_decodes(replica, request)) {
            batch_grant(replica, request, 1, now_ns); /* and it leaves the partials */
        } else {
            i++;
        }
    }
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    int64_t budget = batch_budget(replica);
    prefill_grouped(replica, now_ns);
    if (batch_budget(replica) == budget) {
        decode_grouped(replica, now_ns);
        if (batch_budget(replica) == budget) { /* nobody is in the group */
            batch_serve_each(replica, now_ns);
        }
        if (batch_n_preempted(replica) == 0) {
            admit(replica, true, now_ns);
        }
    }
}

const struct batch_ops batching_prefill_first = {
    .name = "prefill_first",
    .help = "prompts before decodes, never both in one step",
    .plan = plan,
    .plan_grouped = plan_grouped,
};
