/* bytes: the contents of a file that may be compressed.
 *
 * Plain, gzip and zstd are told by the first bytes, not by the name.  Memory is the
 * same for every file (a zstd window over 8 MB is an error), and the bytes on disk are
 * hashed as they pass, on the first whole pass only.
 */
#ifndef SERVESIM_INPUT_BYTES_H
#define SERVESIM_INPUT_BYTES_H

#include <stddef.h>

#include "base/err.h"

struct bytes;

/* Opens `path` ("-": standard input) and looks at its first bytes.  NULL and `err`
 * filled if it cannot be opened or read; otherwise bytes_close() it. */
struct bytes *bytes_open(const char *path, struct err *err);

/* The file as errors name it: its path or "standard input". */
const char *bytes_name(const struct bytes *bytes);

/* Writes at least one byte, at most `room`, to `to`; *made is 0 only at the end.  -1
 * and `err` filled if the file cannot be read or its compressed data is broken or cut
 * off; do not read on then. */
int bytes_read(struct bytes *bytes, char *to, size_t room, size_t *made,
               struct err *err);

/* Back to the first byte, by opening the file again.  -1 and `err` filled for what can
 * be read only once (standard input, pipes) and for a file that cannot be opened any
 * more; do not read on then. */
int bytes_rewind(struct bytes *bytes, struct err *err);

/* Writes the sha256 of the bytes on disk to `hex`.  This ends the pass: nothing is left
 * to read until bytes_rewind(). */
int bytes_sha256(struct bytes *bytes, char hex[65], struct err *err);

void bytes_close(struct bytes *bytes);

#endif
