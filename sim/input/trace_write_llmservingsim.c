/* LLMServingSim's format: a line of JSON per request. */
#include <inttypes.h>

#include "input/trace_write.h"

static int write_row(const struct trace_writer *writer, const struct trace_row *row)
{
    FILE *out = writer->out;
    if (fprintf(out,
                "{\"input_toks\": %" PRId64 ", \"output_toks\": %" PRId64
                ", \"arrival_time_ns\": %" PRId64,
                row->prompt_tokens, row->output_tokens, row->arrival_ns) < 0) {
        return -1;
    }
    if (row->session_id != NULL && (fputs(", \"session_id\": ", out) < 0 ||
                                    trace_write_string(out, row->session_id) < 0)) {
        return -1;
    }
    return fputs("}\n", out);
}

const struct trace_write_format trace_write_llmservingsim = {
    .name = "llmservingsim",
    .help = "LLMServingSim's lines of JSON",
    .columns = TRACE_WRITE_SESSION_ID,
    .unit_ns = 1,
    .row = write_row,
};
