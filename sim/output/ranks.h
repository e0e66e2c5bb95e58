/* ranks: what data-parallel ranks in lockstep lose to each other (engine/lockstep.h). */
#ifndef SERVESIM_OUTPUT_RANKS_H
#define SERVESIM_OUTPUT_RANKS_H

#include "engine/sim.h"
#include "output/metrics.h"

/* Shares of the ranks' busy time that dummy batches took, and waiting for the slowest;
 * nothing where there are none. */
void ranks_metrics(const struct sim *sim, struct metrics *metrics);

#endif
