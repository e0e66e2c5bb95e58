/* roofline_files: what `servesim roofline` works out of a configuration: as tables on a
 * terminal and as CSV files in a folder. */
#ifndef SERVESIM_STUDY_ROOFLINE_FILES_H
#define SERVESIM_STUDY_ROOFLINE_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "study/roofline.h"
#include "study/roofline_convention.h"

enum { ROOFLINE_FILES_MOST = 100 };

struct roofline_list {
    int64_t values[ROOFLINE_FILES_MOST];
    int32_t n;
};

struct roofline_request {
    struct roofline_list batches;
    struct roofline_list contexts;
    struct roofline_list prompts;
    int64_t tpot_ns;
    const struct roofline_convention *by; /* NULL: none to compare with */
};

/* Ridge points, critical batches, concurrency; then the decodes and the prompts. */
void roofline_files_print(FILE *out, const struct roofline *roofline,
                          const struct roofline_request *request);

/* machine.csv, critical.csv, decode.csv and prefill.csv, whole or not at all. */
int roofline_files_write(const struct roofline *roofline,
                         const struct roofline_request *request, const char *folder,
                         bool overwrite, struct err *err);

#endif
