/* look: whom a scheduler knows of.
 *
 * A scheduler need not know at once who has come.  It looks before each step, or, with
 * poll_steps = N, when N steps were run since it last looked or one with prefill (SGLang's
 * scheduler-recv-interval and its default weights); with async_scheduling, which
 * fixes a plan while the step before it runs, it sees those who were there when that step
 * started.  One with nothing to do, or that waits for more to come, sees everybody.
 */
#ifndef SERVESIM_ENGINE_LOOK_H
#define SERVESIM_ENGINE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

struct replica;

/* Before a plan: sets visible_until_ns, if it is time to look.  Nobody whom it could not
 * see came before a look that a span has passed over: a span ends where somebody comes,
 * and at the next look while somebody is hidden. */
void look_now(struct replica *replica, int64_t now_ns);

/* Whether somebody waits whom the scheduler has not seen yet. */
bool look_hides(const struct replica *replica);

/* Steps from the one being planned until it may see them. */
int64_t look_steps_left(const struct replica *replica);

#endif
