/* Vidur's format. */
#include <inttypes.h>

#include "input/trace_write.h"

static int write_header(const struct trace_writer *writer)
{
    return fputs("arrived_at,num_prefill_tokens,num_decode_tokens\n", writer->out);
}

static int write_row(const struct trace_writer *writer, const struct trace_row *row)
{
    return trace_write_short_seconds(writer->out, row->arrival_ns) < 0
               ? -1
               : fprintf(writer->out, ",%" PRId64 ",%" PRId64 "\n", row->prompt_tokens,
                         row->output_tokens);
}

const struct trace_write_format trace_write_vidur = {
    .name = "vidur",
    .help = "Vidur's traces",
    .unit_ns = 1,
    .header = write_header,
    .row = write_row,
};
