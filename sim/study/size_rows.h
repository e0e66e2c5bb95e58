/* size_rows: the fleets that a search for the cheapest one looked at to the end. */
#ifndef SERVESIM_STUDY_SIZE_ROWS_H
#define SERVESIM_STUDY_SIZE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "study/size.h"

struct size_row {
    struct size_fleet
        fleet; /* replicas: the fewest that meet, or the most that failed */
    enum size_search_outcome outcome;
    const struct size_entry *entry; /* NULL: it was not simulated */
    const char *reason;             /* of a candidate that was refused, or NULL */
    int32_t fails;                  /* replicas, below; 0: none were simulated */
    int32_t least;                  /* replicas by the roofline */
    int64_t nano;                   /* per hour */
    int64_t gpus;
    bool is_answer;
    bool is_best; /* of its accelerator, or of its kind of two pools */
    bool
        is_pareto; /* of those that meet none is as good in everything and better in one */
    double per_gpu;  /* output tokens/s */
    double per_user; /* tokens/s */
};

struct size_rows {
    struct size_row
        *list; /* in the order of the candidates, then fleets of two pools */
    int32_t n;
};

void size_rows_init(struct size_rows *rows, const struct size_variant *variant,
                    struct arena *arena);

/* Indexes of the rows that meet and are best of their accelerator or kind, or Pareto: the
 * cheapest first.  How many. */
int32_t size_rows_told(const struct size_rows *rows, const struct size_variant *variant,
                       int32_t *order);

/* "mixed", "apart" or "alone". */
const char *size_rows_kind(const struct size_fleet *fleet);

#endif
