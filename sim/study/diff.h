/* diff: what changed between two runs: their configurations, metrics and requests.
 *
 * Reads two folders that `servesim run -o` wrote.  Metrics are compared as summary.csv has
 * them, and requests row by row as long as both files have the same ones (the same id,
 * prompt and output): nothing of requests.csv is kept but sums and the few largest changes.
 */
#ifndef SERVESIM_STUDY_DIFF_H
#define SERVESIM_STUDY_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/memory.h"
#include "study/diff_requests.h"

/* A key of config.ini or a metric that is not the same in both; NULL: one does not have
 * it. */
struct diff_row {
    const char *name;
    const char *unit;
    const char *before;
    const char *after;
    bool is_number; /* both are */
    double change;  /* after - before */
    double percent; /* of before; NAN where that is 0 */
    int better;     /* 1: after is better, -1: worse, 0: not known, or no number */
};

enum { DIFF_MOST_ROWS = 2000 };

struct diff_rows {
    struct diff_row *list; /* free() it */
    int32_t n;
    int32_t n_compared; /* the same ones among them */
};

struct diff {
    const char *folders[2];
    struct diff_rows keys;
    struct diff_rows metrics;
    struct diff_requests requests;
};

/* Compares the runs in `folders`.  Texts live in the arena; diff_free() the rest, whatever
 * this returned. */
int diff_read(struct diff *diff, const char *const folders[2], struct arena *arena,
              struct err *err);
void diff_free(struct diff *diff);

/* Whether anything differs. */
bool diff_any(const struct diff *diff);

#endif
