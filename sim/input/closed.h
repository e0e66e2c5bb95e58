/* closed: clients that send the next request when their last one has left.
 *
 * All clients send at time 0 and again when their last request has left, in whatever
 * status, and they have thought for a while.  What they send comes in order from another
 * source, whose arrival times mean nothing.  Clients are alike, so all there is to know
 * about those that have nothing under way is when they send; who thinks for how long is
 * drawn in the order in which requests leave, and of those that leave at one instant it
 * does not matter.
 */
#ifndef SERVESIM_INPUT_CLOSED_H
#define SERVESIM_INPUT_CLOSED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "engine/sim.h"

/* How long clients think. */
struct closed_think {
    int64_t mean_ns;
    bool is_exponential; /* else always so long */
    uint64_t seed;
};

struct closed {
    struct sim_source requests;
    int64_t warmup_ns; /* requests that are sent before this are not counted */
    struct closed_think think;
    struct rng draws;  /* of exponential thinking */
    int64_t *ready_ns; /* a heap: when clients that have nothing under way send */
    int64_t n_ready;
    int64_t n_clients;
    bool has_next; /* the next of `requests` is `next` */
    struct sim_arrival next;
    bool ended; /* `requests` has no more */
};

void closed_init(struct closed *closed, const struct sim_source *requests,
                 int64_t n_clients, int64_t warmup_ns,
                 const struct closed_think *think);
void closed_free(struct closed *closed);

/* What the clients send, as the engine reads it; valid as long as `closed` is. */
struct sim_source closed_source(struct closed *closed);

#endif
