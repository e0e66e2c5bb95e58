/* tuples: numbers that go together, as `6h:0.1, 12h:1` or as the lines of a CSV file.
 *
 * A profile is pairs of a time and a rate, a spike is three numbers.  A list that does not
 * fit a line goes on in `key_2`, `key_3` ...  A file has a tuple in each line, separated by
 * commas, and may have a header.
 */
#ifndef SERVESIM_INPUT_TUPLES_H
#define SERVESIM_INPUT_TUPLES_H

#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"
#include "input/settings.h"

enum { TUPLES_MOST_COLUMNS = 3, TUPLES_MOST = 1000000, TUPLES_MOST_LINES = 99 };

/* What tuples consist of: an array of fields of the numeric types, of which key, type,
 * unit, least and greatest count. */
struct tuples {
    int32_t n_columns;
    int32_t n;
    int64_t (*cells)[TUPLES_MOST_COLUMNS]; /* as field_read() has them; in the arena */
    const struct settings_entry *entry;    /* that they came from */
    const char *file;                      /* NULL: the entry's value */
    int64_t *lines;                        /* of the file */
};

/* Before settings_apply(): keeps it from the keys that continue the list of that key. */
void tuples_claim(struct settings *settings, const char *section, const char *key);

/* Reads the list of that key and of the keys that continue it, which must be there. */
int tuples_read(struct tuples *tuples, const struct field *columns, int32_t n_columns,
                struct settings *settings, const char *section, const char *key,
                struct arena *arena, struct err *err);

/* Reads the CSV file that the key, which must be there, names; TUPLES_MOST at most. */
int tuples_read_file(struct tuples *tuples, const struct field *columns,
                     int32_t n_columns, struct settings *settings, const char *section,
                     const char *key, struct arena *arena, struct err *err);

/* Fills `err` with the place of tuple i and the reason; -1. */
int tuples_refuse(const struct tuples *tuples, int32_t i, const char *reason,
                  struct err *err);

#endif
