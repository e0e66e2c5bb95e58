/* promote: who has waited too long goes to the first level (order = mlfq).
 *
 * Against starvation: at the plan that finds a request waiting for `mlfq_promote_ms` since
 * it came into the queue it starts afresh in the first level, where it stays until it has
 * run.  Requests come into the queue one after another, so the first to come is the
 * first to be promoted.
 */
#ifndef SERVESIM_ENGINE_PROMOTE_H
#define SERVESIM_ENGINE_PROMOTE_H

#include <stdint.h>

struct replica;

/* Promotes those whose time has come. */
void promote_due(struct replica *replica, int64_t now_ns);

/* When the next one's will have; INT64_MAX: never. */
int64_t promote_next_ns(const struct replica *replica);

#endif
