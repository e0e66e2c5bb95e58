/* quantity: the fields that are numbers, and their units.
 *
 * A number is digits, an optional fraction and an optional unit; it becomes an integer
 * count of the type's small unit, exactly.  Only field.c and the tests need this.
 */
#ifndef SERVESIM_BASE_QUANTITY_H
#define SERVESIM_BASE_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"

/* Whether a field of that type is a number: the rest is for those only. */
bool quantity_is_number(enum field_type type);

/* Reads `text` within the field's bounds; -1 and the reason if it is a bad value. */
int quantity_read(const struct field *field, const char *text, int64_t *value,
                  struct err *err);

/* Writes the value so that quantity_read() gets it back, in the bare unit if a decimal
 * can say it there, else as a whole number of the coarsest unit that divides it. */
void quantity_print(const struct field *field, int64_t value, char text[256]);

/* Writes a default or bound of the table with the unit left out: "60" as "60 ms". */
void quantity_describe(const struct field *field, const char *text,
                       char described[256]);

/* Aborts unless unit and bounds can be read and the bounds are in order. */
void quantity_verify(const struct field *field);

#endif
