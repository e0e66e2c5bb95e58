#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "input/generate.h"
#include "output/whole.h"

enum own { TO };

static const struct command_option own_options[] = {
    [TO] = {"to", true, "the format: plain (the default), azure, mooncake ..."},
    {.name = NULL},
};

struct asked {
    const struct generate_spec *spec;
    const struct trace_write_format *to;
    const volatile sig_atomic_t *interrupted;
};

static int write_trace(const void *context, FILE *out, struct err *err)
{
    const struct asked *asked = context;
    return generate_write_as(asked->spec, asked->to, out, asked->interrupted, err);
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct generate_spec spec;
    struct err err;
    const char *to = line->own[TO] != NULL ? line->own[TO] : "plain";
    const struct trace_write_format *format = trace_write_find(to, &err);
    if (format == NULL) {
        fprintf(stderr, "servesim: --to: %s\n", err.text);
        return COMMAND_FAILED;
    }
    int status = generate_read(&spec, line->operands[0], line->overrides,
                               line->n_overrides, &arena, &err);
    if (status == 0) {
        struct asked asked = {
            .spec = &spec, .to = format, .interrupted = line->interrupted};
        errno = 0;
        status = line->output == NULL || strcmp(line->output, "-") == 0
                     ? write_trace(&asked, stdout, &err)
                     : whole_write(line->output, write_trace, &asked, &err);
        if (status != 0 && line->output == NULL && errno == EPIPE) {
            status = 0; /* as in `servesim gen ... | head`: nobody wants to know */
        }
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_gen = {
    .name = "gen",
    .arguments = "WORKLOAD.ini [-o FILE] [--to FORMAT] [-s section.key=value]...",
    .summary = "Generates a trace from the description of a workload",
    .help =
        "Writes arrival_s,prompt_tokens,output_tokens, and columns of sessions, "
        "tenants\n"
        "and what else is described, to FILE, or to standard output.  A\n"
        "FILE that ends with .gz or .zst is compressed.  The same seed gives the same "
        "trace.\n"
        "--to writes it as other programs read traces: see `servesim trace "
        "convert`.\n\n"
        "  servesim gen configs/workloads/azure-conv-2023.ini -o trace.csv\n"
        "  servesim gen configs/workloads/poisson.ini -s workload.seed=7 -o "
        "trace.csv.gz\n",
    .options = "os",
    .own = own_options,
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
