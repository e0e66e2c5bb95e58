#include "input/trace_write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/decimal.h"

#define TRACE_WRITE_ADDRESS(format) &format,
static const struct trace_write_format *const formats[] = {
    TRACE_WRITE_FORMATS(TRACE_WRITE_ADDRESS)};
#undef TRACE_WRITE_ADDRESS

enum { N_FORMATS = sizeof formats / sizeof formats[0], NS_PER_S = 1000000000 };

static int write_failed(struct err *err)
{
    return err_set(err, "the trace cannot be written: %s", strerror(errno));
}

const struct trace_write_format *trace_write_find(const char *name, struct err *err)
{
    char known[256];
    int used = 0;
    for (int i = 0; i < N_FORMATS; i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
        used += snprintf(known + used, sizeof known - (size_t)used, "%s%s",
                         i > 0 ? ", " : "", formats[i]->name);
    }
    err_set(err, "'%.64s' is no trace format that can be written: give one of %s", name,
            known);
    return NULL;
}

uint32_t trace_write_columns(const struct trace_row *row)
{
    uint32_t hashes = row->hash_tokens == TRACE_WRITE_HASH_TOKENS
                          ? TRACE_WRITE_HASH_IDS
                          : TRACE_WRITE_HASHED_IDS;
    return (row->request_id != NULL ? TRACE_WRITE_REQUEST_ID : 0U) |
           (row->tenant != NULL ? TRACE_WRITE_TENANT : 0U) |
           (row->priority != 0 ? TRACE_WRITE_PRIORITY : 0U) |
           (row->session_id != NULL ? TRACE_WRITE_SESSION_ID : 0U) |
           (row->parent_id != NULL ? TRACE_WRITE_PARENT_ID : 0U) |
           (row->prefix != NULL ? TRACE_WRITE_PREFIX : 0U) |
           (row->deadline_ns >= 0 ? TRACE_WRITE_DEADLINE : 0U) |
           (row->model != NULL ? TRACE_WRITE_MODEL : 0U) |
           (row->class != NULL ? TRACE_WRITE_CLASS : 0U) |
           (row->adapter != NULL ? TRACE_WRITE_ADAPTER : 0U) |
           (row->reasoning_tokens != 0 ? TRACE_WRITE_REASONING : 0U) |
           (row->hash_ids != NULL ? hashes : 0U);
}

void trace_write_names(uint32_t columns, char text[TRACE_WRITE_NAMES])
{
    static const char *const names[] = {"request_id",
                                        "tenant",
                                        "priority",
                                        "session_id",
                                        "parent_id",
                                        "prefix",
                                        "deadline_s",
                                        "model",
                                        "class",
                                        "adapter",
                                        "reasoning_tokens",
                                        "hash_ids",
                                        "hash_ids of other than 512 tokens"};
    int used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((columns & (1U << i)) != 0) {
            used += snprintf(text + used, TRACE_WRITE_NAMES - (size_t)used, "%s%s",
                             used > 0 ? ", " : "", names[i]);
        }
    }
}

int trace_write_begin(struct trace_writer *writer,
                      const struct trace_write_format *format, uint32_t columns,
                      FILE *out, struct err *err)
{
    *writer = (struct trace_writer){
        .format = format, .columns = columns & format->columns, .out = out};
    return format->header != NULL && format->header(writer) < 0 ? write_failed(err) : 0;
}

int trace_write_row(struct trace_writer *writer, const struct trace_row *row,
                    struct err *err)
{
    if (writer->format->row(writer, row) < 0) {
        return write_failed(err);
    }
    writer->n_rows++;
    return 0;
}

int trace_write_end(const struct trace_writer *writer, struct err *err)
{
    return fflush(writer->out) != 0 ? write_failed(err) : 0;
}

int trace_write_seconds(FILE *out, int64_t ns)
{
    return fprintf(out, "%" PRId64 ".%09" PRId64, ns / NS_PER_S, ns % NS_PER_S);
}

int trace_write_short_seconds(FILE *out, int64_t ns)
{
    char text[48];
    decimal_print(ns, 9, text);
    return fputs(text, out);
}

int trace_write_string(FILE *out, const char *label)
{
    int status = fputc('"', out);
    for (const char *at = label; *at != '\0' && status >= 0; at++) {
        status = *at == '\\' ? fputs("\\\\", out) : fputc(*at, out);
    }
    return status < 0 ? status : fputc('"', out);
}

int64_t trace_write_units(int64_t ns, int64_t unit_ns)
{
    return (ns + unit_ns / 2) / unit_ns;
}
