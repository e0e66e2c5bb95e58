#include "engine/replica.h"

static struct order_view view_of(const struct replica *replica,
                                 const struct request *request)
{
    return (struct order_view){
        .id = request->id,
        .priority = request->priority,
        .arrival_ns = request->arrival_ns,
        .deadline_ns = request->deadline_ns,
        .prompt_tokens = request->prompt_tokens,
        .missing_tokens = request->in_group ? 1 : request_missing_tokens(request),
        .n_emitted = batch_n_emitted(replica, request),
        .promoted_tokens = request->promoted_tokens,
        .predicted_tokens = request->predicted_tokens,
    };
}

int64_t replica_order_key(const struct replica *replica, const struct request *request)
{
    const struct order_ops *order = replica->queue.ops;
    if (order->key == NULL) {
        return 0;
    }
    struct order_view view = view_of(replica, request);
    if (order->by_hits && request->place == REQUEST_WAITING) {
        if (replica->queue.n > ORDER_MOST_HITS) {
            return 0;
        }
        view.found_tokens = view.missing_tokens - batch_missing(replica, request);
    }
    return order->key(&replica->order_settings, &view);
}

int64_t replica_order_left(const struct replica *replica, const struct request *request)
{
    const struct order_ops *order = replica->queue.ops;
    struct order_view view = view_of(replica, request);
    return order->tokens_left != NULL
               ? order->tokens_left(&replica->order_settings, &view)
               : INT64_MAX;
}
