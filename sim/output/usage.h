/* usage: what the hardware did: replicas.csv, timeline.csv, and their totals.
 *
 * MFU = FLOPs / (time x dense peak), MBU = bytes moved / (time x peak bandwidth), both
 * over all GPUs and all the time given, idle included.
 */
#ifndef SERVESIM_OUTPUT_USAGE_H
#define SERVESIM_OUTPUT_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/sim.h"
#include "output/metrics.h"
#include "output/text.h"

/* What the whole run's money and energy are divided by: its completed requests. */
struct usage_billed {
    int64_t n_requests;
    int64_t input_tokens;
    int64_t output_tokens;
    int64_t met_output_tokens; /* of those that met the SLO */
};

struct usage_timeline {
    struct text text;
    int32_t n_pools;
    int64_t before_ns;           /* the boundary before */
    struct replica_sums *before; /* per pool, at that boundary */
};

int usage_timeline_open(struct usage_timeline *timeline, const char *folder,
                        int32_t n_pools, struct err *err);

/* A boundary was reached: one row per pool. */
void usage_timeline_tick(struct usage_timeline *timeline, struct sim *sim,
                         int64_t at_ns);

int usage_timeline_close(struct usage_timeline *timeline, struct err *err);

/* Writes replicas.csv. */
int usage_write_replicas(struct sim *sim, const char *folder, struct err *err);

/* Cost, energy, occupancy and utilisation of the whole run. */
void usage_metrics(struct sim *sim, const struct usage_billed *billed, bool has_slo,
                   struct metrics *metrics);

#endif
