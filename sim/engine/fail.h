/* fail: replicas that break down, are taken back or become slow, and what becomes of what
 * they served.
 *
 * A failure ends the life of a replica in an instant.  Steps that have ended by then count,
 * the one in progress does not: the time and energy it took are lost, and no token of it
 * was computed.  KV cache, tiers, prefixes, adapters and what policies knew are gone.  The
 * replica is down until it is repaired, then boots, then is ready.  A request that was
 * never granted anything there is simply sent elsewhere.  Others lost an attempt:
 *   retry    it starts again from nothing, after a wait: what it had emitted is discarded,
 *            and the first token is that of the attempt that succeeds.  From the first
 *            grant ever until its prompt (or what had been computed of it, if that was
 *            less) is there again, its time is spent recomputing
 *   migrate  at once, and it keeps its output: prompt and output are computed again, as
 *            after a preemption
 *   fail     it leaves
 * More than `max_retries` lost attempts end a request in either of the first two.  What an
 * attempt paid is lost with it, whatever of its output was kept.
 *
 * Capacity that is taken back (spot) says so some time before: the replica drains, and
 * with `migrate` its requests move at once, mid-step; when the time is up, what is left on
 * it fails, and it is off, unpaid, until its replacement boots.
 *
 * Lifetimes are exponential and count while a replica serves, those of a node while one of
 * its replicas does, so that availability is mtbf / (mtbf + mttr + boot).  A place that is
 * off is on no node: nothing there can fail.
 *
 * Ranks that step together (engine/lockstep.h) are one replica here: they fail, are taken
 * back, repaired and slowed down at once, with one lifetime, drawn for the replica as if it
 * had one scheduler, and stand in the same nodes.
 */
#ifndef SERVESIM_ENGINE_FAIL_H
#define SERVESIM_ENGINE_FAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/fail_config.h"
#include "engine/sim.h"

/* What there is to tell at the end. */
struct fail_totals {
    int64_t n_failures; /* of replicas */
    int64_t n_reclaims;
    int64_t n_lost_attempts;
    int64_t n_retried;  /* requests that started again at least once */
    int64_t n_migrated; /* or that moved */
    int64_t lost_tokens;
    int64_t lost_outputs;
    wide lost_pj; /* of lost attempts and aborted steps */
    wide lost_usd_ns;
    wide aborted_tokens; /* of aborted steps, in part */
    wide up_ns;          /* time in which replicas served, of ... */
    wide wanted_ns;      /* ... that in which they were meant to */
};

/* Gets everything ready that sim->config says may fail; -1 if prices of slow replicas
 * cannot be. */
int fail_start(struct sim *sim, struct err *err);
void fail_free(struct sim *sim);

/* Sets the timers of all that may happen: for fail_start(). */
void fail_set_timers(struct sim *sim);

/* The replica has come from the state `before`. */
void fail_live(struct sim *sim, struct replica *replica, enum life_state before);

/* Whether something holds the place: nobody but a failure's own timers may start it. */
bool fail_holds(const struct sim *sim, const struct replica *replica);

/* The sums at the end of the run. */
void fail_sum(const struct sim *sim, struct fail_totals *totals);

#endif
