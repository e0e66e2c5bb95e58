/* event: the ends of the steps in progress, earliest first.
 *
 * One entry per busy replica, so the heap stays as small as the fleet; equal times come
 * out in the order of replicas (rules.md 1).
 */
#ifndef SERVESIM_ENGINE_EVENT_H
#define SERVESIM_ENGINE_EVENT_H

#include <stdint.h>

struct event {
    int64_t at_ns;
    int32_t replica;
};

struct event_heap {
    struct event *events;
    int32_t *places; /* of each replica in `events`; -1: none */
    int32_t n;
};

void event_heap_init(struct event_heap *heap, int32_t n_replicas);
void event_heap_free(struct event_heap *heap);

/* Sets when the replica's step ends, whether it had an entry or not. */
void event_heap_set(struct event_heap *heap, int32_t replica, int64_t at_ns);

/* Takes the replica's entry out, if it has one. */
void event_heap_remove(struct event_heap *heap, int32_t replica);

/* Takes the earliest entry out. The heap must not be empty. */
struct event event_heap_pop(struct event_heap *heap);

#endif
