/* decisions: predictions judged by what a buyer would do with them.
 *
 * Errors of a mean are not what a buyer feels; errors of the decision are.  Four scores:
 *
 *   D1 capacity     the best throughput under a latency bound    decisions_capacity.h
 *   D2 choice       the layout and concurrency chosen by it      decisions_choice.h
 *   D3 dollars      the bill across GPUs, precisions, servers    decisions_dollars.h
 *   D4 calibration  how often measurements are in the intervals  decisions_coverage.h
 *
 * The first three look at closed-loop rows only.  Rivals (study/rivals.h) are scored the
 * same way: their results take the place of the simulator's.
 */
#ifndef SERVESIM_STUDY_DECISIONS_H
#define SERVESIM_STUDY_DECISIONS_H

#include <stdio.h>

#include "study/decisions_capacity.h"
#include "study/decisions_choice.h"
#include "study/decisions_coverage.h"
#include "study/decisions_dollars.h"

struct decisions {
    double headroom;
    int32_t n_rows;           /* closed loop */
    int32_t n_without_preset; /* of those: in none of the scores */
    int32_t n_places;
    int32_t n_jobs;
    struct decisions_capacities capacity;
    struct decisions_choice choice[DECISIONS_CHOOSERS][DECISIONS_CURVE_BOUNDS + 1];
    struct decisions_dollars dollars[DECISIONS_DOLLARS_LOADS]
                                    [DECISIONS_CURVE_BOUNDS + 1];
    struct decisions_coverages coverage;
};

/* Scores results beside their cases.  Predictions must keep the bounds times `headroom` to
 * be chosen; 1: just the bounds.  The cases must outlive `out`; decisions_free() it. */
void decisions_score(const struct predict_case *cases,
                     const struct predict_result *results, int32_t n, double headroom,
                     struct decisions *out);
void decisions_free(struct decisions *decisions);

/* The headroom that does best on the rows of the split "train"; 1 if there are none. */
double decisions_tune(const struct predict_case *cases,
                      const struct predict_result *results, int32_t n);

/* The tables. */
void decisions_print(const struct decisions *decisions, FILE *out);

/* CSV of the same numbers, score,bound,metric,value,unit,n: `n` is what the value is
 * about; the cell of a value that does not exist is empty. */
void decisions_write(const struct decisions *decisions, FILE *out);

#endif
