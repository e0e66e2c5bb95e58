/* columns: what stands in the result files, each column said once.
 *
 * The file that writes a table has the list of its columns: the header of the CSV file is
 * written from it, and `servesim list columns` prints it.
 */
#ifndef SERVESIM_OUTPUT_COLUMNS_H
#define SERVESIM_OUTPUT_COLUMNS_H

#include <stdint.h>

#include "output/text.h"

struct column {
    const char *name;
    const char *unit; /* "" for counts, shares and texts */
    const char *help; /* one sentence, no full stop */
};

struct columns {
    const char *file; /* "requests.csv" */
    const char *help; /* what a row is */
    const struct column *list;
    int32_t n;
};

/* Every result file that has columns; ends with NULL. */
extern const struct columns *const columns_all[];

/* Writes the header of a CSV file. */
void columns_write_header(struct text *text, const struct columns *columns);

#endif
