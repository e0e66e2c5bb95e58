#include <stdlib.h>

#include "base/memory.h"
#include "cli/command.h"
#include "output/folder.h"
#include "study/size.h"
#include "study/size_print.h"
#include "study/size_write.h"

static int play(struct size *size, const struct command_line *line, struct arena *arena,
                struct err *err)
{
    struct size_options options = {.n_threads = line->n_threads,
                                   .quiet = line->quiet,
                                   .interrupted = line->interrupted};
    struct folder folder;
    bool writes = line->output != NULL;
    if (writes && folder_create(&folder, line->output, line->overwrite, err) != 0) {
        return -1;
    }
    int status = size_play(size, &options, arena, err);
    if (status == 0 && writes) {
        status = size_write(size, folder.temporary, arena, err);
    }
    if (status == 0 && *line->interrupted) {
        status = err_set(err, "interrupted: nothing was written");
    }
    if (status != 0 && writes) {
        folder_discard(&folder);
    } else if (writes) {
        status = folder_commit(&folder, err);
    }
    if (status == 0 && !line->quiet) {
        size_print(stdout, size, arena);
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
    struct size size;
    struct size_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .overs = line->overs,
        .n_overs = line->n_overs,
    };
    struct size_options options = {.n_threads = line->n_threads,
                                   .interrupted = line->interrupted};
    int status = size_read(&size, &request, &options, &arena, &err);
    if (status == 0) {
        status = play(&size, line, &arena, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    size_free(&size);
    memory_arena_free(&arena);
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
