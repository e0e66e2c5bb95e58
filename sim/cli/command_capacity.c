#include "base/memory.h"
#include "cli/play.h"
#include "study/capacity_files.h"
#include "study/capacity_study.h"
#include "study/capacity_table.h"
#include "study/run.h"

struct state {
    struct capacity_study study;
    struct capacity_options options;
};

static int run_study(void *of, struct err *err)
{
    struct state *state = of;
    return capacity_study_play(&state->study, &state->options, err);
}

static int write_files(void *of, const char *folder, struct err *err)
{
    struct state *state = of;
    if (run_write_unplayed(&state->study.base, folder,
                           "Whose capacity servesim " SERVESIM_VERSION
                           " searched: capacity.csv has the answers.",
                           err) != 0) {
        return -1;
    }
    return capacity_files_write(&state->study, folder, err);
}

static void print(void *of, FILE *out)
{
    struct state *state = of;
    capacity_table_print(out, &state->study);
}

static int run(const struct command_line *line)
{
    struct state state = {.options = {.n_threads = line->n_threads,
                                      .quiet = line->quiet,
                                      .interrupted = line->interrupted}};
    struct play play = {&state, run_study, write_files, print};
    struct arena arena = {0};
    struct err err;
    struct capacity_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .overs = line->overs,
        .n_overs = line->n_overs,
    };
    int status = capacity_study_read(&state.study, &request, &arena, &err);
    if (status == 0) {
        status = play_study(&play, line, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    capacity_study_free(&state.study);
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_capacity = {
    .name = "capacity",
    .arguments = "CONFIG [--over section.key=v1,v2,...]... [-s section.key=value]... "
                 "[-o DIR] [-j N] [--quiet] [--overwrite]",
    .summary = "Finds the highest request rate at which a fleet does what [slo] asks",
    .help =
        "Simulates CONFIG at rates that are powers of 1 + [capacity] precision, until\n"
        "one meets [slo] and the next does not, and looks at lower rates, too.  The\n"
        "interval has what is not known of the deployment's step times ([study] "
        "draws)\n"
        "and what traffic comes ([study] seeds; of a trace: with resample).  A queue\n"
        "that grows is a failure, whatever the latencies.\n"
        "With --over, or a section [over], there is a row per variant; one that does\n"
        "not fit has a reason.  With -o DIR it also writes capacity.csv, trials.csv\n"
        "(all that was simulated) and config.ini.  DIR appears whole or not at all.\n\n"
        "  servesim capacity configs/examples/azure-conv-h100.ini\n"
        "  servesim capacity configs/examples/azure-conv-h100.ini \\\n"
        "      --over pool.main.accelerator=h100-sxm,h200-sxm -o capacity/\n",
    .options = "osjfqV",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
