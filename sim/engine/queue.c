#include "engine/queue.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void queue_init(struct queue *queue, const struct order_ops *ops, struct fair *fair,
                bool plain)
{
    enum { LANES = 2 }; /* of one tenant */
    *queue = (struct queue){.lanes = memory_new(LANES, sizeof *queue->lanes),
                            .n_lanes = LANES,
                            .ops = ops,
                            .fair = ops->by_tenant ? fair : NULL,
                            .plain = plain,
                            .listed = ops->key == NULL && !plain};
}

void queue_free(struct queue *queue)
{
    for (int32_t i = 0; i < queue->n_lanes; i++) {
        free(queue->lanes[i].entries);
    }
    free(queue->lanes);
    free(queue->aside.entries);
}

static bool before(const struct queue_entry *a, const struct queue_entry *b)
{
    if (a->key != b->key) {
        return a->key < b->key;
    }
    bool a_delayed = a->request->delayed; /* where all of a level are in one lane */
    return a_delayed != b->request->delayed ? !a_delayed : a->tie < b->tie;
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

/* The request's lane, which may be new: of each tenant there are two. */
static struct queue_lane *lane_of(struct queue *queue, const struct request *request)
{
    if (queue->fair == NULL) {
        return &queue->lanes[request->delayed && !queue->ops->levels];
    }
    int32_t lane = 2 * request->tenant + request->delayed;
    if (lane >= queue->n_lanes) {
        int32_t n = lane * 2 + 1;
        queue->lanes = memory_grow(queue->lanes, (size_t)n, sizeof(struct queue_lane));
        for (; queue->n_lanes < n; queue->n_lanes++) {
            queue->lanes[queue->n_lanes] = (struct queue_lane){0};
        }
    }
    return &queue->lanes[lane];
}

static void make_room(struct queue_lane *lane)
{
    if (lane->n == lane->room) {
        lane->room = lane->room * 2 + 16;
        lane->entries =
            memory_grow(lane->entries, (size_t)lane->room, sizeof *lane->entries);
    }
}

/* `front`: before all others in a list; elsewhere the entry says where. */
static void put(struct queue *queue, struct queue_entry entry, bool front)
{
    struct queue_lane *lane = lane_of(queue, entry.request);
    queue->n++;
    if (queue->listed && front) {
        request_list_prepend(&lane->list, entry.request);
        return;
    }
    if (queue->listed) {
        request_list_append(&lane->list, entry.request);
        return;
    }
    make_room(lane);
    lane->n++;
    if (queue->plain) {
        place(lane, lane->n - 1, entry);
    } else {
        rise(lane, lane->n - 1, entry);
    }
}

/* Whether to be promoted would change something. */
static bool is_in_line(const struct queue *queue, const struct request *request)
{
    return queue->ops->tokens_left != NULL &&
           request->promoted_tokens != request->n_emitted;
}

void queue_push(struct queue *queue, struct request *request, int64_t key, bool front)
{
    if (queue->listed) {
        put(queue, (struct queue_entry){.request = request}, front);
        return;
    }
    bool keyed = queue->ops->key != NULL;
    struct queue_entry entry = {
        .key = keyed ? key : 0,
        .tie = keyed   ? request->id
               : front ? --queue->front
                       : queue->back++,
        .request = request,
    };
    put(queue, entry, false);
    if (is_in_line(queue, request)) {
        request_list_append(&queue->entered, request);
    }
}

static struct request *first_of(const struct queue *queue,
                                const struct queue_lane *lane)
{
    if (queue->listed) {
        return lane->list.first;
    }
    int64_t first = 0;
    for (int64_t i = 1; queue->plain && i < lane->n; i++) {
        if (before(&lane->entries[i], &lane->entries[first])) {
            first = i;
        }
    }
    return lane->n > 0 ? lane->entries[first].request : NULL;
}

static int64_t n_in(const struct queue_lane *lane)
{
    return lane->n + lane->list.n;
}

/* The lane that comes first, of those who were delayed or not; -1 if all are empty. */
static int32_t first_lane(const struct queue *queue, int32_t delayed)
{
    int32_t best = -1; /* the tenant seen first wins a tie */
    for (int32_t i = delayed; i < queue->n_lanes; i += 2) {
        if (n_in(&queue->lanes[i]) > 0 &&
            (best < 0 ||
             fair_counter(queue->fair, i / 2) < fair_counter(queue->fair, best / 2))) {
            best = i;
        }
    }
    return best;
}

struct request *queue_first(const struct queue *queue)
{
    if (queue->n == 0) {
        return NULL;
    }
    if (queue->fair == NULL) {
        return first_of(queue, &queue->lanes[n_in(&queue->lanes[0]) == 0]);
    }
    int32_t best = first_lane(queue, 0);
    return first_of(queue, &queue->lanes[best < 0 ? first_lane(queue, 1) : best]);
}

static struct queue_entry take(struct queue *queue, struct request *request)
{
    struct queue_lane *lane = lane_of(queue, request);
    if (queue->listed) {
        request_list_remove(&lane->list, request);
        queue->n--;
        return (struct queue_entry){.request = request};
    }
    int64_t at = request->queue_at;
    CHECK(at < lane->n && lane->entries[at].request == request);
    struct queue_entry taken = lane->entries[at];
    struct queue_entry last = lane->entries[--lane->n];
    queue->n--;
    if (at == lane->n) {
        return taken;
    }
    if (queue->plain) {
        place(lane, at, last);
    } else if (at > 0 && before(&last, &lane->entries[(at - 1) / 2])) {
        rise(lane, at, last);
    } else {
        sink(lane, at, last);
    }
    return taken;
}

void queue_remove(struct queue *queue, struct request *request)
{
    if (queue->listed) {
        request_list_remove(&lane_of(queue, request)->list, request);
        queue->n--;
        return;
    }
    take(queue, request);
    if (is_in_line(queue, request)) {
        request_list_remove(&queue->entered, request);
    }
}

void queue_set_aside(struct queue *queue)
{
    make_room(&queue->aside);
    queue->aside.entries[queue->aside.n++] = take(queue, queue_first(queue));
}

struct request *queue_put_back(struct queue *queue)
{
    for (int64_t i = queue->n_put_back == 0 ? queue->aside.n : 0; i-- > 0;) {
        put(queue, queue->aside.entries[i], true);
    }
    if (queue->n_put_back == queue->aside.n) {
        queue->aside.n = 0;
        queue->n_put_back = 0;
        return NULL;
    }
    return queue->aside.entries[queue->n_put_back++].request;
}

void queue_delay(struct queue *queue, struct request *request)
{
    struct queue_entry entry = take(queue, request);
    request->delayed = true;
    put(queue, entry, false);
}

void queue_rekey(struct queue *queue, void *state,
                 int64_t (*key_of)(void *state, struct request *request))
{
    for (int32_t j = 0; j < queue->n_lanes; j++) {
        struct queue_lane *lane = &queue->lanes[j];
        for (int64_t i = 0; i < lane->n; i++) {
            lane->entries[i].key = key_of(state, lane->entries[i].request);
        }
        for (int64_t i = queue->plain ? 0 : lane->n / 2; i-- > 0;) {
            sink(lane, i, lane->entries[i]);
        }
    }
}
