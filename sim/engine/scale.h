/* scale: how many replicas a pool should have: the keys of [scale.POOL], and what a scaler
 * sees; its struct.
 *
 * At every multiple of `interval` the scaler of a pool is asked for a number of replicas.
 * It sees what an autoscaler scrapes: those that are ready, with their queues, their
 * running requests and their KV caches as of the last step boundary; how many boot; and
 * what came and left in the last `window`.  What it answers is bounded here and in
 * engine/scaler.h (steps, cool-downs, limits), so that no opinion can overshoot them.
 *
 * Replicas that boot are counted as there, with nothing to do yet, as Kubernetes' HPA
 * counts pods that are not ready: ceil(current x mean / target) is then ceil(sum / target),
 * and a queue that builds up during a boot is not answered twice.
 */
#ifndef SERVESIM_ENGINE_SCALE_H
#define SERVESIM_ENGINE_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/wide.h"
#include "engine/timetable.h"

/* How long a replica takes from nothing to ready: engine/boot.h. */
struct scale_boot {
    int64_t image_ns;
    int64_t storage_bytes_per_s; /* 0: weights take no time */
    int64_t graph_capture_ns;
    int64_t boot_ns; /* instead of the sum of these; 0: the sum */
};

/* What [scale.POOL] says. */
struct scale_config {
    const char *policy; /* "none" unless there is a section that says otherwise */
    int64_t target_nano;
    int64_t min_replicas;
    int64_t max_replicas; /* 0: as many as at the start, or in the schedule */
    int64_t interval_ns;
    int64_t window_ns; /* 0: interval */
    int64_t up_step;   /* 0: any */
    int64_t down_step; /* likewise */
    int64_t up_cooldown_ns;
    int64_t down_cooldown_ns;
    const char *schedule_text;
    int64_t period_ns;
    struct timetable schedule;
    struct scale_boot boot;
    bool is_given; /* the configuration has the section */
};

extern const struct field_table scale_table;

/* One replica that is ready. */
struct scale_replica {
    int64_t n_waiting;
    int64_t n_running;
    int64_t used_blocks;
    int64_t total_blocks;
};

struct scale_view {
    int64_t now_ns;
    const struct scale_replica *ready; /* n_ready of them, by index */
    int64_t n_ready;
    int64_t n_starting;
    int64_t n_held; /* at the gateway, for want of a replica */
    /* Of the last window_ns, which is shorter in the beginning. */
    int64_t window_ns;
    int64_t n_sent;     /* to replicas of the pool */
    int64_t n_finished; /* requests of theirs, however they ended ... */
    int64_t n_met;      /* ... and those that met the SLO */
};

struct scale_ops {
    const char *name;
    const char *help;
    bool needs_target; /* `target` must be given; else it has no meaning */
    bool needs_slo;    /* some bound in [slo]; its attainment is the default target */
    bool is_share;     /* the target is one: at most 1 */
    bool needs_schedule;
    bool has_window; /* it looks at what came and left in one */
    bool is_plain;   /* steps and cool-downs do not apply */
    /* Replicas wanted; limits are dealt with elsewhere. */
    int64_t (*desired)(const struct scale_view *view,
                       const struct scale_config *config);
};

static inline int64_t scale_current(const struct scale_view *view)
{
    return view->n_ready + view->n_starting;
}

/* Requests that wait for the pool, and those that run there. */
int64_t scale_n_waiting(const struct scale_view *view);
int64_t scale_n_running(const struct scale_view *view);

/* ceil(a / b) for a >= 0, b > 0, or, where that is more, more than any pool has. */
int64_t scale_ceil(wide a, wide b);

#endif
