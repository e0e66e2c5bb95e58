/* scaler: the autoscalers of a run, one per pool that has one.
 *
 * At every multiple of a pool's interval, after step ends, boots and client timeouts of that
 * instant and before its retries and arrivals, its policy is asked (engine/scale.h).  The
 * answer is bounded: at least 1 while somebody waits or runs (or is held); then by the
 * steps; then by the cool-downs (no more within up_cooldown of the last time that there
 * were more, no fewer within down_cooldown of any change); last by min and max, which
 * nothing else can break.
 *
 * More: replicas that drain are taken back, the lowest index first, then places that are
 * off boot, likewise.  Fewer: boots are broken off, the highest index first, then ready
 * replicas drain, likewise.  What drains serves whom it has and goes off when it is empty.
 * A request that is held wakes a replica of the first of its pools with a scaler at once,
 * unless one of them boots already.
 */
#ifndef SERVESIM_ENGINE_SCALER_H
#define SERVESIM_ENGINE_SCALER_H

#include <stdint.h>

#include "engine/probe.h"
#include "engine/request.h"
#include "engine/scale.h"
#include "engine/sim.h"

struct scaler {
    struct timer tick;           /* at the next decision */
    const struct scale_ops *ops; /* NULL: the pool has no scaler */
    const struct scale_config *config;
    int32_t pool;
    int32_t n_ranks;             /* of a replica: they come and go together */
    struct scale_replica *ready; /* room for all places: the view's */
    int64_t last_up_ns;
    int64_t last_down_ns;
    /* What came and left, in the intervals of the window, the one in progress last. */
    struct scaler_counts {
        int64_t n_sent;
        int64_t n_finished;
        int64_t n_met;
    } now, sum, *before;
    int32_t n_before; /* intervals of the window */
    int32_t next;     /* the oldest of them */
    int64_t n_ups;    /* decisions, and wakes, that asked for more ... */
    int64_t n_downs;  /* ... and for fewer */
};

/* Of all pools; NULL if none has a scaler. */
struct scaler *scaler_new(struct sim *sim);
void scaler_free(struct scaler *scalers, int32_t n_pools);

/* A request was sent to a replica of the pool. */
static inline void scaler_sent(struct scaler *scalers, int32_t pool)
{
    if (scalers != NULL) {
        scalers[pool].now.n_sent++;
    }
}

/* A request, now held or waiting for a decode replica, has none that could take it. */
void scaler_held(struct sim *sim, const struct request *request);

/* A request has left: it counts for the pools whose replicas had it, or, if none had, for
 * all. */
void scaler_finished(struct sim *sim, const struct probe_record *record);

#endif
