/* talk_queue: what has begun and is not over, by when it goes on.
 *
 * Sessions overlap and a trace is in order of time: a heap of those under way, and of
 * several that go on at one instant the one that began first.  Memory is that of the
 * sessions under way.
 */
#ifndef SERVESIM_INPUT_TALK_QUEUE_H
#define SERVESIM_INPUT_TALK_QUEUE_H

#include <stdint.h>

#include "input/talk_draw.h"

/* Zeroed it is empty and ready. */
struct talk_queue {
    struct talk_script **scripts;
    int32_t n;
    int32_t room;
};

/* Ends all that is left in it. */
void talk_queue_free(struct talk_queue *queue);

/* Takes over the script. */
void talk_queue_push(struct talk_queue *queue, struct talk_script *script);

/* Whose call comes first, or NULL: the queue is empty. */
struct talk_script *talk_queue_first(const struct talk_queue *queue);

/* The first one's call has been sent: its next one is due, or it has ended. */
void talk_queue_advance(struct talk_queue *queue);

#endif
