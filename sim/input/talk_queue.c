#include "input/talk_queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

void talk_queue_free(struct talk_queue *queue)
{
    for (int32_t i = 0; i < queue->n; i++) {
        talk_draw_end(queue->scripts[i]);
    }
    free(queue->scripts);
    *queue = (struct talk_queue){0};
}

static bool is_before(const struct talk_script *a, const struct talk_script *b)
{
    int64_t a_ns = talk_draw_time(a);
    int64_t b_ns = talk_draw_time(b);
    return a_ns != b_ns ? a_ns < b_ns : a->number < b->number;
}

/* Puts the script where it belongs, from the root towards the leaves. */
static void sink(struct talk_queue *queue, struct talk_script *script)
{
    int32_t at = 0;
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child + 1 < queue->n &&
            is_before(queue->scripts[child + 1], queue->scripts[child])) {
            child++;
        }
        if (child >= queue->n || !is_before(queue->scripts[child], script)) {
            break;
        }
        queue->scripts[at] = queue->scripts[child];
        at = child;
    }
    queue->scripts[at] = script;
}

void talk_queue_push(struct talk_queue *queue, struct talk_script *script)
{
    if (queue->n == queue->room) {
        queue->room = queue->room == 0 ? 64 : 2 * queue->room;
        queue->scripts = memory_grow(queue->scripts, (size_t)queue->room,
                                     sizeof(struct talk_script *));
    }
    int32_t at = queue->n++;
    while (at > 0 && is_before(script, queue->scripts[(at - 1) / 2])) {
        queue->scripts[at] = queue->scripts[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->scripts[at] = script;
}

struct talk_script *talk_queue_first(const struct talk_queue *queue)
{
    return queue->n > 0 ? queue->scripts[0] : NULL;
}

void talk_queue_advance(struct talk_queue *queue)
{
    struct talk_script *first = queue->scripts[0];
    first->next++;
    if (first->next == first->n_calls) {
        talk_draw_end(first);
        first = queue->scripts[--queue->n];
    }
    if (queue->n > 0) {
        sink(queue, first);
    }
}
