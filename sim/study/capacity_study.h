/* capacity_study: the capacity of every variant of a configuration, with its interval.
 *
 * First every variant's answer is searched, then what its interval is made of; each search
 * is one piece of work, so the results do not depend on how many there are at a time.
 */
#ifndef SERVESIM_STUDY_CAPACITY_STUDY_H
#define SERVESIM_STUDY_CAPACITY_STUDY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "study/capacity.h"
#include "study/capacity_interval.h"
#include "study/grid.h"
#include "study/trial.h"

enum { CAPACITY_STUDY_MOST = 10000 };

struct capacity_variant {
    const char *label;   /* "tensor_parallel=2"; "" without a grid */
    const char **values; /* one of each key of the grid */
    struct config config;
    struct trial_spec spec;
    struct arena arena;
    bool fits;    /* else `reason` says why not */
    bool is_best; /* of those that differ in best_of alone; true without it */
    struct err reason;
    struct capacity answer;
    struct capacity_interval interval;
};

struct capacity_study {
    struct config base; /* without any of the varied values */
    struct grid grid;
    struct capacity_variant *variants;
    int32_t n_variants;
    int32_t best_of; /* the key of the grid, or -1 */
};

/* Overrides as given with -s, and what varies: of [over] where no --over is given. */
struct capacity_request {
    const char *path;
    const char *const *overrides;
    int32_t n_overrides;
    const char *const *overs;
    int32_t n_overs;
};

struct capacity_options {
    int32_t n_threads;
    bool quiet;
    const volatile sig_atomic_t *interrupted;
};

/* What one variant costs and gives at its capacity; NAN where that is none. */
struct capacity_figures {
    double n_replicas; /* at the start */
    double n_gpus;
    double rps_per_replica;
    double rps_per_gpu;
    double output_per_gpu; /* tokens/s */
    double output_per_user;
    double usd_low; /* per million tokens at the interval's ends */
    double usd_high;
    bool is_uncalibrated;
};

/* Reads every variant; a fault of one is told with its label.  Whatever this returned,
 * capacity_study_free() frees it; the rest lives in the arena. */
int capacity_study_read(struct capacity_study *study,
                        const struct capacity_request *request, struct arena *arena,
                        struct err *err);
void capacity_study_free(struct capacity_study *study);

/* Searches.  A variant that does not fit the memory of its GPUs has a reason instead of an
 * answer; an error if that is so of all. */
int capacity_study_play(struct capacity_study *study,
                        const struct capacity_options *options, struct err *err);

void capacity_study_figures(const struct capacity_variant *variant,
                            struct capacity_figures *figures);

#endif
