/* queue: the waiting requests of a replica, in the order that its policy gives them.
 *
 * A binary heap by (key, tie), a lane; orders that look at tenants first have one per tenant.
 * Where keys say nothing a lane is a list: whoever comes stands at one of its ends.
 * Those who were put behind all others, queue_delay(), have a lane of their own beside it.
 * Under --stepwise the lanes are not sorted and the first is looked for.
 */
#ifndef SERVESIM_ENGINE_QUEUE_H
#define SERVESIM_ENGINE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/fair.h"
#include "engine/order.h"
#include "engine/request.h"

struct queue_entry {
    int64_t key;
    int64_t tie;
    struct request *request;
};

struct queue_lane {
    struct queue_entry *entries; /* a heap, or unsorted */
    int64_t n;
    int64_t room;
    struct request_list list; /* instead of the entries, where `listed` */
};

struct queue {
    const struct order_ops *ops;
    struct fair *fair; /* the tenants' counters; NULL: not by tenant */
    bool plain;        /* unsorted, for --stepwise */
    bool listed;       /* lanes are lists: keys say nothing */
    struct queue_lane *lanes;
    int32_t n_lanes;
    int64_t n;                   /* requests in all lanes */
    struct queue_lane aside;     /* taken out by queue_set_aside() */
    int64_t n_put_back;          /* of these */
    struct request_list entered; /* who may be promoted, as they came */
    int64_t front;
    int64_t back;
};

void queue_init(struct queue *queue, const struct order_ops *ops, struct fair *fair,
                bool plain);
void queue_free(struct queue *queue);

/* Puts a request in by its key; `front`: where keys say nothing, before all others rather
 * than behind them. */
void queue_push(struct queue *queue, struct request *request, int64_t key, bool front);

/* The first, or NULL. */
struct request *queue_first(const struct queue *queue);

void queue_remove(struct queue *queue, struct request *request);

/* To look at those who come after the first, in order: takes the first out for a while;
 * puts all who were taken out back where they stood, and says who they were, one by one;
 * NULL after the last. */
void queue_set_aside(struct queue *queue);
struct request *queue_put_back(struct queue *queue);

/* From now on the request stands behind all that were not delayed. */
void queue_delay(struct queue *queue, struct request *request);

/* Gives all requests new keys, as `key_of(state, request)` says; not by tenant. */
void queue_rekey(struct queue *queue, void *state,
                 int64_t (*key_of)(void *state, struct request *request));

/* Whether (key, id) of one comes before that of another. */
static inline bool queue_precedes(int64_t key, int32_t id, int64_t other_key,
                                  int32_t other_id)
{
    return key != other_key ? key < other_key : id < other_id;
}

#endif
