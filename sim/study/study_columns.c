#include "study/study_columns.h"

#include <stddef.h>

#include "study/capacity_files.h"

const struct columns *const study_columns_all[] = {
    &capacity_files_columns,
    &capacity_files_trials,
    NULL,
};
