/* trace_convert: a trace in another format.
 *
 * Streams: memory does not grow with the trace.  A format whose first line names its
 * columns is written in a second pass, for only all rows together tell which there are.
 */
#ifndef SERVESIM_STUDY_TRACE_CONVERT_H
#define SERVESIM_STUDY_TRACE_CONVERT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "input/trace_write.h"

struct trace_convert_options {
    const char *path;   /* "-": standard input */
    const char *format; /* of the trace; NULL: as its first line tells */
    const struct trace_write_format *to;
    bool skip_bad_rows;
    const volatile sig_atomic_t *interrupted; /* becomes 1 to stop; NULL: never */
};

struct trace_convert {
    const struct trace_convert_options *options;
    struct trace *trace;
    uint32_t columns; /* that some row has */
    int64_t n_rows;
    int64_t n_rounded; /* whose time the format cannot say exactly */
    int64_t first_ns;
};

/* Opens the trace, and reads it once where that is needed; -1 and `err`.  Otherwise
 * trace_convert_close() it. */
int trace_convert_open(struct trace_convert *convert,
                       const struct trace_convert_options *options, struct err *err);

/* Writes all rows; -1 and `err`. */
int trace_convert_write(struct trace_convert *convert, FILE *out, struct err *err);

/* What was lost on the way, as warnings. */
void trace_convert_warn(const struct trace_convert *convert, FILE *out);

void trace_convert_close(struct trace_convert *convert);

#endif
