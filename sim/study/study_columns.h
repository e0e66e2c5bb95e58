/* study_columns: the result files of studies that have columns, as output/columns.h has
 * those of runs. */
#ifndef SERVESIM_STUDY_STUDY_COLUMNS_H
#define SERVESIM_STUDY_STUDY_COLUMNS_H

#include "output/columns.h"

/* Ends with NULL. */
extern const struct columns *const study_columns_all[];

#endif
