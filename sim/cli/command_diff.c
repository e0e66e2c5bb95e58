#include <math.h>
#include <stdlib.h>

#include "cli/command.h"
#include "study/diff_print.h"

enum { EXIT_CODE, LEAST };

static const struct command_option own[] = {
    [EXIT_CODE] = {"exit-code", false, "exit 1 if anything differs"},
    [LEAST] = {"least", true,
               "shows no metric that changed by less percent; default 0"},
    {NULL, false, NULL},
};

static int read_least(const char *text, double *least, struct err *err)
{
    char *end = NULL;
    *least = text != NULL ? strtod(text, &end) : 0;
    if (text != NULL &&
        (*text < '0' || *text > '9' || *end != '\0' || !isfinite(*least))) {
        return err_set(err, "--least: '%.80s' is not a number of percent", text);
    }
    return 0;
}

static int run(const struct command_line *line)
{
    const char *folders[2] = {line->operands[0], line->operands[1]};
    struct arena arena = {0};
    struct diff diff = {0};
    struct err err;
    double least;
    bool differs = false;
    int status = read_least(line->own[LEAST], &least, &err);
    if (status == 0) {
        status = diff_read(&diff, folders, &arena, &err);
    }
    if (status == 0 && line->output != NULL) {
        status = diff_print_csv(&diff, line->output, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    } else {
        differs = diff_any(&diff);
        if (!line->quiet) {
            diff_print(stdout, &diff, least);
        }
    }
    diff_free(&diff);
    memory_arena_free(&arena);
    bool is_told = line->own[EXIT_CODE] != NULL && differs;
    return status == 0 && !is_told ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_diff = {
    .name = "diff",
    .arguments = "DIR DIR [-o FILE.csv] [--least PERCENT] [--exit-code] [--quiet]",
    .summary = "Says what changed between two runs",
    .help =
        ("Compares two folders that 'servesim run -o' wrote: which keys of their\n"
         "configurations differ, which metrics and by how much, whether that is better "
         "or\n"
         "worse where it is known, and which requests became faster or slower.\n"
         "With -o FILE.csv all of it is written, too.\n\n"
         "  servesim run configs/examples/demo.ini -o a/\n"
         "  servesim run configs/examples/demo.ini -s pool.main.policy=sglang -o b/\n"
         "  servesim diff a/ b/ --least 5\n"),
    .options = "oq",
    .own = own,
    .least_operands = 2,
    .most_operands = 2,
    .run = run,
};
