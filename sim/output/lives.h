/* lives: events.csv: what happened to the replicas, and the metrics of scaling.
 *
 * One row per change of a replica's life (engine/life.h), in the order of time; there is no
 * file if nothing changed.  Events: `start` (a boot begins), `wake` and `repair` (likewise,
 * after sleep and after a failure), `ready`, `drain` (it gets no more requests), `undrain`,
 * `stop`, `sleep`, `fail`.  `detail` says who wanted it, if somebody did.  Ranks that step
 * together have a row each, at the same instant, as they have in replicas.csv.
 */
#ifndef SERVESIM_OUTPUT_LIVES_H
#define SERVESIM_OUTPUT_LIVES_H

#include <stdint.h>

#include "base/err.h"
#include "engine/probe.h"
#include "engine/sim.h"
#include "output/columns.h"
#include "output/metrics.h"

extern const struct columns lives_columns;

/* Changes so far.  Zeroed: none. */
struct lives {
    struct probe_life *events;
    int64_t n;
    int64_t room;
};

void lives_add(struct lives *lives, const struct probe_life *life);
void lives_free(struct lives *lives);

/* What a change is called in events.csv. */
const char *lives_name(const struct probe_life *life);

/* Writes events.csv if there are any. */
int lives_write(const struct lives *lives, const struct sim *sim, const char *folder,
                struct err *err);

/* How the fleet breathed; nothing if nothing scales and no pools share GPUs. */
void lives_metrics(struct sim *sim, struct metrics *metrics);

#endif
