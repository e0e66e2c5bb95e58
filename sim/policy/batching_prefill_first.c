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
    int64_t missing = batch_missing(replica, request);
    int64_t most = batch_limits(replica)->long_prefill_token_threshold;
    int64_t tokens = missing < most ? missing : most;
    return tokens < batch_budget(replica) ? tokens : batch_budget(replica);
}

/* Whether anything was granted. */
static bool prefill(struct replica *replica, int64_t now_ns)
{
    int64_t budget = batch_budget(replica);
    const struct batch_limits *limits = batch_limits(replica);
    struct request *request = batch_first_running(replica);
    for (; request != NULL && batch_budget(replica) > 0;
         request = batch_next(request)) {
        if (batch_missing(replica, request) > 1 &&
            !batch_grant(replica, request, affordable(replica, request), now_ns)) {
            break;
        }
    }
    while (batch_budget(replica) > 0 &&
           batch_n_running(replica) < limits->max_num_seqs) {
        request = batch_first_waiting(replica);
        if (request == NULL ||
            (limits->reserve_full_prompt &&
             batch_new_blocks(replica, request, batch_missing(replica, request)) >
                 batch_free_blocks(replica)) ||
            !batch_admit(replica, request, affordable(replica, request), now_ns)) {
            break;
        }
    }
    return batch_budget(replica) < budget;
}

static void plan(struct replica *replica, int64_t now_ns)
{
    if (prefill(replica, now_ns)) {
        return;
    }
    struct request *request = batch_first_running(replica);
    for (; request != NULL && batch_budget(replica) > 0;
         request = batch_next(request)) {
        while (!batch_grant(replica, request, affordable(replica, request), now_ns)) {
            struct request *victim = batch_last_running(replica);
            batch_preempt(replica, victim, now_ns);
            if (victim == request) {
                return;
            }
        }
    }
}

const struct batch_ops batching_prefill_first = {
    .name = "prefill_first",
    .help = "prompts before decodes, never both in one step",
    .plan = plan,
};
