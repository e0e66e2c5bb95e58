/* The token budget of vLLM v1: prefill and decode are the same thing, tokens to compute.
 *
 * Mirrors vllm/v1/core/sched/scheduler.py at upstream commit 52a31cce (2026-05-27): running
 * requests first, in order of admission, each what it lacks, and what was drafted for it
 * (engine/draft.h), within the budget; where KV blocks lack, the victim gives way, until the
 * one that asked does; in a step that preempted anybody nobody is admitted; otherwise waiting requests in
 * the queue's order, until one does not fit.
 *
 * Not vLLM's: `preempt = none` admits whom blocks for the whole output can be kept for
 * (TensorRT-LLM's guaranteed-no-evict), `swap` takes swapped requests back before new ones,
 * `admission = forecast` is LightLLM's.  `max_num_partial_prefills`, which that version has
 * and does not use, bounds the requests that get prompt tokens in one step.
 */
#include "policy/policy.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Whether the rules let the request in. */
static bool fits(struct replica *replica, const struct request *request)
{
    const struct pool_scheduler *settings = batch_settings(replica);
    int64_t missing = batch_missing(replica, request);
    if (settings->enable_chunked_prefill == 0 && missing > batch_budget(replica)) {
        return false;
    }
    if (batch_limits(replica)->reserve_full_prompt &&
        batch_new_blocks(replica, request, missing) > batch_free_blocks(replica)) {
        return false;
    }
    return batch_serve_foresees(replica, request);
}

/* Those whose adapter has no slot are passed over, and stand where they stood afterwards. */
static void admit(struct replica *replica, int64_t now_ns)
{
    bool passes_over = false;
    const struct batch_limits *limits = batch_limits(replica);
    int64_t most_prefills = batch_settings(replica)->max_num_partial_prefills;
    while (batch_budget(replica) > 0 &&
           batch_n_running(replica) < limits->max_num_seqs &&
           (most_prefills == 0 || batch_n_prefills(replica) < most_prefills)) {
        struct request *request = batch_first_waiting(replica);
        if (request == NULL) {
            break;
        }
        if (!batch_walk_has_slot(replica, request)) {
            batch_walk_aside(replica);
            passes_over = true;
            continue;
        }
        int64_t tokens =
            least(batch_serve_wanted(replica, request), batch_budget(replica));
        if (!fits(replica, request) ||
            !batch_admit(replica, request, tokens, 0, now_ns)) {
            break;
        }
    }
    while (passes_over && batch_walk_back(replica) != NULL) {
    }
}

static void plan(struct replica *replica, int64_t now_ns)
{
    batch_serve_yield(replica, now_ns);
    batch_serve_each(replica, now_ns);
    if (batch_n_preempted(replica) == 0 && batch_serve_swapped(replica, now_ns)) {
        admit(replica, now_ns);
    }
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    batch_serve_yield(replica, now_ns);
    batch_serve_grouped(replica, now_ns);
    if (batch_n_preempted(replica) == 0 && batch_serve_swapped(replica, now_ns)) {
        admit(replica, now_ns);
    }
}

/* First come, first served: behind somebody who waits, or with no room in the batch or
 * the budget.  Blocks only become fewer while nobody finishes.  In other orders a newcomer
 * may be the first. */
static bool newcomer_waits(const struct replica *replica)
{
    const struct batch_limits *limits = batch_limits(replica);
    if (batch_settings(replica)->preemptive_order) {
        return false;
    }
    return (batch_first_waiting(replica) != NULL && batch_is_fcfs(replica)) ||
           batch_n_running(replica) >= limits->max_num_seqs ||
           batch_n_grouped(replica) >= limits->max_num_batched_tokens;
}

const struct batch_ops batching_unified = {
    .name = "unified",
    .help = "vLLM v1: one token budget for decodes and prefill chunks, decodes first",
    .plan = plan,
    .plan_grouped = plan_grouped,
    .newcomer_waits = newcomer_waits,
    .chunks = true,
    .speculates = true,
    .adapts = true,
};
