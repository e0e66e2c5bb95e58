/* size: the cheapest fleet that meets [slo] for a workload.
 *
 * The configuration has one pool, the template: its model, engine and terms are every
 * fleet's.  [size] says which accelerators, layouts, policies and limits may differ
 * (study/size_candidate.h).  What the roofline rules out is not simulated
 * (study/size_bound.h); of the rest the smallest fleets that meet are looked for, of every
 * accelerator (study/size_search.h), then such of two pools that may be cheaper
 * (study/size_pairs.h).  Then for other deployments than the median one ([study] draws), how
 * many replicas of the answer they would take, and for tighter and looser bounds ([size]
 * notch) what would be the answer there.
 */
#ifndef SERVESIM_STUDY_SIZE_H
#define SERVESIM_STUDY_SIZE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "study/demand.h"
#include "study/grid.h"
#include "study/progress.h"
#include "study/size_book.h"
#include "study/size_pairs.h"
#include "study/size_search.h"

enum { SIZE_MOST_VARIANTS = 1000, SIZE_MOST_DRAWS = 1002 };

/* The answer for one width of the bounds. */
struct size_answer {
    double factor;
    bool found;
    struct size_fleet best;
    int64_t nano;                    /* per hour */
    struct size_search_found *alone; /* one per candidate */
    struct size_pairs mixed;
    struct size_pairs apart;
};

/* Replicas of the answer for deployments that are faster or slower than the median. */
struct size_draws {
    int32_t n; /* 0: not looked at */
    double quantile[SIZE_MOST_DRAWS];
    int32_t replicas[SIZE_MOST_DRAWS]; /* 0: more than the limit */
    int32_t low;                       /* the interval */
    int32_t high;                      /* 0: more than the limit */
};

/* One variant of what --over varies, or the only one. */
struct size_variant {
    const char *label;
    const char **values; /* one of each key of the grid */
    struct config config;
    struct size_candidates candidates;
    struct size_book book;
    struct demand demand; /* of the workload as it is */
    struct bound_mix mix; /* of a run of it */
    struct size_answer answer;
    struct size_answer tighter;
    struct size_answer looser;
    struct size_draws draws;
    char calibration[200];
};

struct size {
    struct config base; /* without any of the varied values */
    struct grid grid;
    struct size_variant *variants;
    int32_t n;
};

/* What to read: overrides as given with -s, and what varies, if anything. */
struct size_request {
    const char *path;
    const char *const *overrides;
    int32_t n_overrides;
    const char *const *overs;
    int32_t n_overs;
};

struct size_options {
    int32_t n_threads;
    bool quiet; /* nobody is told how far it is */
    const volatile sig_atomic_t *interrupted;
};

/* Reads every variant and its candidates.  size_free() frees, whatever this returned. */
int size_read(struct size *size, const struct size_request *request,
              const struct size_options *options, struct arena *arena, struct err *err);
void size_free(struct size *size);

/* Finds the answers. */
int size_play(struct size *size, const struct size_options *options,
              struct arena *arena, struct err *err);

#endif
