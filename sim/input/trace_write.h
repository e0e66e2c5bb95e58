/* trace_write: rows as the lines of a trace file.
 *
 * A format that can be written is a struct trace_write_format and a line in
 * TRACE_WRITE_FORMATS.  What a row has and its format has no place for is left out:
 * whoever writes says beforehand which columns there are and can ask what is lost.
 */
#ifndef SERVESIM_INPUT_TRACE_WRITE_H
#define SERVESIM_INPUT_TRACE_WRITE_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "input/trace.h"

/* What rows may tell beside arrival, prompt and output: bits. */
enum trace_write_columns {
    TRACE_WRITE_REQUEST_ID = 1 << 0,
    TRACE_WRITE_TENANT = 1 << 1,
    TRACE_WRITE_PRIORITY = 1 << 2,
    TRACE_WRITE_SESSION_ID = 1 << 3,
    TRACE_WRITE_PARENT_ID = 1 << 4, /* and think_s */
    TRACE_WRITE_PREFIX = 1 << 5,    /* and prefix_tokens */
    TRACE_WRITE_DEADLINE = 1 << 6,
    TRACE_WRITE_MODEL = 1 << 7,
    TRACE_WRITE_CLASS = 1 << 8,
    TRACE_WRITE_ADAPTER = 1 << 9,
    TRACE_WRITE_REASONING = 1 << 10,
    TRACE_WRITE_HASH_IDS = 1 << 11,
};

struct trace_writer;

struct trace_write_format {
    const char *name;
    const char *help;
    uint32_t columns; /* those that it has a place for */
    /* Each returns less than 0 if the stream failed. */
    int (*header)(const struct trace_writer *writer);
    int (*row)(const struct trace_writer *writer, const struct trace_row *row);
};

extern const struct trace_write_format trace_write_plain;

struct trace_writer {
    const struct trace_write_format *format;
    uint32_t columns; /* that are written */
    FILE *out;
};

/* Writes what stands above the rows.  -1 and `err` if the stream failed. */
int trace_write_begin(struct trace_writer *writer,
                      const struct trace_write_format *format, uint32_t columns,
                      FILE *out, struct err *err);
int trace_write_row(const struct trace_writer *writer, const struct trace_row *row,
                    struct err *err);

/* Flushes the stream. */
int trace_write_end(const struct trace_writer *writer, struct err *err);

#endif
