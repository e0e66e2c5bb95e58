/* timer: what happens at a known moment, other than the end of a step.
 *
 * A timer lives in its owner and stands in at most one heap.  At the same instant timers
 * fire by phase, then by order, so that when they were set decides nothing; two of the
 * same phase and order must not be set for one instant unless it does not matter which is
 * first.
 */
#ifndef SERVESIM_ENGINE_TIMER_H
#define SERVESIM_ENGINE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct sim;

enum timer_phase {
    TIMER_FAILURES, /* failures, notices of reclaim, repairs */
    TIMER_BOOTS,    /* replicas that become ready, fall asleep or wake */
    TIMER_CLOCKS, /* impatient clients, then what looks at the fleet now and then, then
                       requests that come back */
    TIMER_TRANSFERS,
    TIMER_FRONTENDS, /* requests that are through the front end of their replica */
};

struct timer {
    int64_t at_ns;
    int64_t order;
    enum timer_phase phase;
    int32_t place; /* in the heap, from 1 on; 0: it is not set */
    void (*fire)(struct sim *sim, struct timer *timer);
};

/* A zeroed heap is empty and ready. */
struct timer_heap {
    struct timer **timers;
    int32_t n;
    int32_t room;
};

void timer_heap_free(struct timer_heap *heap);

/* Sets when the timer fires, whether it was set before or not. */
void timer_set(struct timer_heap *heap, struct timer *timer, int64_t at_ns);

/* Nothing happens if it is not set. */
void timer_cancel(struct timer_heap *heap, struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->place > 0;
}

/* The moment of the first one; INT64_MAX: there is none. */
static inline int64_t timer_first_ns(const struct timer_heap *heap)
{
    return heap->n > 0 ? heap->timers[0]->at_ns : INT64_MAX;
}

/* Takes the first one out. The heap must not be empty. */
struct timer *timer_pop(struct timer_heap *heap);

#endif
