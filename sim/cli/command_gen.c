#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "input/generate.h"
#include "output/compressed.h"

/* Writes the trace beside `path` and puts it in place when it is whole. */
static int write_file(const struct generate_spec *spec, const char *path,
                      struct err *err)
{
    char temporary[600];
    if (snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid()) >=
        (int)sizeof temporary) {
        return err_set(err, "-o %.400s...: the path is too long", path);
    }
    FILE *out = compressed_open(temporary, path, err);
    if (out == NULL) {
        return -1;
    }
    int status = generate_write(spec, out, err);
    if (fclose(out) != 0 && status == 0) {
        status = err_set(err, "-o %s: cannot write: %s", path, strerror(errno));
    }
    if (status == 0 && rename(temporary, path) != 0) {
        status = err_set(err, "-o %s: cannot put the trace in place: %s", path,
                         strerror(errno));
    }
    if (status != 0) {
        unlink(temporary);
    }
    return status;
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct generate_spec spec;
    struct err err;
    int status = generate_read(&spec, line->operands[0], line->overrides,
                               line->n_overrides, &arena, &err);
    if (status == 0) {
        status = line->output == NULL || strcmp(line->output, "-") == 0
                     ? generate_write(&spec, stdout, &err)
                     : write_file(&spec, line->output, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_gen = {
    .name = "gen",
    .arguments = "WORKLOAD.ini [-o FILE] [-s section.key=value]...",
    .summary = "Generates a trace from the description of a workload",
    .help =
        "Writes arrival_s,prompt_tokens,output_tokens to FILE, or to standard output.  "
        "A\n"
        "FILE that ends with .gz or .zst is compressed.  The same seed gives the same "
        "trace.\n\n"
        "  servesim gen configs/workloads/azure-conv-2023.ini -o trace.csv\n"
        "  servesim gen configs/workloads/poisson.ini -s workload.seed=7 -o "
        "trace.csv.gz\n",
    .options = "os",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
