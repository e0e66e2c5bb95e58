/* size_draws: how many replicas of the answer other deployments would take.
 *
 * What is known of an engine's step times has a spread, tpot_sd (study/calibrated.h).  For
 * [study] draws deployments, and for the two ends of the interval that [study] percent asks
 * for, the smallest fleet is looked for again, with all steps as much longer or shorter.  A
 * pool whose step times are given (cost = linear) has no spread.
 */
#ifndef SERVESIM_STUDY_SIZE_DRAWS_H
#define SERVESIM_STUDY_SIZE_DRAWS_H

#include "base/err.h"
#include "study/size.h"

/* Fills variant->draws, if the answer is a fleet of one pool and there is a spread. */
int size_draws_search(struct size_variant *variant, struct err *err);

#endif
