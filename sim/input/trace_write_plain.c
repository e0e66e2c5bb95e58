/* Our own CSV: its optional columns in the order of the manual's table. */
#include <inttypes.h>

#include "input/trace_write.h"

static const char *const names[] = {"request_id",
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

enum { N_NAMES = sizeof names / sizeof names[0] };

static int write_header(const struct trace_writer *writer)
{
    int status = fputs("arrival_s,prompt_tokens,output_tokens", writer->out);
    for (int i = 0; i < N_NAMES && status >= 0; i++) {
        if ((writer->columns & (1U << i)) != 0) {
            status = fprintf(writer->out, ",%s", names[i]);
        }
    }
    return status < 0 ? status : fputs("\n", writer->out);
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
                   : trace_write_seconds(out, row->think_ns);
    case TRACE_WRITE_PREFIX:
        return row->prefix == NULL ? fputs(",,", out)
               : row->prefix_tokens == 0
                   ? fprintf(out, ",%s,", row->prefix)
                   : fprintf(out, ",%s,%" PRId64, row->prefix, row->prefix_tokens);
    case TRACE_WRITE_DEADLINE:
        return row->deadline_ns < 0  ? fputs(",", out)
               : fputs(",", out) < 0 ? -1
                                     : trace_write_seconds(out, row->deadline_ns);
    case TRACE_WRITE_MODEL:
        return write_label(out, row->model);
    case TRACE_WRITE_CLASS:
        return write_label(out, row->class);
    case TRACE_WRITE_ADAPTER:
        return write_label(out, row->adapter);
    case TRACE_WRITE_REASONING:
        return fprintf(out, ",%" PRId64, row->reasoning_tokens);
    case TRACE_WRITE_HASH_IDS: /* it has no place for these */
    case TRACE_WRITE_HASHED_IDS:
        break;
    }
    return 0;
}

static int write_row(const struct trace_writer *writer, const struct trace_row *row)
{
    FILE *out = writer->out;
    int status = trace_write_seconds(out, row->arrival_ns);
    if (status >= 0) {
        status = fprintf(out, ",%" PRId64 ",%" PRId64, row->prompt_tokens,
                         row->output_tokens);
    }
    for (int i = 0; i < N_NAMES && status >= 0; i++) {
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
    .has_header = true,
    .unit_ns = 1,
    .header = write_header,
    .row = write_row,
};
