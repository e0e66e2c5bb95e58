#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/table.h"
#include "study/interval.h"

enum { INTERVAL, REPORT, TRACE_JSON };

static const struct command_option own[] = {
    [INTERVAL] = {"interval", true,
                  "also how sure it is: the interval that holds so many percent"},
    [REPORT] = {"report", false, "then write DIR.html, as 'servesim report DIR' does"},
    [TRACE_JSON] = {"trace-json", false,
                    "also DIR/trace.json, every step for ui.perfetto.dev"},
    {NULL, false, NULL},
};

/* The percent of --interval, 0 if it is not given; -1 and `err`. */
static int read_percent(const char *text, int *percent, struct err *err)
{
    char *end;
    *percent = 0;
    if (text == NULL) {
        return 0;
    }
    long value = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > 99) {
        return err_set(err, "--interval: '%.80s' is not a number from 1 to 99", text);
    }
    *percent = (int)value;
    return 0;
}

/* Whether a page can be written when the run has ended: nobody waits for it in vain. */
static int check_report(const struct command_line *line, struct err *err)
{
    char path[420];
    if (line->own[REPORT] == NULL) {
        return 0;
    }
    if (line->output == NULL) {
        return err_set(err,
                       "--report: -o DIR is missing: the page is made of its files");
    }
    return report_check_page(line->output, line->overwrite, path, err);
}

/* Returns only if it cannot. */
static int write_report(const struct command_line *line, struct err *err)
{
    char path[420];
    struct report_request request = {
        .folders = &line->output,
        .n_folders = 1,
        .output = path,
        .overwrite = line->overwrite,
        .quiet = line->quiet,
    };
    return report_check_page(line->output, line->overwrite, path, err) != 0
               ? -1
               : report_become(&request, err);
}

static int read_config(struct config *config, const struct command_line *line,
                       struct arena *arena, struct err *err)
{
    const char *overrides[COMMAND_MOST_OVERRIDES + 1];
    int32_t n = line->n_overrides;
    if (n > 0) {
        memcpy(overrides, line->overrides, (size_t)n * sizeof overrides[0]);
    }
    if (line->own[TRACE_JSON] != NULL) {
        if (line->output == NULL) {
            return err_set(err, "--trace-json: is written to the folder of -o DIR, "
                                "which is not given");
        }
        overrides[n++] = "output.trace_json=yes";
    }
    return config_read(config, line->operands[0], overrides, n, arena, err);
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct config config;
    struct err err;
    struct interval *interval = memory_new(1, sizeof *interval);
    int percent;
    struct run_options options = {
        .folder = line->output,
        .overwrite = line->overwrite,
        .stepwise = line->stepwise,
        .verbose = line->verbose ? stderr : NULL,
        .warnings = stderr,
        .progress = !line->quiet && isatty(STDERR_FILENO) ? stderr : NULL,
        .interrupted = line->interrupted,
    };
    int status = read_percent(line->own[INTERVAL], &percent, &err);
    if (status == 0) {
        status = check_report(line, &err);
    }
    if (status == 0) {
        status = read_config(&config, line, &arena, &err);
    }
    if (status == 0) {
        status = percent > 0 ? interval_run(interval, percent, &config, &options, &err)
                             : run_config(&config, &options, &interval->middle, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    } else if (!line->quiet) {
        table_print(stdout, &config, &interval->middle, line->output);
        if (percent > 0) {
            interval_print(stdout, interval, &config);
        }
    }
    if (status == 0 && line->own[REPORT] != NULL) {
        status = write_report(line, &err);
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    free(interval);
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_run = {
    .name = "run",
    .arguments = "CONFIG [-o DIR] [-s section.key=value]... [--stepwise] [--quiet] "
                 "[--overwrite] [--on-bad-row stop|skip] [--interval PERCENT] "
                 "[--report] [--trace-json]",
    .summary = "Replays a trace and writes what happened",
    .help =
        "Reads CONFIG (an INI file; 'servesim list keys' has every key), replays its "
        "trace\n"
        "and prints a table.  With -o DIR it also writes requests.csv, summary.csv,\n"
        "timeline.csv, replicas.csv and config.ini, which run again gives the same "
        "bytes.\n"
        "DIR appears whole or not at all.  --report also writes DIR.html, a page with\n"
        "charts.  --trace-json adds trace.json: drop it on\n"
        "ui.perfetto.dev to see every step.\n\n"
        "  servesim run configs/examples/azure-conv-h100.ini -o out/\n"
        "  servesim run out/config.ini -s workload.rate_scale=2 -o twice/ --report\n"
        "  servesim run out/config.ini -o seen/ --trace-json -s "
        "output.trace_until=60\n",
    .options = "osfqvb1",
    .own = own,
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
