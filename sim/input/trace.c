#include "input/trace.h"

#include "base/memory.h"
#include "input/source.h"
#include "input/trace_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 64 };

struct trace {
    struct source *source;
    const struct trace_format *format;
    void *state;              /* of the format */
    struct source_line again; /* a line with a request that is not read yet */
    bool has_again;

    int64_t arrival_ns; /* of the row above, and as it stands in the file */
    char arrival[SHOWN_BYTES];
    size_t arrival_length;

    int64_t from_ns; /* what is kept: trace_keep() */
    int64_t until_ns;

    bool skip_bad_rows;
    int64_t n_skipped;
    int64_t first_skipped_line;
    struct err reasons[TRACE_REASONS]; /* of the first ones */

    int64_t n_failed; /* trace_failed() */
    int64_t first_failed_line;
};

static void strip_byte_order_mark(struct source_line *line)
{
    if (line->length >= 3 && memcmp(line->text, "\xef\xbb\xbf", 3) == 0) {
        line->text += 3;
        line->length -= 3;
    }
}

static void strip_carriage_return(struct source_line *line)
{
    if (line->length > 0 && line->text[line->length - 1] == '\r') {
        line->length--;
    }
}

static void end_format(struct trace *trace)
{
    if (trace->state != NULL && trace->format != NULL &&
        trace->format->release != NULL) {
        trace->format->release(trace->state);
    }
    free(trace->state);
}

static void begin_format(struct trace *trace, const struct source_line *line)
{
    end_format(trace);
    trace->state = memory_new(1, trace->format->state_bytes);
    trace->again = *line;
    trace->has_again = trace->format->has_no_header;
}

/* Files that are no lines: requests come from a line that stands for all of them. */
static int begin_all(struct trace *trace, struct source_line *line, struct err *err)
{
    line->length = 1;
    begin_format(trace, line);
    int result = trace->format->read_all(trace->state, trace->source, err);
    trace->has_again = result > 0;
    return result < 0 ? -1 : 0;
}

static int begin_lines(struct trace *trace, struct err *err)
{
    struct source_line line;
    if (source_next(trace->source, &line, err) < 0) {
        return -1;
    }
    strip_byte_order_mark(&line);
    strip_carriage_return(&line);
    if (trace->format == NULL) {
        trace->format = trace_format_of_line(&line, err);
    }
    if (trace->format == NULL) {
        return -1;
    }
    begin_format(trace, &line);
    return trace->format->header(trace->state, &line, err);
}

/* Reads how the file begins and gets ready for the first request. */
static int begin_pass(struct trace *trace, struct err *err)
{
    struct source_line start;
    int result = source_peek(trace->source, &start, err);
    if (result == 0) {
        return err_set(err, "%s: the file is empty", source_name(trace->source));
    }
    if (result < 0) {
        return -1;
    }
    trace->arrival_ns = INT64_MIN;
    trace->n_skipped = 0;
    trace->n_failed = 0;
    if (trace->format == NULL) {
        trace->format = trace_format_of_start(&start);
    }
    return trace->format != NULL && trace->format->read_all != NULL
               ? begin_all(trace, &start, err)
               : begin_lines(trace, err);
}

struct trace *trace_open(const char *path, const char *format, bool skip_bad_rows,
                         struct err *err)
{
    if (!trace_format_known(format, err)) {
        return NULL;
    }
    struct source *source = source_open(path, err);
    if (source == NULL) {
        return NULL;
    }
    struct trace *trace = memory_new(1, sizeof *trace);
    trace->source = source;
    trace->format = trace_format_find(format);
    trace->skip_bad_rows = skip_bad_rows;
    if (begin_pass(trace, err) != 0) {
        trace_close(trace);
        return NULL;
    }
    return trace;
}

static int check_order(struct trace *trace, const struct source_line *line,
                       const struct trace_row *row, const struct trace_field *arrival,
                       struct err *err)
{
    size_t length = arrival->length < SHOWN_BYTES ? arrival->length : SHOWN_BYTES;
    if (row->arrival_ns < trace->arrival_ns) {
        return err_at(
            err, line->file, line->number,
            "%s: %.*s is before the row above (%.*s): rows must be in order of "
            "time",
            trace->format->arrival, (int)length, arrival->text,
            (int)trace->arrival_length, trace->arrival);
    }
    trace->arrival_ns = row->arrival_ns;
    if (length > 0) { /* it may be that of the row above */
        memcpy(trace->arrival, arrival->text, length);
        trace->arrival_length = length;
    }
    return 0;
}

static int read_row(struct trace *trace, const struct source_line *line,
                    struct trace_row *row, struct err *err)
{
    struct trace_field arrival;
    *row = (struct trace_row){.line = line->number, .deadline_ns = -1};
    int result = trace->format->row(trace->state, line, row, &arrival, err);
    trace->has_again =
        trace->format->again != NULL && trace->format->again(trace->state);
    if (trace->has_again) {
        trace->again = *line;
    }
    if (result == TRACE_NO_ROW) {
        return result;
    }
    if (result < 0 || check_order(trace, line, row, &arrival, err) != 0) {
        return -1;
    }
    return result;
}

/* Counts a request that failed, if it is of the time that is kept. */
static void keep_apart(struct trace *trace, const struct trace_row *row)
{
    if (row->arrival_ns < trace->from_ns ||
        (trace->until_ns > 0 && row->arrival_ns >= trace->until_ns)) {
        return;
    }
    if (trace->n_failed++ == 0) {
        trace->first_failed_line = row->line;
    }
}

