#include "base/memory.h"
#include "cli/play.h"
#include "study/compare.h"
#include "study/compare_picture.h"
#include "study/compare_score.h"
#include "study/compare_table.h"
#include "study/run.h"

struct state {
    struct compare compare;
    struct compare_scores scores;
    struct compare_options options;
    struct arena arena;
};

static int run_study(void *of, struct err *err)
{
    struct state *state = of;
    if (compare_play(&state->compare, &state->options, err) != 0) {
        return -1;
    }
    compare_score_all(&state->scores, &state->compare, &state->arena);
    return 0;
}

static int write_files(void *of, const char *folder, struct err *err)
{
    const struct state *state = of;
    const struct compare *compare = &state->compare;
    if (run_write_unplayed(&compare->base, folder,
                           "What a comparison of servesim " SERVESIM_VERSION
                           " varied: compare.csv has the variants.",
                           err) != 0 ||
        compare_table_write(compare, &state->scores, folder, err) != 0 ||
        compare_table_write_winners(compare, &state->scores, folder, err) != 0) {
        return -1;
    }
    return compare_picture_write(compare, &state->scores, folder, err);
}

static void print(void *of, FILE *out)
{
    const struct state *state = of;
    compare_table_print(out, &state->compare, &state->scores);
}

static int run(const struct command_line *line)
{
    struct state state = {.options = {.n_threads = line->n_threads,
                                      .warnings = stderr,
                                      .interrupted = line->interrupted}};
    struct play play = {&state, run_study, write_files, print};
    struct err err;
    struct compare_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .overs = line->overs,
        .n_overs = line->n_overs,
    };
    int status = compare_read(&state.compare, &request, &state.arena, &err);
    if (status == 0) {
        status = play_study(&play, line, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    compare_free(&state.compare);
    memory_arena_free(&state.arena);
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
