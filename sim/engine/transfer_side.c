#include "engine/transfer_side.h"

#include "base/check.h"
#include "engine/replica.h"
#include "engine/router.h"
#include "engine/slice.h"
#include "engine/sums.h"

void transfer_side_hand_over(struct replica *replica, struct request *request,
                             int64_t now_ns)
{
    sums_state(replica, now_ns);
    replica_leave(replica, request, now_ns);
    request_list_remove(&replica->running, request);
    replica->view->n_running--;
    router_left(replica->router, replica->index, request->prompt_tokens);
    request->place = REQUEST_MOVING;
    request_list_append(replica->moving.out, request);
}

void transfer_side_end(struct replica *replica, int64_t now_ns)
{
    replica->moving.idle_since_ns = now_ns;
}

void transfer_side_settle(struct replica *replica, int64_t now_ns)
{
    struct transfer_side *side = &replica->moving;
    int64_t used = kv_used(&replica->kv);
    CHECK(!replica->busy);
    slice_tell_held(replica, now_ns);
    replica->sums.block_ns += (wide)used * (now_ns - side->idle_since_ns);
    side->idle_since_ns = now_ns;
    if (side->due_blocks >= 0) {
        kv_take(&replica->kv, side->due_blocks);
    } else {
        kv_give(&replica->kv, -side->due_blocks, NULL);
    }
    side->due_blocks = 0;
    leave_all(&side->leaving, &replica->kv);
}

/* Whether the step's budget is enough for all who run and one more.  Otherwise the one
 * whose prompt it cuts would not be the last, whom disciplines expect it to be. */
static bool has_budget(const struct replica *replica)
{
    if (replica->ops->unbudgeted || replica->ops->decodes_beyond_budget) {
        return true;
    }
    int64_t threshold = replica->limits.long_prefill_token_threshold;
    int64_t left = replica->limits.max_num_batched_tokens - 1 - replica->group.n;
    const struct request *r = replica->stepwise ? replica->running.first : NULL;
    for (; r != NULL; r = r->next) {
        int64_t missing = batch_missing(replica, r);
        left -= missing < threshold ? missing : threshold;
    }
    for (int64_t i = 0; i < replica->n_partials; i++) {
        int64_t missing = batch_missing(replica, replica->partials[i]);
        left -= missing < threshold ? missing : threshold;
    }
    return left >= 0;
}

void transfer_side_enter(struct replica *replica, int64_t until_ns)
{
    struct transfer_side *side = &replica->moving;
    side->shuts = false;
    for (struct request *first; (first = side->landed.first) != NULL &&
                                first->enqueued_ns <= until_ns && !side->shuts;) {
        if (!has_budget(replica)) {
            side->shuts = true;
            continue;
        }
        request_list_remove(&side->landed, first);
        replica->limits.max_num_seqs++; /* it had one of them to itself */
        batch_land(replica, first);
    }
}
