/* compare_table: a comparison as a table for people and as CSV files. */
#ifndef SERVESIM_STUDY_COMPARE_TABLE_H
#define SERVESIM_STUDY_COMPARE_TABLE_H

#include <stdio.h>

#include "base/err.h"
#include "study/compare.h"
#include "study/compare_score.h"

/* A row per variant, the best of each column marked, and who won which. */
void compare_table_print(FILE *out, const struct compare *compare,
                         const struct compare_scores *scores);

/* compare.csv in `folder`: the varied keys, every metric of any variant's summary, wins. */
int compare_table_write(const struct compare *compare,
                        const struct compare_scores *scores, const char *folder,
                        struct err *err);

/* winners.csv in `folder`: column, winner, value, unit; several rows where several won,
 * one without a winner where nobody did. */
int compare_table_write_winners(const struct compare *compare,
                                const struct compare_scores *scores, const char *folder,
                                struct err *err);

#endif
