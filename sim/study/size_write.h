/* size_write: the search for the cheapest fleet as files: config.ini,
 * size.csv, fleets.csv, demand.csv and fleet.ini, the answer as a configuration that `servesim run` takes. */
#ifndef SERVESIM_STUDY_SIZE_WRITE_H
#define SERVESIM_STUDY_SIZE_WRITE_H

#include "base/err.h"
#include "base/memory.h"
#include "output/columns.h"
#include "study/size.h"

/* Behind the columns of the keys that vary. */
extern const struct columns size_write_columns;
extern const struct columns size_write_fleets_columns;
extern const struct columns size_write_demand_columns;

/* All of them into `folder`; fleet.ini of the first variant that has an answer. */
int size_write(const struct size *size, const char *folder, struct arena *arena,
               struct err *err);

#endif
