/* outage: what failures cost a run, as metrics. */
#ifndef SERVESIM_OUTPUT_OUTAGE_H
#define SERVESIM_OUTPUT_OUTAGE_H

#include "engine/sim.h"
#include "output/metrics.h"

/* Adds them, where anything could fail. */
void outage_metrics(const struct sim *sim, struct metrics *metrics);

#endif
