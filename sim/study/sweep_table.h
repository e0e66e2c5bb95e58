/* sweep_table: a sweep's points as sweep.csv and, the best of them, for people.
 *
 * Rows stand in the order of the grid and columns in that of the first point that has
 * them, so that the bytes do not depend on who ran what when.  `pareto` says whether any
 * other row is at least as good in output tokens/s per GPU, mean TPOT, dollars per million
 * tokens and joules per output token, and better in one; it is empty where a row lacks one
 * of these.
 */
#ifndef SERVESIM_STUDY_SWEEP_TABLE_H
#define SERVESIM_STUDY_SWEEP_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "study/grid.h"
#include "study/sweep_journal.h"

enum { SWEEP_TABLE_MOST_PRINTED = 20, SWEEP_TABLE_MOST_NAMES = 1024 };

/* The points of a journal as it was at one moment. */
struct sweep_table {
    const struct grid *grid;
    const struct sweep_journal *journal;
    struct sweep_journal_place *places;
    char *names[SWEEP_TABLE_MOST_NAMES]; /* of metrics */
    int32_t n_names;
    char *pareto;  /* '1', '0' or ' ' of each point */
    int64_t *best; /* points of the Pareto set, the cheapest first */
    int64_t n_best;
    int64_t n_done;
    int64_t n_failed;
    char *first_error;    /* NULL: none */
    int64_t first_failed; /* the point it is of */
};

/* Reads the journal once; sweep_table_free() it whatever this returned. */
int sweep_table_init(struct sweep_table *table, const struct grid *grid,
                     struct sweep_journal *journal, struct err *err);
void sweep_table_free(struct sweep_table *table);

/* sweep.csv of `folder`, put in place when it is whole. */
int sweep_table_write(const struct sweep_table *table, const char *folder,
                      struct err *err);

/* The two in one, for a moment in between. */
int sweep_table_update(const struct grid *grid, struct sweep_journal *journal,
                       const char *folder, struct err *err);

/* Up to SWEEP_TABLE_MOST_PRINTED rows of the Pareto set; nothing where there is none. */
int sweep_table_print(const struct sweep_table *table, FILE *out, struct err *err);

/* How many points there are, how many of them with an error, and where. */
void sweep_table_tell(const struct sweep_table *table, FILE *out, const char *folder);

#endif
