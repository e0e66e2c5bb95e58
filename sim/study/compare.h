/* compare: one configuration in several variants, on the same trace and seed.
 *
 * There is a variant for every point of a grid (study/grid.h).  Each is read by config_read() with its values
 * behind all overrides and run as `servesim run` runs it, several at a time: the results
 * do not depend on how many.
 */
#ifndef SERVESIM_STUDY_COMPARE_H
#define SERVESIM_STUDY_COMPARE_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "output/metrics.h"
#include "study/grid.h"

enum { COMPARE_MOST_VARIANTS = 1000 };

struct compare_variant {
    const char *label;   /* "policy=static max_num_seqs=64" */
    const char **values; /* one of each key of the grid */
    struct config config;
    struct metrics metrics; /* after compare_play() */
};

struct compare {
    struct config base; /* without any of the varied values */
    struct grid grid;
    struct compare_variant *variants;
    int32_t n_variants;
};

/* What to read: overrides as given with -s, and what --over says; none: what [over] of
 * the file says. */
struct compare_request {
    const char *path;
    const char *const *overrides;
    int32_t n_overrides;
    const char *const *overs;
    int32_t n_overs;
};

struct compare_options {
    int32_t n_threads;
    FILE *warnings; /* those of the first variant, for all read the same trace */
    const volatile sig_atomic_t *interrupted;
};

/* Reads every variant; a fault of one is told with its label.  The variants are freed by
 * compare_free(), whatever this returned; all else lives in the arena. */
int compare_read(struct compare *compare, const struct compare_request *request,
                 struct arena *arena, struct err *err);
void compare_free(struct compare *compare);

/* Runs them.  Of several that fail the first is told. */
int compare_play(struct compare *compare, const struct compare_options *options,
                 struct err *err);

#endif
