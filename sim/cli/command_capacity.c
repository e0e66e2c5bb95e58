#include "base/memory.h"
#include "cli/command.h"
#include "output/folder.h"
#include "study/capacity_files.h"
#include "study/capacity_study.h"
#include "study/capacity_table.h"
#include "study/run.h"

static int write_files(const struct capacity_study *study, const char *folder,
                       struct err *err)
{
    if (run_write_unplayed(&study->base, folder,
                           "Whose capacity servesim " SERVESIM_VERSION
                           " searched: capacity.csv has the answers.",
                           err) != 0) {
        return -1;
    }
    return capacity_files_write(study, folder, err);
}

/* Searches and writes; the folder is there from the beginning, so that nobody waits for
 * results that have no place. */
static int play(struct capacity_study *study, const struct command_line *line,
                struct err *err)
{
    struct capacity_options options = {.n_threads = line->n_threads,
                                       .quiet = line->quiet,
                                       .interrupted = line->interrupted};
    struct folder folder;
    bool writes = line->output != NULL;
    if (writes && folder_create(&folder, line->output, line->overwrite, err) != 0) {
        return -1;
    }
    int status = capacity_study_play(study, &options, err);
    if (status == 0 && writes) {
        status = write_files(study, folder.temporary, err);
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
        capacity_table_print(stdout, study);
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
    struct capacity_study study = {0};
    struct capacity_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .overs = line->overs,
        .n_overs = line->n_overs,
    };
    int status = capacity_study_read(&study, &request, &arena, &err);
    if (status == 0) {
        status = play(&study, line, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    capacity_study_free(&study);
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
