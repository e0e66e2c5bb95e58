/* intake: what comes in: the next arrival, and who is turned away at the door. */
#ifndef SERVESIM_ENGINE_INTAKE_H
#define SERVESIM_ENGINE_INTAKE_H

#include "engine/sim.h"

/* Reads up to the next arrival that can be served into sim->next; those that never
 * can are done here.  It is not told early that a client will give up before the front end
 * is through with its request: one that waits for the answer would send the next too early.  -1 and `err` for a faulty source, or an unservable request
 * that was not to be rejected. */
int intake_next(struct sim *sim, struct err *err);

/* The identity of the arrival's prompt, where it is of use to the pool; or NULL. */
struct prefix_chain *intake_chain(const struct pool *pool,
                                  const struct sim_arrival *arrival);

/* The next arrival's client gives up now, before the front end is through with it. */
void intake_give_up(struct sim *sim);

#endif
