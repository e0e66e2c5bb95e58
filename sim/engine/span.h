/* span: decode steps that nothing can change are one event.
 *
 * While no request can join, leave or run out of KV blocks, every step has the same
 * sequences and each context is one longer: the price in femtoseconds is an arithmetic
 * progression.  span_plan() finds how many such steps there are and when the last one
 * ends; span_advance() books those that have ended.  Both walk the steps with a handful
 * of integer operations each; the nanoseconds of a step are rounded one by one, so the
 * sum is the one that stepping gives.
 */
#ifndef SERVESIM_ENGINE_SPAN_H
#define SERVESIM_ENGINE_SPAN_H

#include <stdint.h>

struct replica;
struct replica_walk;

/* Starts the planned step and the decode steps that follow it.  The walk stops at the
 * first boundary at or after `horizon_ns`. */
void span_plan(struct replica *replica, int64_t now_ns, int64_t horizon_ns);

/* Books every step of the span that ended at or before `until_ns`. */
void span_advance(struct replica *replica, int64_t until_ns);

/* Books the steps that a walk went over: work, energy, gaps between tokens. */
void span_book(struct replica *replica, const struct replica_walk *walk);

/* Leaves only the step in progress; its end becomes the end of the span. */
void span_cut(struct replica *replica);

#endif
