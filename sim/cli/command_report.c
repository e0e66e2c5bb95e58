#include <stdio.h>

#include "cli/command.h"
#include "cli/report.h"

enum { PNG, SVG };

static const struct command_option own[] = {
    [PNG] = {"png", true, "also every chart as a picture, into that folder"},
    [SVG] = {"svg", true, "the same as vector graphics"},
    {NULL, false, NULL},
};

static int run(const struct command_line *line)
{
    struct err err;
    struct report_request request = {
        .folders = line->operands,
        .n_folders = line->n_operands,
        .output = line->output,
        .png = line->own[PNG],
        .svg = line->own[SVG],
        .overwrite = line->overwrite,
        .quiet = line->quiet,
    };
    report_become(&request, &err); /* returns only if it cannot */
    fprintf(stderr, "servesim: %s\n", err.text);
    return COMMAND_FAILED;
}

const struct command command_report = {
    .name = "report",
    .arguments = "DIR... [-o FILE.html] [--png FOLDER] [--svg FOLDER] [--overwrite] "
                 "[--quiet]",
    .summary = "Writes a page with charts from result folders",
    .help =
        "Reads what 'servesim run', compare, sweep, capacity or size wrote to each DIR "
        "with\n"
        "-o, and writes one HTML page that needs no network: latencies, why the p99 is "
        "what\n"
        "it is, queue, batch and KV cache over time, what bounds the hardware, cost "
        "and\n"
        "energy; of a sweep heat maps and Pareto fronts; several DIRs side by side.\n"
        "The page is DIR.html, or report.html for several DIRs, or what -o names, and "
        "appears\n"
        "whole or not at all.  Needs Debian's python3-pandas and libjs-chart.js, and\n"
        "python3-matplotlib for --png and --svg.\n\n"
        "  servesim run configs/examples/fleet.ini -o fleet/\n"
        "  servesim report fleet/\n",
    .options = "ofq",
    .own = own,
    .least_operands = 1,
    .most_operands = COMMAND_MOST_OPERANDS,
    .run = run,
};
