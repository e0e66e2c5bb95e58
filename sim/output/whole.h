/* whole: one file to write that appears whole or not at all.
 *
 * Messages call it by the option that named it, -o.
 */
#ifndef SERVESIM_OUTPUT_WHOLE_H
#define SERVESIM_OUTPUT_WHOLE_H

#include <stdio.h>

#include "base/err.h"

/* Has `write` write the contents beside `path` and puts them in place when they are
 * whole; a name that ends with .gz or .zst is compressed.  A device or a pipe is written
 * to; a link is followed.  `context` goes to `write`, which returns -1 with `err` filled
 * if it cannot; so does this. */
int whole_write(const char *path,
                int (*write)(const void *context, FILE *out, struct err *err),
                const void *context, struct err *err);

#endif
