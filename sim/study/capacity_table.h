/* capacity_table: what a study of capacity prints. */
#ifndef SERVESIM_STUDY_CAPACITY_TABLE_H
#define SERVESIM_STUDY_CAPACITY_TABLE_H

#include <stdio.h>

#include "study/capacity_study.h"

/* One configuration at length, or a row per variant; with best_of only the best ones. */
void capacity_table_print(FILE *out, const struct capacity_study *study);

#endif
