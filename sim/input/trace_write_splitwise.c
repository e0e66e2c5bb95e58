/* splitwise-sim's format.  Its ids are integers, so rows are counted; type 2 is what it
 * calls a request to a language model. */
#include <inttypes.h>

#include "input/trace_write.h"

static int write_header(const struct trace_writer *writer)
{
    return fputs("request_id,request_type,application_id,arrival_timestamp,batch_size,"
                 "prompt_size,token_size\n",
                 writer->out);
}

static int write_row(const struct trace_writer *writer, const struct trace_row *row)
{
    FILE *out = writer->out;
    if (fprintf(out, "%" PRId64 ",2,0,", writer->n_rows) < 0 ||
        trace_write_short_seconds(out, row->arrival_ns) < 0) {
        return -1;
    }
    return fprintf(out, ",1,%" PRId64 ",%" PRId64 "\n", row->prompt_tokens,
                   row->output_tokens);
}

const struct trace_write_format trace_write_splitwise = {
    .name = "splitwise",
    .help = "splitwise-sim's traces",
    .unit_ns = 1,
    .header = write_header,
    .row = write_row,
};
