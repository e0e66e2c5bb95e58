/* capacity_files: what a study of capacity writes: capacity.csv and trials.csv. */
#ifndef SERVESIM_STUDY_CAPACITY_FILES_H
#define SERVESIM_STUDY_CAPACITY_FILES_H

#include "base/err.h"
#include "output/columns.h"
#include "study/capacity_study.h"

/* Behind a column for each key that varies. */
extern const struct columns capacity_files_columns;
extern const struct columns capacity_files_trials;

int capacity_files_write(const struct capacity_study *study, const char *folder,
                         struct err *err);

#endif
