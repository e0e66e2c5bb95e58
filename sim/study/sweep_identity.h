/* sweep_identity: which sweep a folder holds: sweep.ini.
 *
 * The effective configuration, whatever the files are called that it was read from; the
 * bytes of its trace and of other files that values name; what varies; the version; and
 * the shard.  A sweep is gone on with, and shards are merged, only where these are the
 * same, because rows of two sweeps in one table would be lies.
 */
#ifndef SERVESIM_STUDY_SWEEP_IDENTITY_H
#define SERVESIM_STUDY_SWEEP_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"
#include "study/grid.h"

enum { SWEEP_IDENTITY_MOST_OVERS = 1000 };

struct sweep_identity {
    char configuration[65]; /* sha256 */
    char trace[65];         /* sha256; "" without a trace */
    char files[65];         /* sha256 of what the values of the grid stand for */
    const char *version;
    const char *const *overs;
    int32_t n_overs;
    int64_t n_points;
    int64_t shard; /* from 1 */
    int64_t n_shards;
};

/* What a configuration is read from, and its grid. */
struct sweep_identity_source {
    const char *path;
    const char *const *overrides;
    int32_t n_overrides;
    const struct config *base;
    const struct grid *grid;
    const char *const *overs;
    int32_t n_overs;
};

/* Works it out, but for the shard; reads the trace once from beginning to end, so that one
 * that cannot be read is known before anything runs. */
int sweep_identity_init(struct sweep_identity *identity,
                        const struct sweep_identity_source *source, struct err *err);

/* sweep.ini of `folder`. */
int sweep_identity_write(const struct sweep_identity *identity, const char *folder,
                         struct err *err);
int sweep_identity_read(struct sweep_identity *identity, const char *folder,
                        struct arena *arena, struct err *err);

/* -1 if it is not what `folder` holds (`there`): `err` says what differs; of the
 * configuration (`base`, if not NULL) the first key that does. */
int sweep_identity_compare(const struct sweep_identity *identity,
                           const struct sweep_identity *there, const char *folder,
                           const struct config *base, struct err *err);

#endif
