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
        int64_t tokens =
            least(batch_serve_wanted(replica, request), batch_budget(replica));
        if (!batch_admit(replica, request, tokens, now_ns)) {
            return;
        }
    }
}

static void plan(struct replica *replica, int64_t now_ns)
{
    batch_serve_each(replica, now_ns);
    if (batch_n_preempted(replica) == 0) {
        admit(replica, now_ns);
    }
}

static void plan_grouped(struct replica *replica, int64_t now_ns)
{
    batch_serve_grouped(replica, now_ns);
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
