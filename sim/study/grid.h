/* grid: what --over says: keys, their values, and every combination of them.
 *
 *   section.key=v1,v2,...                  one axis
 *   section.key=1..8  0.5..2+0.5  1..64*2  the same: 1 to 8; in steps; by a factor
 *   a.x+b.y=1:2,3:4                        keys that vary together: (1, 2), then (3, 4)
 *
 * Points are numbered from 0 in the order given, the last axis fastest.  A point is told
 * as overrides, the way a user would give them with -s.
 */
#ifndef SERVESIM_STUDY_GRID_H
#define SERVESIM_STUDY_GRID_H

#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "input/config.h"

enum { GRID_MOST_KEYS = 64, GRID_MOST_VALUES = 100000 };

struct grid_key {
    const char *name;  /* section.key */
    const char *shown; /* the key alone where that is enough to tell it */
};

struct grid_axis {
    int32_t first_key;
    int32_t n_keys;      /* that vary together */
    const char **values; /* n_keys of each point of the axis */
    int64_t n_values;
};

struct grid {
    struct grid_key *keys;
    int32_t n_keys;
    struct grid_axis *axes;
    int32_t n_axes;
    int64_t n_points; /* 1 without axes */
};

/* One point of it; texts are in the arena that grid_point() was given or the grid's. */
struct grid_point {
    const char **values;    /* one of each key */
    const char **overrides; /* "section.key=value", one of each key */
    const char *label;      /* "policy=static max_num_seqs=64" */
};

/* Reads `n` texts as given with --over; more than `most` points are refused. */
int grid_read(struct grid *grid, const char *const *overs, int32_t n, int64_t most,
              struct arena *arena, struct err *err);

/* The same of what --over says or, where it is not given, of the configuration's [over];
 * nothing that varies is an error. */
int grid_choose(struct grid *grid, const struct config *config,
                const char *const *overs, int32_t n, int64_t most, struct arena *arena,
                struct err *err);

/* The point of that number. */
void grid_point(struct grid_point *point, const struct grid *grid, int64_t at,
                struct arena *arena);

/* The overrides of a command line and behind them the point's: n + n_keys texts. */
const char **grid_overrides(const struct grid_point *point, const struct grid *grid,
                            const char *const *overrides, int32_t n,
                            struct arena *arena);

#endif
