#include "engine/promote.h"

#include "engine/replica.h"

int64_t promote_next_ns(const struct replica *replica)
{
    const struct request *first = replica->queue.entered.first;
    int64_t wait_ns = replica->order_settings.mlfq_promote_ns;
    return wait_ns == 0 || first == NULL ? INT64_MAX : first->queued_ns + wait_ns;
}

void promote_due(struct replica *replica, int64_t now_ns)
{
    while (promote_next_ns(replica) <= now_ns) {
        struct request *request = replica->queue.entered.first;
        replica_queue_leave(replica, request);
        request->promoted_tokens = request->n_emitted;
        replica_queue(replica, request, true, now_ns); /* behind all others in line */
    }
}
