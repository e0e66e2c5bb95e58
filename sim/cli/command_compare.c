#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "output/folder.h"
#include "study/compare.h"
#include "study/compare_picture.h"
#include "study/compare_score.h"
#include "study/compare_table.h"
#include "study/run.h"

static int write_files(const struct compare *compare,
                       const struct compare_scores *scores, const char *folder,
                       struct err *err)
{
    if (run_write_unplayed(&compare->base, folder,
                           "What a comparison of servesim " SERVESIM_VERSION
                           " varied: compare.csv has the variants.",
                           err) != 0 ||
        compare_table_write(compare, scores, folder, err) != 0 ||
        compare_table_write_winners(compare, scores, folder, err) != 0) {
        return -1;
    }
    return compare_picture_write(compare, scores, folder, err);
}

/* Runs all and writes what came out; the folder is there from the beginning, so that
 * nobody waits for results that have no place. */
static int play(struct compare *compare, const struct command_line *line,
                struct arena *arena, struct err *err)
{
    struct compare_options options = {.n_threads = line->n_threads,
                                      .warnings = stderr,
                                      .interrupted = line->interrupted};
    struct compare_scores scores;
    struct folder folder;
    bool writes = line->output != NULL;
    if (writes && folder_create(&folder, line->output, line->overwrite, err) != 0) {
        return -1;
    }
    int status = compare_play(compare, &options, err);
    if (status == 0) {
        compare_score_all(&scores, compare, arena);
    }
    if (status == 0 && writes) {
        status = write_files(compare, &scores, folder.temporary, err);
    }
    if (status == 0 && *line->interrupted) {
        status = err_set(err, "interrupted: nothing was written");
    }
    if (status != 0 && writes) {
        folder_discard(&folder);
    } else if (writes) {
        status = folder_commit(&folder, err);
    }
    if (status == 0) {
        compare_table_print(stdout, compare, &scores);
        if (writes) {
            printf("\nfiles in %s\n", line->output);
        }
    }
    return status;
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct err err;
    struct compare compare = {0};
    struct compare_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .overs = line->overs,
        .n_overs = line->n_overs,
    };
    int status = compare_read(&compare, &request, &arena, &err);
    if (status == 0) {
        status = play(&compare, line, &arena, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    compare_free(&compare);
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_compare = {
    .name = "compare",
    .arguments = "CONFIG [--over section.key=v1,v2,...]... "
                 "[-s section.key=value]... [-o DIR] [-j N] [--overwrite]",
    .summary = "Runs variants of a configuration and says which is best in what",
    .help =
        "Replays the trace of CONFIG once for every value of the key that --over "
        "names,\n"
        "or for every combination of the values of several, the last one fastest, and\n"
        "prints a row per variant.  A '*' marks the best of a column.  Without --over "
        "the\n"
        "section [over] of CONFIG says what varies.\n"
        "With -o DIR it also writes compare.csv (every metric of every variant),\n"
        "winners.csv, compare.svg (a picture) and config.ini (what was varied).\n"
        "DIR appears whole or not at all.\n\n"
        "  servesim compare configs/examples/policies.ini \\\n"
        "      --over pool.main.policy=vllm-v1,sglang,trtllm -o compared/\n",
    .options = "osjfV",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
