/* intake: what comes in: the next arrival, and who is turned away at the door. */
#ifndef SERVESIM_ENGINE_INTAKE_H
#define SERVESIM_ENGINE_INTAKE_H

#include "engine/sim.h"

/* Reads up to the next arrival that some pool can serve into sim->next, or, of a source that
 * may be asked when, up to the first one that comes later; those that none ever can are done here.  -1 and `err` for a faulty source, or an unservable request that
 * was not to be rejected. */
int intake_next(struct sim *sim, struct err *err);

/* Whether a request of so many tokens, of which the pool writes so many, fits its memory and
 * the limits of its scheduler. */
bool intake_fits(const struct sim *sim, const struct pool *pool, int64_t prompt_tokens,
                 int64_t output_tokens);

/* The identity of the arrival's prompt, where it is of use to some pool; or NULL. */
struct prefix_chain *intake_chain(const struct sim *sim,
                                  const struct sim_arrival *arrival);

#endif
