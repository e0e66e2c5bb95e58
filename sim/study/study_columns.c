#include "study/study_columns.h"

#include <stddef.h>

#include "study/capacity_files.h"
#include "study/size_write.h"

const struct columns *const study_columns_all[] = {
    &capacity_files_columns,    &capacity_files_trials,     &size_write_columns,
    &size_write_fleets_columns, &size_write_demand_columns, NULL,
};
