/* sums: the integrals of a replica, at any moment.
 *
 * Steps are booked when they end; a moment in between counts floor(q x elapsed /
 * duration) of the step in progress, and what its end adds later is the rest (rules.md
 * 15).  State (running, waiting, blocks) is integrated in nanoseconds.
 */
#ifndef SERVESIM_ENGINE_SUMS_H
#define SERVESIM_ENGINE_SUMS_H

#include <stdint.h>

#include "engine/replica.h"

/* Adds the time since the last change to the integrals of running and waiting requests;
 * before either changes. */
void sums_state(struct replica *replica, int64_t now_ns);

/* The replica's sums as of `at_ns`, which is not before anything that was booked. */
void sums_at(struct replica *replica, int64_t at_ns, struct replica_sums *sums);

/* Adds `more` to `sum`. */
void sums_add(struct replica_sums *sum, const struct replica_sums *more);

#endif
