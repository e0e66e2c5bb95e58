/* follow: requests that are sent when others have left.
 *
 * A row that names parents arrives when it says, or its think time after the last of its
 * parents has left, in whatever status, whichever is later.  All others arrive when they
 * say.  What is known to arrive at one instant comes in the order of the trace.  Parents
 * are rows above, so nobody waits for ever; an id stands for a row of the same copy of the
 * trace; one that several have cannot be waited for.
 *
 * Rows are read until one is found that arrives before all that are not read yet.  Memory:
 * about 350 bytes for each request in the system and each row that is read and not sent;
 * and, as any row below may name any id above, at most 48 bytes for each id of a copy of the
 * trace (input/ids.h; while that table grows, 72).
 */
#ifndef SERVESIM_INPUT_FOLLOW_H
#define SERVESIM_INPUT_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/sim.h"
#include "input/ids.h"
#include "input/workload.h"

struct follow_node;

/* A node that waits for another one. */
struct follow_link {
    int32_t node;
    int32_t next; /* -1: the last */
};

struct follow {
    struct sim_source requests;
    const struct workload *workload; /* whose window says what counts; NULL: all does */
    bool skips; /* unknown parents are rows that were passed over */

    struct ids ids; /* of this copy: when each left, or, below 0, -1 less its node */
    int64_t copy;

    struct follow_node *nodes; /* read, and not left */
    int32_t n_nodes;
    int32_t node_room;
    int32_t free_node; /* -1: none */
    struct follow_link *links;
    int32_t n_links;
    int32_t link_room;
    int32_t free_link;

    int32_t *heap; /* nodes that are to be sent, by time and order of the trace */
    int32_t n_heap;
    int32_t heap_room;
    int64_t n_read;
    int64_t n_waiting; /* for parents */
    int64_t n_sent;
    int64_t n_left;
    int64_t
        read_to_ns;   /* the last row's own arrival: no later row has an earlier one */
    bool ended;       /* `requests` has no more */
    char *model_name; /* of what was sent last: struct sim_arrival borrows them */
    char *class_name;
};

/* `skips`: rows above may have been left out, so an unknown parent is no error but has
 * left long ago. */
void follow_init(struct follow *follow, const struct sim_source *requests,
                 const struct workload *workload, bool skips);
void follow_free(struct follow *follow);

/* What is sent, as the engine reads it; valid as long as `follow` is. */
struct sim_source follow_source(struct follow *follow);

#endif
