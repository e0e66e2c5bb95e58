#include "base/check.h"
#include "engine/batch.h"
#include "engine/replica.h"

void batch_walk_know(struct replica *replica)
{
    if (replica->kv.prefix != NULL) {
        prefix_settle(replica->kv.prefix);
    }
}

void batch_walk_aside(struct replica *replica)
{
    queue_set_aside(&replica->queue);
}

struct request *batch_walk_back(struct replica *replica)
{
    return queue_put_back(&replica->queue);
}

void batch_walk_delay(struct replica *replica, struct request *request)
{
    CHECK(request->place == REQUEST_WAITING && !request->delayed);
    queue_delay(&replica->queue, request);
}

/* Only those who gave way stand before others that came earlier. */
int64_t batch_walk_oldest_ns(const struct replica *replica)
{
    const struct request *first = batch_first_waiting(replica);
    if (first == NULL || first->n_preemptions == 0) {
        return first == NULL ? INT64_MAX : first->arrival_ns;
    }
    int64_t oldest_ns = first->arrival_ns;
    for (int32_t i = 0; i < replica->queue.n_lanes; i++) {
        const struct queue_lane *lane = &replica->queue.lanes[i];
        for (int64_t j = 0; j < lane->n; j++) {
            int64_t arrival_ns = lane->entries[j].request->arrival_ns;
            oldest_ns = arrival_ns < oldest_ns ? arrival_ns : oldest_ns;
        }
        for (const struct request *r = lane->list.first; r != NULL; r = r->next) {
            oldest_ns = r->arrival_ns < oldest_ns ? r->arrival_ns : oldest_ns;
        }
    }
    return oldest_ns;
}

bool batch_walk_has_slot(struct replica *replica, struct request *request)
{
    return lora_lets_in(replica, request);
}
