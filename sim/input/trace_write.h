/* trace_write: rows as the lines of a trace file.
 *
 * A format that can be written is one file, trace_write_NAME.c, with a struct
 * trace_write_format, and a line in TRACE_WRITE_FORMATS.  What a row has and its format has
 * no place for is left out: whoever writes says beforehand which columns there are and can
 * ask what is lost.
 */
#ifndef SERVESIM_INPUT_TRACE_WRITE_H
#define SERVESIM_INPUT_TRACE_WRITE_H

#include <stdbool.h>
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
    TRACE_WRITE_HASH_IDS = 1 << 11,   /* of 512 tokens */
    TRACE_WRITE_HASHED_IDS = 1 << 12, /* of other blocks */
};

enum { TRACE_WRITE_HASH_TOKENS = 512 };

struct trace_writer;

struct trace_write_format {
    const char *name;
    const char *help;
    uint32_t columns; /* those that it has a place for */
    bool has_header;  /* which names the columns: they must be known beforehand */
    int64_t first_ns; /* whoever reads it takes whole multiples of this out of the first
                         arrival, and out of all others; 0: nothing */
    int64_t unit_ns;  /* arrivals and waits are rounded to this, half up */
    /* Each returns less than 0 if the stream failed. */
    int (*header)(const struct trace_writer *writer);
    int (*row)(const struct trace_writer *writer, const struct trace_row *row);
};

#define TRACE_WRITE_FORMATS(X)   \
    X(trace_write_plain)         \
    X(trace_write_azure)         \
    X(trace_write_burstgpt)      \
    X(trace_write_llmservingsim) \
    X(trace_write_mooncake)      \
    X(trace_write_splitwise)     \
    X(trace_write_vidur)

#define TRACE_WRITE_DECLARE(format) extern const struct trace_write_format format;
TRACE_WRITE_FORMATS(TRACE_WRITE_DECLARE)
#undef TRACE_WRITE_DECLARE

struct trace_writer {
    const struct trace_write_format *format;
    uint32_t columns; /* that are written */
    int64_t n_rows;   /* so far */
    FILE *out;
};

/* The format of that name; NULL and `err`, which names all, if there is none. */
const struct trace_write_format *trace_write_find(const char *name, struct err *err);

/* What the row tells. */
uint32_t trace_write_columns(const struct trace_row *row);

/* The names of columns, joined by ", ". */
enum { TRACE_WRITE_NAMES = 256 };
void trace_write_names(uint32_t columns, char text[TRACE_WRITE_NAMES]);

/* Writes what stands above the rows.  -1 and `err` if the stream failed. */
int trace_write_begin(struct trace_writer *writer,
                      const struct trace_write_format *format, uint32_t columns,
                      FILE *out, struct err *err);
int trace_write_row(struct trace_writer *writer, const struct trace_row *row,
                    struct err *err);

/* Flushes the stream. */
int trace_write_end(const struct trace_writer *writer, struct err *err);

/* What formats have in common.  Seconds with nine decimals, or as few as there are; a label
 * as a string of JSON; a time in units, half up. */
int trace_write_seconds(FILE *out, int64_t ns);
int trace_write_short_seconds(FILE *out, int64_t ns);
int trace_write_string(FILE *out, const char *label);
int64_t trace_write_units(int64_t ns, int64_t unit_ns);

#endif
