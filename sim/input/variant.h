/* variant: a section in which one key decides which other keys there are.
 *
 * `process = cox` brings keys with it that `process = poisson` has no use for.  A key
 * that would be ignored is an error, as everywhere in a configuration.
 */
#ifndef SERVESIM_INPUT_VARIANT_H
#define SERVESIM_INPUT_VARIANT_H

#include <stdint.h>

#include "input/settings.h"

/* Reads the section into `base`.  tables[0] holds the deciding key alone, a
 * FIELD_CHOICE whose choices are the names of tables[1], tables[2] ... in that order;
 * the fields of the one it chose get their defaults and values, those of the others are
 * left alone. */
int variant_read(struct settings *settings, const char *section,
                 const struct field_table *tables, int32_t n_tables, void *base,
                 struct arena *arena, struct err *err);

#endif
