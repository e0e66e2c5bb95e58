#include "study/trace_convert.h"

#include <inttypes.h>
#include <string.h>

static int check_interrupt(const struct trace_convert *convert, struct err *err)
{
    const volatile sig_atomic_t *interrupted = convert->options->interrupted;
    return interrupted != NULL && *interrupted
               ? err_set(err, "interrupted: nothing was written")
               : 0;
}

/* The trace as messages name it. */
static const char *name_of(const struct trace_convert *convert)
{
    const char *path = convert->options->path;
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* Which columns there are. */
static int scan(struct trace_convert *convert, struct err *err)
{
    struct trace_row row;
    int got;
    while ((got = trace_next(convert->trace, &row, err)) > 0) {
        convert->columns |= trace_write_columns(&row);
        if (check_interrupt(convert, err) != 0) {
            return -1;
        }
    }
    return got < 0 ? -1 : trace_rewind(convert->trace, err);
}

int trace_convert_open(struct trace_convert *convert,
                       const struct trace_convert_options *options, struct err *err)
{
    *convert = (struct trace_convert){.options = options};
    if (options->to->has_header && strcmp(options->path, "-") == 0) {
        return err_set(
            err,
            "the columns of %s are known when all rows were read, and standard "
            "input cannot be read twice: give a file",
            options->to->name);
    }
    convert->trace =
        trace_open(options->path, options->format, options->skip_bad_rows, err);
    if (convert->trace == NULL) {
        return -1;
    }
    if (options->to->has_header && scan(convert, err) != 0) {
        trace_convert_close(convert);
        return -1;
    }
    return 0;
}

/* Counts what the row loses. */
static void look(struct trace_convert *convert, const struct trace_row *row)
{
    int64_t unit_ns = convert->options->to->unit_ns;
    bool waits = (convert->options->to->columns & TRACE_WRITE_PARENT_ID) != 0;
    if (convert->n_rows == 0) {
        convert->first_ns = row->arrival_ns;
    }
    convert->n_rows++;
    convert->n_rounded +=
        row->arrival_ns % unit_ns != 0 || (waits && row->think_ns % unit_ns != 0);
    convert->columns |= trace_write_columns(row);
}

int trace_convert_write(struct trace_convert *convert, FILE *out, struct err *err)
{
    struct trace_writer writer;
    struct trace_row row;
    int got;
    if (trace_write_begin(&writer, convert->options->to, convert->columns, out, err) !=
        0) {
        return -1;
    }
    while ((got = trace_next(convert->trace, &row, err)) > 0) {
        look(convert, &row);
        if (check_interrupt(convert, err) != 0 ||
            trace_write_row(&writer, &row, err) != 0) {
            return -1;
        }
    }
    if (got < 0) {
        return -1;
    }
    return convert->n_rows > 0 ? trace_write_end(&writer, err)
                               : trace_refuse_empty(convert->trace, err);
}

static const char *plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

static void warn_rows(const struct trace_convert *convert, FILE *out)
{
    const char *path = name_of(convert);
    const char *reason;
    int64_t line;
    int64_t n = trace_skipped(convert->trace, &line, &reason);
    if (n > 0) {
        fprintf(out, "servesim: warning: %s: %" PRId64 " bad %s, the first: %s\n", path,
                n, plural(n, "row was skipped", "rows were skipped"), reason);
    }
    n = trace_failed(convert->trace, &line);
    if (n > 0) {
        fprintf(out,
                "servesim: warning: %s: %" PRId64 " %s when the trace was taken and "
                "left out, the first in line %" PRId64 "\n",
                path, n, plural(n, "request failed", "requests failed"), line);
    }
}

void trace_convert_warn(const struct trace_convert *convert, FILE *out)
{
    const struct trace_write_format *to = convert->options->to;
    const char *path = name_of(convert);
    const char *ignored = trace_ignored_columns(convert->trace);
    bool in_ms = to->unit_ns % 1000000 == 0;
    char names[TRACE_WRITE_NAMES];
    trace_write_names(convert->columns & ~to->columns, names);
    warn_rows(convert, out);
    if (!trace_has_arrivals(convert->trace)) {
        fprintf(
            out,
            "servesim: warning: %s: does not say when requests arrive: all do at 0\n",
            path);
    }
    if (ignored[0] != '\0') {
        fprintf(out, "servesim: warning: %s: not read: %s\n", path, ignored);
    }
    if (names[0] != '\0') {
        fprintf(out, "servesim: warning: %s: left out: %s\n", path, names);
    }
    if (convert->n_rounded > 0) {
        fprintf(out,
                "servesim: warning: %s: the times of %" PRId64 " of %" PRId64
                " requests were rounded to %" PRId64 " %s\n",
                path, convert->n_rounded, convert->n_rows,
                in_ms ? to->unit_ns / 1000000 : to->unit_ns, in_ms ? "ms" : "ns");
    }
    if (to->first_ns > 0 && convert->first_ns >= to->first_ns) {
        fprintf(out,
                "servesim: warning: %s: the first request arrives at %" PRId64
                " ns, and at %" PRId64 " when this is read again\n",
                path, convert->first_ns, convert->first_ns % to->first_ns);
    }
}

void trace_convert_close(struct trace_convert *convert)
{
    if (convert->trace != NULL) {
        trace_close(convert->trace);
        convert->trace = NULL;
    }
}
