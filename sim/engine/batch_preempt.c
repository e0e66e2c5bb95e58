#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/batch.h"
#include "engine/replica.h"

static void record_victim(struct replica *replica, struct request *request)
{
    if (replica->n_preempted == replica->victim_room) {
        replica->victim_room = replica->victim_room * 2 + 16;
        replica->victims = memory_grow(replica->victims, (size_t)replica->victim_room,
                                       sizeof(struct request *));
    }
    replica->victims[replica->n_preempted++] = request;
}

/* Takes back what the victim was granted by itself in this step; whether it was. */
static bool refund(struct replica *replica, const struct request *request)
{
    for (int64_t i = 0; i < replica->n_grants; i++) {
        if (replica->grants[i].request == request) {
            replica->budget += replica->grants[i].tokens;
            replica->n_grants--;
            memmove(&replica->grants[i], &replica->grants[i + 1],
                    (size_t)(replica->n_grants - i) * sizeof *replica->grants);
            return true;
        }
    }
    return false;
}

/* Whether a member of the group needs a block for its next token. */
static bool is_due(const struct replica *replica, const struct request *request)
{
    return replica_computed(replica, request) % replica->pool->config->block_tokens ==
           0;
}

/* The victim gets nothing in this step, neither by itself nor with the group.  Its blocks
 * go with the others; but the one taken for a member's next token is not among those. */
static void quit_step(struct replica *replica, struct request *request, int64_t now_ns)
{
    bool alone = refund(replica, request);
    int64_t last_token_ns = request->last_token_ns;
    if (request->decoding) {
        replica_divide_once(replica);
    }
    if (request->in_group && replica->group_granted) {
        replica->budget += !alone;
        kv_give(&replica->kv, is_due(replica, request), NULL);
    }
    replica_leave(replica, request, now_ns);
    if (alone) { /* if a member, since a moment ago: the group's gap is not its own */
        request->last_token_ns = last_token_ns;
    }
}

/* What it computed is thrown away, and it waits to compute it again. */
static void forget(struct replica *replica, struct request *request, int64_t now_ns)
{
    replica->tally.recomputed_tokens += request->computed_tokens;
    request->computed_tokens = 0;
    replica_queue(replica, request, true, now_ns);
}

/* Takes a running request's place and blocks. */
static void displace(struct replica *replica, struct request *request, bool may_swap,
                     int64_t now_ns)
{
    CHECK(request->place == REQUEST_RUNNING && !replica->group.reserved);
    quit_step(replica, request, now_ns);
    request_list_remove(&replica->running, request);
    lora_recount(&replica->lora);
    replica->view->n_running--;
    replica->view->n_waiting++;
    kv_give(&replica->kv, request->held_blocks, request->chain);
    request->held_blocks = 0;
    if (request->recompute_since_ns == REQUEST_NEVER) {
        request->recompute_since_ns = now_ns;
        request->recompute_to_tokens = 0;
    }
    if (request->computed_tokens > request->recompute_to_tokens) {
        request->recompute_to_tokens = request->computed_tokens;
    }
    replica->tally.n_preemptions++;
    request->n_preemptions++;
    if (may_swap && swap_fits(replica, request)) {
        swap_out(replica, request);
    } else {
        forget(replica, request, now_ns);
    }
    record_victim(replica, request);
}

void batch_preempt(struct replica *replica, struct request *request, int64_t now_ns)
{
    bool may_swap = replica->pool->config->scheduler.preempt == POOL_SWAP;
    displace(replica, request, may_swap, now_ns);
}

void batch_preempt_for_order(struct replica *replica, struct request *request,
                             int64_t now_ns)
{
    displace(replica, request, false, now_ns);
    replica->n_yielded++;
}
