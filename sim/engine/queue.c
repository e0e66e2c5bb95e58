#include "engine/queue.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void queue_init(struct queue *queue, const struct order_ops *ops, struct fair *fair,
                bool plain)
{
    *queue = (struct queue){
        .ops = ops, .fair = ops->by_tenant ? fair : NULL, .plain = plain};
}

void queue_free(struct queue *queue)
{
    for (int32_t i = 0; i < queue->n_lanes; i++) {
        free(queue->lanes[i].entries);
    }
    free(queue->lanes);
}

static bool before(const struct queue_entry *a, const struct queue_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void place(struct queue_lane *lane, int64_t at, struct queue_entry entry)
{
    lane->entries[at] = entry;
    entry.request->queue_at = at;
}

static void rise(struct queue_lane *lane, int64_t at, struct queue_entry entry)
{
    while (at > 0) {
        int64_t parent = (at - 1) / 2;
        if (!before(&entry, &lane->entries[parent])) {
            break;
        }
        place(lane, at, lane->entries[parent]);
        at = parent;
    }
    place(lane, at, entry);
}

static void sink(struct queue_lane *lane, int64_t at, struct queue_entry entry)
{
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= lane->n) {
            break;
        }
        if (child + 1 < lane->n &&
            before(&lane->entries[child + 1], &lane->entries[child])) {
            child++;
        }
        if (!before(&lane->entries[child], &entry)) {
            break;
        }
        place(lane, at, lane->entries[child]);
        at = child;
    }
    place(lane, at, entry);
}

/* The lane of that number, which may be new. */
static struct queue_lane *lane_of(struct queue *queue, const struct request *request)
{
    int32_t lane = queue->fair != NULL ? request->tenant : 0;
    if (lane >= queue->n_lanes) {
        int32_t n = lane * 2 + 1;
        queue->lanes = memory_grow(queue->lanes, (size_t)n, sizeof(struct queue_lane));
        for (; queue->n_lanes < n; queue->n_lanes++) {
            queue->lanes[queue->n_lanes] = (struct queue_lane){0};
        }
    }
    return &queue->lanes[lane];
}

void queue_push(struct queue *queue, struct request *request, int64_t key, bool front)
{
    struct queue_lane *lane = lane_of(queue, request);
    if (lane->n == lane->room) {
        lane->room = lane->room * 2 + 16;
        lane->entries =
            memory_grow(lane->entries, (size_t)lane->room, sizeof *lane->entries);
    }
    bool keyed = queue->ops->key != NULL;
    struct queue_entry entry = {
        .key = keyed ? key : 0,
        .tie = keyed   ? request->id
               : front ? --queue->front
                       : queue->back++,
        .request = request,
    };
    queue->n++;
    lane->n++;
    if (queue->ops->tokens_left != NULL) {
        request_list_append(&queue->entered, request);
    }
    if (queue->plain) {
        place(lane, lane->n - 1, entry);
    } else {
        rise(lane, lane->n - 1, entry);
    }
}

static struct request *first_of(const struct queue *queue,
                                const struct queue_lane *lane)
{
    int64_t first = 0;
    for (int64_t i = 1; queue->plain && i < lane->n; i++) {
        if (before(&lane->entries[i], &lane->entries[first])) {
            first = i;
        }
    }
    return lane->n > 0 ? lane->entries[first].request : NULL;
}

struct request *queue_first(const struct queue *queue)
{
    if (queue->n == 0) {
        return NULL;
    }
    if (queue->fair == NULL) {
        return first_of(queue, &queue->lanes[0]);
    }
    int32_t best = -1; /* the tenant seen first wins a tie */
    for (int32_t i = 0; i < queue->n_lanes; i++) {
        if (queue->lanes[i].n > 0 &&
            (best < 0 ||
             fair_counter(queue->fair, i) < fair_counter(queue->fair, best))) {
            best = i;
        }
    }
    return first_of(queue, &queue->lanes[best]);
}

void queue_remove(struct queue *queue, struct request *request)
{
    struct queue_lane *lane = lane_of(queue, request);
    int64_t at = request->queue_at;
    CHECK(at < lane->n && lane->entries[at].request == request);
    struct queue_entry last = lane->entries[--lane->n];
    queue->n--;
    if (queue->ops->tokens_left != NULL) {
        request_list_remove(&queue->entered, request);
    }
    if (at == lane->n) {
        return;
    }
    if (queue->plain) {
        place(lane, at, last);
    } else if (at > 0 && before(&last, &lane->entries[(at - 1) / 2])) {
        rise(lane, at, last);
    } else {
        sink(lane, at, last);
    }
}

void queue_rekey(struct queue *queue, void *state,
                 int64_t (*key_of)(void *state, struct request *request))
{
    struct queue_lane *lane = queue->n_lanes > 0 ? &queue->lanes[0] : NULL;
    for (int64_t i = 0; lane != NULL && i < lane->n; i++) {
        lane->entries[i].key = key_of(state, lane->entries[i].request);
    }
    for (int64_t i = lane != NULL && !queue->plain ? lane->n / 2 : 0; i-- > 0;) {
        sink(lane, i, lane->entries[i]);
    }
}
