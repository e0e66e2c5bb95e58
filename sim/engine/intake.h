/* intake: what comes in: the next arrival, and who is turned away at the door. */
#ifndef SERVESIM_ENGINE_INTAKE_H
#define SERVESIM_ENGINE_INTAKE_H

#include "engine/sim.h"

/* Reads up to the next arrival that a replica will see, into sim->next; requests that
 * can never be served, and those whose clients give up before the front end is through
 * with them, are done here.  -1 and `err` for a faulty source, or an unservable request
 * that was not to be rejected. */
int intake_next(struct sim *sim, struct err *err);

#endif
