/* closed: clients that send the next request when their last one has left.
 *
 * All clients send at time 0 and again at the instant at which their last request
 * finishes, in whatever status.  What they send comes in order from another source, whose
 * arrival times mean nothing.  Clients are alike, so all there is to know about those
 * that have nothing under way is since when.
 */
#ifndef SERVESIM_INPUT_CLOSED_H
#define SERVESIM_INPUT_CLOSED_H

#include <stdint.h>

#include "engine/sim.h"

struct closed {
    struct sim_source requests;
    int64_t warmup_ns; /* requests that are sent before this are not counted */
    int64_t *ready_ns; /* a heap: since when clients have nothing under way */
    int64_t n_ready;
    int64_t n_clients;
    bool ended; /* `requests` has no more */
};

void closed_init(struct closed *closed, const struct sim_source *requests,
                 int64_t n_clients, int64_t warmup_ns);
void closed_free(struct closed *closed);

/* What the clients send, as the engine reads it; valid as long as `closed` is. */
struct sim_source closed_source(struct closed *closed);

#endif
