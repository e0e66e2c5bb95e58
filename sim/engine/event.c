#include "engine/event.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void event_heap_init(struct event_heap *heap, int32_t n_replicas)
{
    heap->events = memory_new((size_t)n_replicas, sizeof *heap->events);
    heap->places = memory_new((size_t)n_replicas, sizeof *heap->places);
    heap->n = 0;
    for (int32_t i = 0; i < n_replicas; i++) {
        heap->places[i] = -1;
    }
}

void event_heap_free(struct event_heap *heap)
{
    free(heap->events);
    free(heap->places);
}

static bool before(struct event a, struct event b)
{
    return a.at_ns < b.at_ns || (a.at_ns == b.at_ns && a.replica < b.replica);
}

static void place(struct event_heap *heap, int32_t at, struct event event)
{
    heap->events[at] = event;
    heap->places[event.replica] = at;
}

static void settle(struct event_heap *heap, int32_t at, struct event event)
{
    while (at > 0 && before(event, heap->events[(at - 1) / 2])) {
        place(heap, at, heap->events[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= heap->n) {
            break;
        }
        if (child + 1 < heap->n &&
            before(heap->events[child + 1], heap->events[child])) {
            child++;
        }
        if (!before(heap->events[child], event)) {
            break;
        }
        place(heap, at, heap->events[child]);
        at = child;
    }
    place(heap, at, event);
}

void event_heap_set(struct event_heap *heap, int32_t replica, int64_t at_ns)
{
    struct event event = {.at_ns = at_ns, .replica = replica};
    int32_t at = heap->places[replica];
    if (at < 0) {
        at = heap->n++;
    }
    if (heap->n == 1) { /* of one replica: nothing to sort */
        place(heap, 0, event);
    } else {
        settle(heap, at, event);
    }
}

void event_heap_remove(struct event_heap *heap, int32_t replica)
{
    int32_t at = heap->places[replica];
    if (at < 0) {
        return;
    }
    heap->places[replica] = -1;
    heap->n--;
    if (at < heap->n) {
        settle(heap, at, heap->events[heap->n]);
    }
}

struct event event_heap_pop(struct event_heap *heap)
{
    CHECK(heap->n > 0);
    struct event first = heap->events[0];
    event_heap_remove(heap, first.replica);
    return first;
}
