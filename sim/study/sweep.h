/* sweep: every point of a grid, several at a time, into a folder that grows.
 *
 *   config.ini   the configuration that is varied
 *   sweep.ini    which sweep this is: study/sweep_identity.h
 *   journal      a line per point, as they end: study/sweep_journal.h
 *   sweep.csv    the points so far, in the order of the grid: study/sweep_table.h
 *
 * The folder is whole at any moment, so a sweep that was killed is gone on with by the same
 * command: what the journal has is not run again.  A point whose configuration is refused,
 * or that does not fit, is a row with an error.  What comes out does not depend on how many
 * run at a time, nor on shards or interruptions.
 */
#ifndef SERVESIM_STUDY_SWEEP_H
#define SERVESIM_STUDY_SWEEP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "study/grid.h"
#include "study/sweep_identity.h"
#include "study/sweep_journal.h"
#include "study/sweep_table.h"

enum { SWEEP_MOST_POINTS = 1000000, SWEEP_MOST_SHARDS = 1000000 };

struct sweep_request {
    const char *path;
    const char *const *overrides;
    int32_t n_overrides;
    const char *const *overs; /* as given with --over; none: the file's [over] */
    int32_t n_overs;
    const char *folder;
    bool overwrite;
    int64_t shard; /* from 1: points i with i % n_shards == shard - 1 */
    int64_t n_shards;
};

struct sweep_options {
    int32_t n_threads;
    bool quiet;     /* tell no progress */
    FILE *warnings; /* of the first point's trace; NULL: nowhere */
    const volatile sig_atomic_t *interrupted;
};

struct sweep {
    struct sweep_request request;
    struct config base; /* without any of the varied values */
    struct grid grid;
    struct sweep_identity identity;
    struct sweep_journal journal;
    struct sweep_table table; /* after sweep_run() or sweep_merge() */
    int64_t n_points;         /* of this shard */
    int64_t n_resumed;        /* of them, were there already */
};

/* Reads the configuration and makes or opens the folder.  Everything lives in the arena
 * but what sweep_close() frees, whatever this returned. */
int sweep_open(struct sweep *sweep, const struct sweep_request *request,
               struct arena *arena, struct err *err);

/* Runs the points that are missing. */
int sweep_run(struct sweep *sweep, const struct sweep_options *options,
              struct err *err);

void sweep_close(struct sweep *sweep);

/* -1 and the first point's error if every point of the table has one. */
int sweep_check_any(const struct sweep_table *table, struct err *err);

#endif
