/* usage_columns: the columns of timeline.csv and replicas.csv. */
#ifndef SERVESIM_OUTPUT_USAGE_COLUMNS_H
#define SERVESIM_OUTPUT_USAGE_COLUMNS_H

#include "output/columns.h"

extern const struct columns usage_columns_timeline;
extern const struct columns usage_columns_replicas;

#endif
