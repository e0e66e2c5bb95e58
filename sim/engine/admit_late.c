#include "engine/admit.h"
#include "engine/replica.h"

static void count(const struct replica *replica, const struct request *request,
                  struct step_counts *counts)
{
    int64_t missing = request->prompt_tokens - request->computed_tokens;
    if (missing > 0) {
        cost_count_chunk(replica->cost, counts, request->computed_tokens, missing);
    }
}

static void count_list(const struct replica *replica, const struct request_list *list,
                       struct step_counts *counts)
{
    for (const struct request *r = list->first; r != NULL; r = r->next) {
        count(replica, r, counts);
    }
}

static int64_t price_ns(const struct replica *replica, struct step_counts counts)
{
    struct step_price price;
    if (counts.n_chunks == 0) {
        return 0;
    }
    counts.n_emitting = counts.n_chunks;
    cost_price(replica->cost, &counts, &price);
    return cost_duration_ns(cost_sum_fs(&price));
}

bool admit_late(const struct replica *replica, const struct request *request,
                int64_t now_ns)
{
    struct step_counts counts = {0};
    if (request->deadline_ns == INT64_MAX) {
        return false;
    }
    count_list(replica, &replica->frontend.requests, &counts);
    count_list(replica, &replica->arrived, &counts);
    for (int32_t i = 0; i < replica->queue.n_lanes; i++) {
        const struct queue_lane *lane = &replica->queue.lanes[i];
        count_list(replica, &lane->list, &counts);
        for (int64_t j = 0; j < lane->n; j++) {
            count(replica, lane->entries[j].request, &counts);
        }
    }
    int64_t others_ns = price_ns(replica, counts);
    count(replica, request, &counts);
    int64_t own_ns = price_ns(replica, counts) - others_ns;
    int64_t through_ns = frontend_earliest_ns(replica, now_ns);
    int64_t turn_ns = now_ns + others_ns;
    return (through_ns > turn_ns ? through_ns : turn_ns) + own_ns >
           request->deadline_ns;
}
