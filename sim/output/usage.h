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
#include "output/bill.h"
#include "output/columns.h"
#include "output/metrics.h"
#include "output/text.h"

/* What a replica did with its time. */
struct usage_time {
    wide busy_ns;
    wide idle_ns;
    wide starting_ns;
    wide failed_ns;
    wide held_ns; /* paid for, as the terms of the price have it */
};

/* And with its energy, above idle first. */
struct usage_energy {
    wide attributed_pj;
    wide lost_pj;
    wide remainder_pj;
    wide idle_pj;
    wide starting_pj;
    wide failed_pj;
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

/* Both, from the beginning to `end_ns`. */
struct usage_time usage_time(struct replica *replica, int64_t end_ns);
struct usage_energy usage_energy(struct replica *replica, int64_t end_ns);

/* Cost, energy, occupancy and utilisation of the whole run; the bill is closed. */
void usage_metrics(struct sim *sim, const struct bill *bill, struct metrics *metrics);

#endif
