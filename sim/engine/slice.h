/* slice: single steps, for those who watch, out of spans too.
 *
 * A span books many steps at once.  Who wants to see them one by one (`slice` of struct
 * probe) gets them from the same progression that the span is: durations from its price,
 * contexts one longer per member and step, blocks by residue class.  Nothing is planned
 * otherwise because somebody watches.
 */
#ifndef SERVESIM_ENGINE_SLICE_H
#define SERVESIM_ENGINE_SLICE_H

#include "engine/replica.h"

/* Tells the steps of a walk that is about to be booked, those in the window only. */
void slice_tell_walk(struct replica *replica, const struct replica_walk *walk);

/* Tells the step in progress, which ends, or is aborted, at `now_ns`; before it is
 * booked. */
void slice_tell(struct replica *replica, enum probe_end how, int64_t now_ns);

/* Tells, who wants to know of loads, the KV blocks that an idle replica has held for others
 * since its last step, or since they changed. */
void slice_tell_held(const struct replica *replica, int64_t now_ns);

/* Tells who wants to know how many requests ran, and that so many waited, since either
 * changed and up to `now_ns`. */
void slice_tell_load(const struct replica *replica, int64_t n_waiting, int64_t now_ns);

#endif
