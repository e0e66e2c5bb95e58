#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "cli/table.h"
#include "study/run.h"

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct config config;
    struct err err;
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    struct run_options options = {
        .folder = line->output,
        .overwrite = line->overwrite,
        .stepwise = line->stepwise,
        .verbose = line->verbose ? stderr : NULL,
        .warnings = stderr,
        .progress = !line->quiet && isatty(STDERR_FILENO) ? stderr : NULL,
        .interrupted = line->interrupted,
    };
    int status = config_read(&config, line->operands[0], line->overrides,
                             line->n_overrides, &arena, &err);
    if (status == 0) {
        status = run_config(&config, &options, metrics, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    } else if (!line->quiet) {
        table_print(stdout, &config, metrics, line->output);
    }
    free(metrics);
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_run = {
    .name = "run",
    .arguments = "CONFIG [-o DIR] [-s section.key=value]... [--stepwise] [--quiet] "
                 "[--overwrite] [--on-bad-row stop|skip]",
    .summary = "Replays a trace and writes what happened",
    .help =
        "Reads CONFIG (an INI file; 'servesim list keys' has every key), replays its "
        "trace\n"
        "and prints a table.  With -o DIR it also writes requests.csv, summary.csv,\n"
        "timeline.csv, replicas.csv and config.ini, which run again gives the same "
        "bytes.\n"
        "DIR appears whole or not at all.\n\n"
        "  servesim run configs/examples/azure-conv-h100.ini -o out/\n"
        "  servesim run out/config.ini -s workload.rate_scale=2 -o twice/\n",
    .options = "osfqvb1",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