/* Counts a bad line and returns 0 if such lines are to be passed over, else -1. */
static int skip(struct trace *trace, int64_t line, const struct err *err)
{
    if (!trace->skip_bad_rows) {
        return -1;
    }
    if (trace->n_skipped == 0) {
        trace->first_skipped_line = line;
    }
    if (trace->n_skipped < TRACE_REASONS) {
        trace->reasons[trace->n_skipped] = *err;
    }
    trace->n_skipped++;
    return 0;
}

/* Empty lines at the end of the file are fine, so they are bad only when more follows.
 */
static int skip_empty(struct trace *trace, int64_t first, int64_t n, struct err *err)
{
    struct err reason;
    err_at(&reason, source_name(trace->source), first, "the line is empty");
    if (skip(trace, first, &reason) != 0) {
        *err = reason;
        return -1;
    }
    for (int64_t i = 1; i < n; i++) {
        err_at(&reason, source_name(trace->source), first + i, "the line is empty");
        skip(trace, first + i, &reason);
    }
    return 0;
}

static int next_line(struct trace *trace, struct source_line *line, struct err *err)
{
    if (trace->has_again) {
        trace->has_again = false;
        *line = trace->again;
        return 1;
    }
    return source_next(trace->source, line, err);
}

static int check_end(const struct trace *trace, struct err *err)
{
    const struct trace_format *format = trace->format;
    return format->end != NULL
               ? format->end(trace->state, source_name(trace->source), err)
               : 0;
}

static int next_row(struct trace *trace, struct trace_row *row, struct err *err)
{
    int64_t n_empty = 0;
    int64_t first_empty = 0;
    for (;;) {
        struct source_line line;
        int result = next_line(trace, &line, err);
        if (result == 0) {
            return check_end(trace, err);
        }
        if (source_broken(trace->source)) {
            return result;
        }
        if (result == 1) {
            strip_carriage_return(&line);
            if (line.length == 0) {
                first_empty = n_empty == 0 ? line.number : first_empty;
                n_empty++;
                continue;
            }
        }
        if (n_empty > 0 && skip_empty(trace, first_empty, n_empty, err) != 0) {
            return -1;
        }
        n_empty = 0;
        if (result == 1) {
            result = read_row(trace, &line, row, err);
            if (result == 0) {
                return 1;
            }
            if (result == TRACE_FAILED) {
                keep_apart(trace, row);
            }
            if (result > 0) {
                continue;
            }
        }
        if (skip(trace, source_line_number(trace->source), err) != 0) {
            return -1;
        }
    }
}

void trace_keep(struct trace *trace, int64_t from_ns, int64_t until_ns)
{
    trace->from_ns = from_ns;
    trace->until_ns = until_ns;
}

int trace_next(struct trace *trace, struct trace_row *row, struct err *err)
{
    int got;
    do {
        got = next_row(trace, row, err);
    } while (got > 0 && trace->from_ns > 0 && row->arrival_ns < trace->from_ns);
    if (got <= 0) {
        return got;
    }
    if (trace->until_ns > 0 && row->arrival_ns >= trace->until_ns) {
        return 0; /* rows are in order of time */
    }
    row->arrival_ns -= trace->from_ns;
    return 1;
}

int trace_rewind(struct trace *trace, struct err *err)
{
    return source_rewind(trace->source, err) == 0 ? begin_pass(trace, err) : -1;
}

int64_t trace_skipped(const struct trace *trace, int64_t *first_line,
                      const char **reason)
{
    *first_line = trace->first_skipped_line;
    *reason = trace->reasons[0].text;
    return trace->n_skipped;
}

int64_t trace_failed(const struct trace *trace, int64_t *first_line)
{
    *first_line = trace->first_failed_line;
    return trace->n_failed;
}

const char *trace_skipped_reason(const struct trace *trace, int64_t i)
{
    return i < TRACE_REASONS && i < trace->n_skipped ? trace->reasons[i].text : NULL;
}

int trace_refuse_empty(const struct trace *trace, struct err *err)
{
    const char *path = source_name(trace->source);
    if (trace->n_skipped > 0) {
        return err_set(err, "%s: all rows were skipped, the first: %.500s", path,
                       trace->reasons[0].text);
    }
    if (trace->n_failed > 0) {
        return err_set(err,
                       "%s: the trace holds no requests: %" PRId64
                       " failed when it was taken",
                       path, trace->n_failed);
    }
    bool is_cut = trace->from_ns > 0 || trace->until_ns > 0;
    return err_set(err, "%s: the trace holds no requests%s", path,
                   is_cut ? " between [workload] from and until" : "");
}

const char *trace_ignored_columns(const struct trace *trace)
{
    return trace->format->ignored != NULL ? trace->format->ignored(trace->state) : "";
}

bool trace_has_arrivals(const struct trace *trace)
{
    const struct trace_format *format = trace->format;
    return format->has_arrivals == NULL || format->has_arrivals(trace->state);
}

int trace_sha256(struct trace *trace, char hex[65], struct err *err)
{
    return source_sha256(trace->source, hex, err);
}

void trace_close(struct trace *trace)
{
    source_close(trace->source);
    end_format(trace);
    free(trace);
}
