/* source: the lines of a file, plain or compressed.
 *
 * Lines are handed out where they lie in the buffer, so reading costs little more than
 * searching for newlines.  The buffer is the same for every file: a line over 1 MiB is
 * an error and is passed over, however long it is.
 */
#ifndef SERVESIM_INPUT_SOURCE_H
#define SERVESIM_INPUT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Valid until the next call; the text is not closed by a NUL and may be overwritten. */
struct source_line {
    const char *file; /* as errors name it */
    int64_t number;   /* the first line is 1 */
    char *text;       /* without its newline */
    size_t length;
    bool has_newline; /* false only for a last line that ends with the file */
};

struct source;

/* Opens `path` ("-": standard input).  NULL and `err` filled if it cannot be opened or
 * read; otherwise source_close() it. */
struct source *source_open(const char *path, struct err *err);

/* The file as errors name it: its path or "standard input". */
const char *source_name(const struct source *source);

/* The next line: 1 and `line` filled, 0 at the end, -1 and `err` filled.  After a line
 * that is too long or holds a NUL byte the next call goes on with the line below it;
 * after any other error source_broken() is true and every call fails the same way. */
int source_next(struct source *source, struct source_line *line, struct err *err);

/* How the file goes on, without taking it: 1 and the line's text as much as is read, which
 * may be more than a line or less; 0 at the end; -1 and `err`. */
int source_peek(struct source *source, struct source_line *start, struct err *err);

/* All that is left, as one text of at most `most` bytes; free() it.  -1 and `err` if it is
 * more or cannot be read. */
int source_all(struct source *source, size_t most, char **text, size_t *length,
               struct err *err);

bool source_broken(const struct source *source);

/* The number of the line that source_next() gave or refused last. */
int64_t source_line_number(const struct source *source);

/* Back to the first line, by opening the file again.  -1, `err` filled and the source
 * broken for what can be read only once (standard input, pipes) and for a file that
 * cannot be opened any more. */
int source_rewind(struct source *source, struct err *err);

/* Writes the sha256 of the bytes on disk to `hex`.  This ends the pass: no lines are
 * left until source_rewind(). */
int source_sha256(struct source *source, char hex[65], struct err *err);

void source_close(struct source *source);

#endif
