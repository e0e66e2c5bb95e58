/* BurstGPT's format, with a session where rows have one.  How long answers took is not
 * known, so that column is not there. */
#include <inttypes.h>

#include "input/trace_write.h"

static bool has_sessions(const struct trace_writer *writer)
{
    return (writer->columns & TRACE_WRITE_SESSION_ID) != 0;
}

static int write_header(const struct trace_writer *writer)
{
    return fprintf(writer->out,
                   "Timestamp,%sModel,Request tokens,Response tokens,Total tokens,"
                   "Log Type\n",
                   has_sessions(writer) ? "Session ID," : "");
}

static const char *text_of(const char *label)
{
    return label != NULL ? label : "";
}

static int write_row(const struct trace_writer *writer, const struct trace_row *row)
{
    FILE *out = writer->out;
    if (trace_write_short_seconds(out, row->arrival_ns) < 0 ||
        (has_sessions(writer) && fprintf(out, ",%s", text_of(row->session_id)) < 0)) {
        return -1;
    }
    return fprintf(out, ",%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\n",
                   text_of(row->model), row->prompt_tokens, row->output_tokens,
                   row->prompt_tokens + row->output_tokens, text_of(row->class));
}

const struct trace_write_format trace_write_burstgpt = {
    .name = "burstgpt",
    .help = "BurstGPT's traces",
    .columns = TRACE_WRITE_SESSION_ID | TRACE_WRITE_MODEL | TRACE_WRITE_CLASS,
    .has_header = true,
    .first_ns = INT64_C(86400) * 1000000000,
    .unit_ns = 1,
    .header = write_header,
    .row = write_row,
};
