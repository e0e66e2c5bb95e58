#include "base/memory.h"
#include "cli/play.h"
#include "study/size.h"
#include "study/size_print.h"
#include "study/size_write.h"

struct state {
    struct size size;
    struct size_options options;
    struct arena arena;
};

static int run_study(void *of, struct err *err)
{
    struct state *state = of;
    return size_play(&state->size, &state->options, &state->arena, err);
}

static int write_files(void *of, const char *folder, struct err *err)
{
    struct state *state = of;
    return size_write(&state->size, folder, &state->arena, err);
}

static void print(void *of, FILE *out)
{
    struct state *state = of;
    size_print(out, &state->size, &state->arena);
}

static int run(const struct command_line *line)
{
    struct state state = {.options = {.n_threads = line->n_threads,
                                      .quiet = line->quiet,
                                      .interrupted = line->interrupted}};
    struct play play = {&state, run_study, write_files, print};
    struct err err;
    struct size_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .overs = line->overs,
        .n_overs = line->n_overs,
    };
    int status = size_read(&state.size, &request, &state.options, &state.arena, &err);
    if (status == 0) {
        status = play_study(&play, line, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    size_free(&state.size);
    memory_arena_free(&state.arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_size = {
    .name = "size",
    .arguments = "CONFIG [--over section.key=v1,v2,...]... [-s section.key=value]... "
                 "[-o DIR] [-j N] [--quiet] [--overwrite]",
    .summary = "Finds the cheapest fleet that meets [slo]",
    .help =
        "CONFIG has one [pool.NAME], whose model, engine and terms every fleet has, "
        "and a\n"
        "rate: the trace's own or [workload] rate_rps.  [size] lists accelerators, "
        "parallel\n"
        "degrees, policies and limits to choose from.  What the roofline rules out is "
        "not\n"
        "simulated.  The answer is told with the fleets just below it that fail, the "
        "best\n"
        "fleet of every accelerator, and what tighter and looser bounds would cost.\n"
        "With --over, or [over] in CONFIG, there is one answer per variant.\n"
        "With -o DIR it writes size.csv (every candidate), fleets.csv (every fleet "
        "that was\n"
        "simulated), demand.csv (GPUs over time), config.ini, and fleet.ini, which "
        "`servesim\n"
        "run` takes.  DIR appears whole or not at all.\n\n"
        "  servesim size configs/studies/size-chat-fleet.ini -o sized/\n",
    .options = "osjqfV",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
