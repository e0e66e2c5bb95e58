#include "base/memory.h"
#include "cli/command.h"
#include "study/sweep_merge.h"

enum { PARTIAL };

static const struct command_option own[] = {
    [PARTIAL] = {"partial", false, "write what is there even if points are missing"},
    {NULL, false, NULL},
};

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct err err;
    struct sweep sweep = {0};
    struct sweep_merge_request request = {
        .folders = line->operands,
        .n_folders = line->n_operands,
        .output = line->output,
        .overwrite = line->overwrite,
        .partial = line->own[PARTIAL] != NULL,
    };
    if (line->output == NULL) {
        fputs("servesim: merge: -o OUT is missing: where the whole sweep goes\n",
              stderr);
        return COMMAND_USAGE;
    }
    int status = sweep_merge(&sweep, &request, &arena, &err);
    if (status == 0) {
        status = sweep_check_any(&sweep.table, &err);
    }
    if (status == 0 && !line->quiet) {
        status = sweep_table_print(&sweep.table, stdout, &err);
    }
    if (status == 0 && !line->quiet) {
        sweep_table_tell(&sweep.table, stdout, line->output);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    sweep_close(&sweep);
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_merge = {
    .name = "merge",
    .arguments = "DIR... -o OUT [--partial] [--overwrite] [--quiet]",
    .summary = "Puts the shards of a sweep together",
    .help =
        "Reads what 'servesim sweep --shard I/N -o DIR' wrote to each DIR and writes "
        "OUT as\n"
        "a sweep without shards would have: the same sweep.csv, to the byte.  Folders "
        "of\n"
        "different sweeps, points that are missing and points that two folders have "
        "with\n"
        "different values are errors; OUT appears whole or not at all.\n\n"
        "  servesim merge parts/* -o swept/\n",
    .options = "ofq",
    .own = own,
    .least_operands = 1,
    .most_operands = COMMAND_MOST_OPERANDS,
    .run = run,
};
