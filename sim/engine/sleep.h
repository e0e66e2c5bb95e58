/* sleep: several models take turns on the same GPUs.
 *
 * Replica i of a pool with `shares_gpus_with` has the GPUs of replica i of that pool.  One
 * of those who share is awake, the first pool's at the start; the others sleep, with their
 * weights in host memory, and are paid for by who is awake.  When requests are held for want
 * of a pool that sleeps, the first of its replicas whose GPUs are free (the one awake there
 * has no requests) is woken; if none is, the first one whose GPUs somebody has had for
 * `max_dwell` drains.  One replica of a pool is woken at a time.  A switch takes the time
 * to put the one to sleep and to wake the other, each by default its weights over the GPUs'
 * links to the host; it belongs to the one that wakes, which is starting.  Caches of who
 * slept are empty.  All this is decided at the end of an instant, when what happened in
 * it has been seen.
 */
#ifndef SERVESIM_ENGINE_SLEEP_H
#define SERVESIM_ENGINE_SLEEP_H

#include <stdint.h>

#include "base/field.h"
#include "engine/pool.h"
#include "engine/replica.h"

/* What [sleep] says. */
struct sleep_config {
    int64_t max_dwell_ns;
    int64_t sleep_ns; /* 0: from the weights */
    int64_t wake_ns;
};

extern const struct field_table sleep_table;

/* The time to move the weights of a replica of the pool to the host, or back. */
int64_t sleep_move_ns(const struct pool *pool);

struct sim;
struct sleepers;

/* NULL if no pools share their GPUs. */
struct sleepers *sleep_new(struct sim *sim);
void sleep_free(struct sleepers *sleepers);

/* In this instant somebody is held, somebody became ready, or a replica has nothing left:
 * what can be switched is. */
void sleep_look(struct sim *sim);

/* Aborts unless all GPUs that are shared have one who is awake. */
void sleep_verify(const struct sim *sim);

#endif
