/* frontend: tokenizer and API server in front of one replica.
 *
 * A request is sent to a replica when it arrives, and first meets its front end, which
 * does its work (per request and per token of the prompt) for one request at a time and
 * then passes it on after a constant.  It leaves in the order in which it came.
 */
#ifndef SERVESIM_ENGINE_FRONTEND_H
#define SERVESIM_ENGINE_FRONTEND_H

#include <stdint.h>

#include "engine/request.h"
#include "engine/timer.h"

struct frontend {
    struct request_list requests;
    int64_t free_ns; /* when it has done its work for those before */
    struct timer timer;
};

struct replica;

/* Takes a request that was sent to the replica; true if it is through at once, false if
 * it stands in the list, until `timer` fires. */
bool frontend_push(struct sim *sim, struct replica *replica, struct request *request);

/* Takes a request out before it is through; the work for it is done all the same. */
void frontend_leave(struct sim *sim, struct replica *replica, struct request *request);

/* The earliest moment at which a request that arrives at `at_ns` could be through. */
int64_t frontend_earliest_ns(const struct replica *replica, int64_t at_ns);

#endif
