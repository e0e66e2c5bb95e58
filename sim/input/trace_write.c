#include "input/trace_write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { NS_PER_S = 1000000000 };

static int write_failed(struct err *err)
{
    return err_set(err, "the trace cannot be written: %s", strerror(errno));
}

int trace_write_begin(struct trace_writer *writer,
                      const struct trace_write_format *format, uint32_t columns,
                      FILE *out, struct err *err)
{
    *writer = (struct trace_writer){
        .format = format, .columns = columns & format->columns, .out = out};
    return format->header(writer) < 0 ? write_failed(err) : 0;
}

int trace_write_row(const struct trace_writer *writer, const struct trace_row *row,
                    struct err *err)
{
    return writer->format->row(writer, row) < 0 ? write_failed(err) : 0;
}

int trace_write_end(const struct trace_writer *writer, struct err *err)
{
    return fflush(writer->out) != 0 ? write_failed(err) : 0;
}

/* The plain format: its optional columns in the order of the manual's table. */
static const char *const plain_names[] = {"request_id",
                                          "tenant",
                                          "priority",
                                          "session_id",
                                          "parent_id,think_s",
                                          "prefix_hash,prefix_tokens",
                                          "deadline_s",
                                          "model",
                                          "class",
                                          "adapter",
                                          "reasoning_tokens"};

enum { N_PLAIN = sizeof plain_names / sizeof plain_names[0] };

static int plain_header(const struct trace_writer *writer)
{
    int status = fputs("arrival_s,prompt_tokens,output_tokens", writer->out);
    for (int i = 0; i < N_PLAIN && status >= 0; i++) {
        if ((writer->columns & (1U << i)) != 0) {
            status = fprintf(writer->out, ",%s", plain_names[i]);
        }
    }
    return status < 0 ? status : fputs("\n", writer->out);
}

static int write_time(FILE *out, int64_t ns)
{
    return fprintf(out, "%" PRId64 ".%09" PRId64, ns / NS_PER_S, ns % NS_PER_S);
}

static int write_label(FILE *out, const char *label)
{
    return fprintf(out, ",%s", label != NULL ? label : "");
}

static int write_column(FILE *out, uint32_t column, const struct trace_row *row)
{
    switch ((enum trace_write_columns)column) {
    case TRACE_WRITE_REQUEST_ID:
        return write_label(out, row->request_id);
    case TRACE_WRITE_TENANT:
        return write_label(out, row->tenant);
    case TRACE_WRITE_PRIORITY:
        return fprintf(out, ",%" PRId64, row->priority);
    case TRACE_WRITE_SESSION_ID:
        return write_label(out, row->session_id);
    case TRACE_WRITE_PARENT_ID:
        if (row->parent_id == NULL) {
            return fputs(",,", out);
        }
        return fprintf(out, ",%s,", row->parent_id) < 0
                   ? -1
                   : write_time(out, row->think_ns);
    case TRACE_WRITE_PREFIX:
        return row->prefix == NULL ? fputs(",,", out)
               : row->prefix_tokens == 0
                   ? fprintf(out, ",%s,", row->prefix)
                   : fprintf(out, ",%s,%" PRId64, row->prefix, row->prefix_tokens);
    case TRACE_WRITE_DEADLINE:
        return row->deadline_ns < 0  ? fputs(",", out)
               : fputs(",", out) < 0 ? -1
                                     : write_time(out, row->deadline_ns);
    case TRACE_WRITE_MODEL:
        return write_label(out, row->model);
    case TRACE_WRITE_CLASS:
        return write_label(out, row->class);
    case TRACE_WRITE_ADAPTER:
        return write_label(out, row->adapter);
    case TRACE_WRITE_REASONING:
        return fprintf(out, ",%" PRId64, row->reasoning_tokens);
    case TRACE_WRITE_HASH_IDS: /* it has no place for these */
        break;
    }
    return 0;
}

static int plain_row(const struct trace_writer *writer, const struct trace_row *row)
{
    FILE *out = writer->out;
    int status = write_time(out, row->arrival_ns);
    if (status >= 0) {
        status = fprintf(out, ",%" PRId64 ",%" PRId64, row->prompt_tokens,
                         row->output_tokens);
    }
    for (int i = 0; i < N_PLAIN && status >= 0; i++) {
        if ((writer->columns & (1U << i)) != 0) {
            status = write_column(out, 1U << i, row);
        }
    }
    return status < 0 ? status : fputs("\n", out);
}

const struct trace_write_format trace_write_plain = {
    .name = "plain",
    .help = "our own CSV",
    .columns = TRACE_WRITE_HASH_IDS - 1,
    .header = plain_header,
    .row = plain_row,
};
