/* trace_format: how one kind of trace file is read.
 *
 * A format is one file, trace_NAME.c, that exports one const struct trace_format, and
 * one line in TRACE_FORMATS.  It sees the first line and then each line that is not
 * empty, without its newline (the first one again if it is a request already); trace.c
 * does the rest: byte order mark, empty lines, order of time, rows that are skipped.  A
 * line may hold several requests, and a format whose files are no lines may read them as a
 * whole.
 */
#ifndef SERVESIM_INPUT_TRACE_FORMAT_H
#define SERVESIM_INPUT_TRACE_FORMAT_H

#include "input/source.h"
#include "input/trace.h"

/* A part of a line; the text is not closed by a NUL. */
struct trace_field {
    const char *text; /* NULL: the file has no such column */
    size_t length;
};

enum { TRACE_FAILED = 1, TRACE_NO_ROW = 2 };

struct trace_format {
    const char *name;
    const char *first_line; /* as a user would write it, for errors */
    const char *arrival;    /* the column that says when, for errors */
    bool has_no_header;     /* the first line is a request already */
    size_t state_bytes;     /* of zeroed memory that lives from header() to the end */

    /* Whether this is the first line of such a file; for read_all(), how the file begins,
     * cut off anywhere. */
    bool (*test)(const struct source_line *line);

    /* Instead of header(), for files that are no lines: reads all of the source.  1; 0 if
     * there is no request; -1 and `err`. NULL: the file is lines. */
    int (*read_all)(void *state, struct source *source, struct err *err);

    /* Reads the first line; -1 and `err` if it is not as it should be. */
    int (*header)(void *state, const struct source_line *line, struct err *err);

    /* Reads a request into the zeroed `row`, and where its arrival is written.  0, -1 and
     * `err`, TRACE_FAILED: only its arrival was read (trace_failed()), or TRACE_NO_ROW:
     * the line is part of a header. */
    int (*row)(void *state, const struct source_line *line, struct trace_row *row,
               struct trace_field *arrival, struct err *err);

    /* Whether row() has more requests of the line it was given; NULL: never.  It is given
     * the same line then. */
    bool (*again)(const void *state);

    /* Frees what the state holds; NULL: nothing. */
    void (*release)(void *state);

    /* Columns that are there and not simulated, joined by ", "; NULL: never any. */
    const char *(*ignored)(const void *state);

    /* Whether the file says when requests arrive; NULL: always. */
    bool (*has_arrivals)(const void *state);

    /* At the end of the file: -1 and `err` if something that must be there was not; NULL:
     * nothing must. */
    int (*end)(const void *state, const char *file, struct err *err);
};

/* The first one whose test() is true reads the file: ours, which share names of columns
 * with others, come last. */
#define TRACE_FORMATS(X)   \
    X(trace_azure)         \
    X(trace_burstgpt)      \
    X(trace_vidur)         \
    X(trace_splitwise)     \
    X(trace_tracev2)       \
    X(trace_vllm_bench)    \
    X(trace_llmservingsim) \
    X(trace_mooncake)      \
    X(trace_results)       \
    X(trace_plain)

#define TRACE_FORMAT_DECLARE(format) extern const struct trace_format format;
TRACE_FORMATS(TRACE_FORMAT_DECLARE)
#undef TRACE_FORMAT_DECLARE

/* The format of that name; NULL for NULL, "auto" and names of none. */
const struct trace_format *trace_format_find(const char *name);

/* The format with read_all() of a file that begins so, or NULL. */
const struct trace_format *trace_format_of_start(const struct source_line *start);

/* The format of a file with this first line; NULL and `err` if there is none. */
const struct trace_format *trace_format_of_line(const struct source_line *line,
                                                struct err *err);

/* Whether a format is called that (or it is NULL or "auto"); if not, `err` names all. */
bool trace_format_known(const char *name, struct err *err);

/* The i-th format and what its first line is, or NULL after the last one. */
const char *trace_format_name(int32_t i, const char **first_line);

#endif
