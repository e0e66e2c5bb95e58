/* compressed: a file to write that is gzip or zstd where its name says so. */
#ifndef SERVESIM_OUTPUT_COMPRESSED_H
#define SERVESIM_OUTPUT_COMPRESSED_H

#include <stdio.h>

#include "base/err.h"

/* Opens `path` for writing, compressed as the ending of `name` says (.gz, .zst, else not
 * at all).  fclose() finishes it; check what it and writes return. NULL and
 * `err` if it cannot be created. */
FILE *compressed_open(const char *path, const char *name, struct err *err);

#endif
