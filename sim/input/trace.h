/* trace: the requests of a file, one at a time, in the file's order.
 *
 * Streams: memory does not grow with the file.  Plain, gzip and zstd files and "-" for
 * standard input; the format is told by the first line.  Formats are one file each
 * (trace_azure.c, trace_mooncake.c, trace_plain.c, ...) and one line in trace_format.h.  Nothing a file holds can
 * crash or hang the reader: every fault is one sentence with file, line and column.
 */
#ifndef SERVESIM_INPUT_TRACE_H
#define SERVESIM_INPUT_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* One request as the file has it.  Texts are valid until the next trace_next(). */
struct trace_row {
    int64_t line;           /* in the file, the header being line 1 */
    int64_t arrival_ns;     /* Azure: after the first row was shifted to 0 */
    int64_t prompt_tokens;  /* at least 1 */
    int64_t output_tokens;  /* at least 1 */
    int64_t priority;       /* 0 if the file has none */
    const char *request_id; /* NULL if the file has none; at most 64 bytes each */
    const char *tenant;
    const char *session_id;
    const char *prefix;    /* requests with the same one begin with the same prompt: */
    int64_t prefix_tokens; /* so many tokens of it; 0: all that both have */
    int64_t deadline_ns;   /* after the arrival; -1 if the file has none */
    const int64_t
        *hash_ids; /* texts of hash_tokens each that the prompt consists of, the
                                last one cut off; NULL if the file has none */
    int64_t n_hash_ids;
    int64_t hash_tokens; /* 0 if the format has none */
    const char *model;   /* that it asks for, its class, its adapter: labels likewise */
    const char *class;
    const char *adapter;
    const char
        *parent_id;   /* request_ids of earlier rows that it waits for, separated by
                              one blank; at most TRACE_PARENT_BYTES; or NULL */
    int64_t think_ns; /* that it is sent after that one has left; 0: at once */
    int64_t reasoning_tokens; /* of its output, which come before the answer */
};

enum { TRACE_LABEL_BYTES = 64, TRACE_PARENT_BYTES = 1024 };

struct trace;

/* Opens `path` ("-": standard input) and reads its header.  `format`: the name of one, or
 * NULL or "auto" for the one that the first line tells.  `skip_bad_rows`: a row that
 * cannot be read is counted instead of being an error (see trace_skipped). NULL and `err`
 * filled if it cannot be opened, is empty, has no header this program knows or not that
 * of `format`. */
struct trace *trace_open(const char *path, const char *format, bool skip_bad_rows,
                         struct err *err);

/* The next request: 1 and `row` filled, 0 at the end, -1 and `err` filled (it means
 * nothing after 1 and 0).  Empty lines at the end of the file are fine.  Rows in the
 * wrong order of time, negative or unreadable numbers, wrong numbers of columns, NUL
 * bytes, lines over 1 MiB, a broken or cut-off compressed stream: all are -1. */
int trace_next(struct trace *trace, struct trace_row *row, struct err *err);

/* From now on rows outside this time are passed over, and arrivals count from `from_ns`;
 * until_ns = 0: to the end. */
void trace_keep(struct trace *trace, int64_t from_ns, int64_t until_ns);

/* Back to the first request; -1 and `err` for standard input or a file that vanished. */
int trace_rewind(struct trace *trace, struct err *err);

/* Rows passed over in this pass because of skip_bad_rows; *first_line and *reason are of
 * the first one (for a warning) if there is any. */
int64_t trace_skipped(const struct trace *trace, int64_t *first_line,
                      const char **reason);

/* Requests of this pass that failed when the trace was taken: they are kept apart, for
 * nobody knows what they would have asked for, and trace_next() does not give them.
 * *first_line is of the first one if there is any. */
int64_t trace_failed(const struct trace *trace, int64_t *first_line);

/* Why the i-th of them (from 0) was passed over; NULL if there is none, or i is
 * TRACE_REASONS or more. */
enum { TRACE_REASONS = 10 };
const char *trace_skipped_reason(const struct trace *trace, int64_t i);

/* After a pass that gave nothing: -1, and why in `err`. */
int trace_refuse_empty(const struct trace *trace, struct err *err);

/* Columns of this format that the file has and this version does not simulate, joined by
 * ", " (for a warning), or "". */
const char *trace_ignored_columns(const struct trace *trace);

/* Whether the file says when requests arrive; if not, all do at 0. */
bool trace_has_arrivals(const struct trace *trace);

/* Writes the sha256 of all bytes of the file as they are on disk (64 hex digits and a
 * NUL).  This ends the pass: no rows are left until trace_rewind(). */
int trace_sha256(struct trace *trace, char hex[65], struct err *err);

void trace_close(struct trace *trace);

#endif
