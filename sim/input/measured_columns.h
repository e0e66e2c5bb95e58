/* measured_columns: the columns of each kind of measurements, and what may stand in them.
 */
#ifndef SERVESIM_INPUT_MEASURED_COLUMNS_H
#define SERVESIM_INPUT_MEASURED_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wide.h"
#include "input/measured.h"

enum measured_type {
    MEASURED_NAME,
    MEASURED_COUNT,    /* a whole number, 0 or more */
    MEASURED_ORDINAL,  /* a whole number, 1 or more */
    MEASURED_STAGE,    /* a whole number, -1 or more */
    MEASURED_NANO,     /* a decimal, 0 or more */
    MEASURED_FRACTION, /* a decimal from 0 to 1 */
    MEASURED_S,        /* seconds or milliseconds, 0 or more */
    MEASURED_MS,
    MEASURED_POSITIVE_MS, /* milliseconds, more than 0 */
    MEASURED_STAGE_LIST
};

struct measured_column {
    const char *name;
    enum measured_type type;
    bool needed;
    size_t offset;    /* in struct measured_row */
    int64_t standard; /* of an optional number */
};

/* The needed columns come first. */
struct measured_columns {
    const char *what; /* "closed loop": for errors */
    const char *mark; /* the column that no other kind has */
    const struct measured_column *columns;
    int32_t n;
};

/* In the order of enum measured_kind. */
extern const struct measured_columns measured_columns_all[MEASURED_KINDS];

/* Whether mantissa x 10^exponent, which became `value`, may stand in such a column. */
bool measured_columns_allows(enum measured_type type, wide mantissa, int exponent,
                             int64_t value);

/* "is not a positive integer" ...: why not. */
const char *measured_columns_expect(enum measured_type type);

#endif
