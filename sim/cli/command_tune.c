#include <sys/stat.h>

#include "base/memory.h"
#include "cli/command.h"
#include "study/tune_print.h"
#include "study/tune_split_print.h"

/* Writes and prints what was found. */
static int tell(const struct tune *tune, const struct tune_split *split,
                const struct command_line *line, struct err *err)
{
    if (line->output != NULL && tune_print_config(tune, line->output, err) != 0) {
        return -1;
    }
    if (line->quiet) {
        return 0;
    }
    tune_print(stdout, tune);
    if (split->tune != NULL) {
        tune_split_print(stdout, split);
    }
    if (line->output != NULL) {
        printf("\nconfiguration in %s\n", line->output);
    }
    return 0;
}

static int play(struct tune *tune, struct tune_split *split,
                const struct command_line *line, struct arena *arena, struct err *err)
{
    struct tune_request request = {
        .path = line->operands[0],
        .overrides = line->overrides,
        .n_overrides = line->n_overrides,
        .n_threads = line->n_threads,
        .quiet = line->quiet,
        .interrupted = line->interrupted,
    };
    if (tune_run(tune, &request, arena, err) != 0 ||
        (tune->base.study.tune.disaggregate && tune_split_run(split, tune, err) != 0)) {
        return -1;
    }
    return tell(tune, split, line, err);
}

/* Whoever gives CONFIG as -o means to keep it all the same. */
static int check_output(const struct command_line *line, struct err *err)
{
    struct stat config;
    struct stat output;
    if (line->output == NULL || stat(line->operands[0], &config) != 0 ||
        stat(line->output, &output) != 0 || config.st_dev != output.st_dev ||
        config.st_ino != output.st_ino) {
        return 0;
    }
    return err_set(err,
                   "-o %.700s: is the configuration that is read: give another name",
                   line->output);
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct err err;
    struct tune tune = {0};
    struct tune_split split = {0};
    int status = check_output(line, &err);
    if (status == 0) {
        status = play(&tune, &split, line, &arena, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    tune_split_free(&split);
    tune_free(&tune);
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_tune = {
    .name = "tune",
    .arguments = "CONFIG [-s section.key=value]... [-o FILE.ini] [-j N] [--quiet]",
    .summary = "Finds the flags of a server that serve a goal best",
    .help =
        "Looks for the flags of the configuration's one pool (token budget, "
        "sequences,\n"
        "memory, blocks, chunks, prefix cache, order, parallelism over the same GPUs) "
        "that\n"
        "serve [tune] goal best: cost or throughput at the highest rate within [slo], "
        "or "
        "a\nlatency.  Prints what each change is worth, and the flags as vLLM or "
        "SGLang "
        "take\nthem.  [tune] flags names those to look at, [study] seeds and draws say "
        "how "
        "sure\nit is.  With [tune] disaggregate = yes it also says how many replicas "
        "should\nprefill and how many decode, by hour, and whether that pays.\n"
        "With -o FILE.ini it writes the tuned configuration.\n\n"
        "  servesim tune configs/examples/demo.ini -s tune.goal=throughput \\\n"
        "      -s tune.flags=max_num_seqs,max_num_batched_tokens -o tuned.ini\n",
    .options = "osqj",
    .least_operands = 1,
    .most_operands = 1,
    .run = run,
};
