/* The format of Microsoft's traces.  It knows a date, and here none is known: the trace
 * begins on the day that clocks count from. */
#include <inttypes.h>
#include <time.h>

#include "input/trace_write.h"

enum { UNIT_NS = 100, UNITS_PER_S = 10000000 };

static int write_header(const struct trace_writer *writer)
{
    return fputs("TIMESTAMP,ContextTokens,GeneratedTokens\n", writer->out);
}

static int write_row(const struct trace_writer *writer, const struct trace_row *row)
{
    int64_t units = trace_write_units(row->arrival_ns, UNIT_NS);
    time_t second = (time_t)(units / UNITS_PER_S);
    struct tm time;
    char text[32];
    gmtime_r(&second, &time);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &time);
    return fprintf(writer->out, "%s.%07" PRId64 ",%" PRId64 ",%" PRId64 "\n", text,
                   units % UNITS_PER_S, row->prompt_tokens, row->output_tokens);
}

const struct trace_write_format trace_write_azure = {
    .name = "azure",
    .help = "Microsoft's traces of 2023 and 2024",
    .first_ns = 1,
    .unit_ns = UNIT_NS,
    .header = write_header,
    .row = write_row,
};
