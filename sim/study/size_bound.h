/* size_bound: what the roofline says of candidates before anything is simulated.
 *
 * A fleet whose replicas could not serve the rate if they never idled (study/bound.h) is
 * overloaded, whatever a run of finite length says; one whose requests miss the SLO even
 * alone on an idle replica never meets it.  Neither is simulated.
 */
#ifndef SERVESIM_STUDY_SIZE_BOUND_H
#define SERVESIM_STUDY_SIZE_BOUND_H

#include "base/memory.h"
#include "study/bound.h"
#include "study/size_candidate.h"

/* Fills guess_rps, most_rps, least and never of every candidate from the rate and the means
 * of the load, and the lengths of its requests. */
void size_bound(struct size_candidates *candidates, struct bound_mix *mix,
                struct arena *arena);

#endif
