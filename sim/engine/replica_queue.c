#include "engine/replica.h"

void replica_queue(struct replica *replica, struct request *request, bool gave_way,
                   int64_t now_ns)
{
    request->place = REQUEST_WAITING;
    request->queued = true;
    request->queued_ns = now_ns;
    fair_enter(&replica->fair, request, gave_way);
    /* who gave way is looked up for the next plan: the running ones are not served yet */
    bool unknown = gave_way && replica->queue.ops->by_hits;
    int64_t key = unknown ? 0 : replica_order_key(replica, request);
    queue_push(&replica->queue, request, key, gave_way);
}

void replica_queue_leave(struct replica *replica, struct request *request)
{
    request->queued = false;
    fair_leave(&replica->fair, request);
    queue_remove(&replica->queue, request);
}
