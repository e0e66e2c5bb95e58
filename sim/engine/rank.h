/* rank: who of those who run comes last in the queue's order.
 *
 * With `preemptive_order` every plan wants to know whether the first of the waiting precedes
 * somebody who runs.  Keys of running requests only sink, unless they grow with output
 * (order_ops.tokens_left says when), and a step gives each one token of output at most: so
 * the greatest key that was seen is a bound for some time, and mostly tells that nobody is
 * preceded.  Only otherwise are all of them asked.  Under --stepwise they always are.
 */
#ifndef SERVESIM_ENGINE_RANK_H
#define SERVESIM_ENGINE_RANK_H

#include <stdbool.h>
#include <stdint.h>

struct replica;
struct request;

struct rank {
    int64_t most_key;  /* no running request has a greater one ... */
    int64_t last_step; /* ... before so many steps have been run */
    int64_t next_key;  /* the same bound for all but the last one that was found */
};

/* With `preemptive_order`: a request begins to run. */
void rank_admit(struct replica *replica, struct request *request);

/* The last of the running ones, of which there must be some. */
struct request *rank_last(struct replica *replica);

/* The same, if the first of the waiting precedes it; else NULL, as if nobody waits or
 * runs. */
struct request *rank_preceded(struct replica *replica);

/* The one that was just found runs no more. */
void rank_displaced(struct replica *replica);

/* Steps in which all who run decode before the key of one of them may grow, with
 * `preemptive_order`. */
int64_t rank_steps_left(struct replica *replica);

#endif
