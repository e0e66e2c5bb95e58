/* summary_transfers: what summary.csv says of KV caches that went from one replica to
 * another; nothing where none could. */
#ifndef SERVESIM_OUTPUT_SUMMARY_TRANSFERS_H
#define SERVESIM_OUTPUT_SUMMARY_TRANSFERS_H

#include "engine/sim.h"
#include "output/metrics.h"

void summary_transfers_metrics(const struct sim *sim, struct metrics *metrics);

#endif
