#include "engine/timer.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void timer_heap_free(struct timer_heap *heap)
{
    free(heap->timers);
    *heap = (struct timer_heap){0};
}

static bool before(const struct timer *a, const struct timer *b)
{
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns;
    }
    return a->phase != b->phase ? a->phase < b->phase : a->order < b->order;
}

static void place(struct timer_heap *heap, int32_t at, struct timer *timer)
{
    heap->timers[at] = timer;
    timer->place = at + 1;
}

static void settle(struct timer_heap *heap, int32_t at, struct timer *timer)
{
    while (at > 0 && before(timer, heap->timers[(at - 1) / 2])) {
        place(heap, at, heap->timers[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (int32_t child; (child = 2 * at + 1) < heap->n; at = child) {
        if (child + 1 < heap->n &&
            before(heap->timers[child + 1], heap->timers[child])) {
            child++;
        }
        if (!before(heap->timers[child], timer)) {
            break;
        }
        place(heap, at, heap->timers[child]);
    }
    place(heap, at, timer);
}

void timer_set(struct timer_heap *heap, struct timer *timer, int64_t at_ns)
{
    if (!timer_is_set(timer)) {
        if (heap->n == heap->room) {
            heap->room = heap->room * 2 + 16;
            heap->timers =
                memory_grow(heap->timers, (size_t)heap->room, sizeof(struct timer *));
        }
        timer->place = ++heap->n;
    }
    timer->at_ns = at_ns;
    settle(heap, timer->place - 1, timer);
}

void timer_cancel(struct timer_heap *heap, struct timer *timer)
{
    if (!timer_is_set(timer)) {
        return;
    }
    int32_t at = timer->place - 1;
    timer->place = 0;
    struct timer *last = heap->timers[--heap->n];
    if (last != timer) {
        settle(heap, at, last);
    }
}

struct timer *timer_pop(struct timer_heap *heap)
{
    CHECK(heap->n > 0);
    struct timer *first = heap->timers[0];
    timer_cancel(heap, first);
    return first;
}
