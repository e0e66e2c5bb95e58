/* sweep_merge: the shards of a sweep as one.
 *
 * What comes out is what one process would have written without shards: sweep.csv to the
 * byte, and a folder that `servesim sweep` goes on with where points are missing.
 */
#ifndef SERVESIM_STUDY_SWEEP_MERGE_H
#define SERVESIM_STUDY_SWEEP_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "study/sweep.h"

struct sweep_merge_request {
    const char *const *folders;
    int32_t n_folders;
    const char *output;
    bool overwrite;
    bool partial; /* points may be missing */
};

/* Reads the folders and writes `output`, which appears whole or not at all; sweep_close()
 * the sweep whatever this returned.  Shards of different sweeps, missing points and points
 * that differ between folders are errors. */
int sweep_merge(struct sweep *sweep, const struct sweep_merge_request *request,
                struct arena *arena, struct err *err);

#endif
