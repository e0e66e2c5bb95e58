#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "output/whole.h"
#include "study/decisions.h"
#include "study/observed.h"
#include "study/rivals.h"
#include "study/validate.h"

enum { DECISIONS, WORST, OBSERVED };

static const struct command_option own[] = {
    [DECISIONS] = {"decisions", false,
                   "score what a buyer would decide by the predictions: D1 to D4"},
    [WORST] = {"worst", true, "how many of the worst rows to print; default 5"},
    [OBSERVED] = {"observed", true,
                  "a server's own metrics, to compare with a replay of CONFIG"},
    {NULL, false, NULL},
};

/* A whole number from 0 to `greatest`; -1 if it is none. */
static int64_t count_of(const char *text, int64_t standard, int64_t greatest)
{
    if (text == NULL) {
        return standard;
    }
    char *end;
    long value = strtol(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && value <= greatest ? value
                                                                             : -1;
}

struct validation {
    struct predict_case *cases;
    struct predict_result *results;
    int32_t n;
};

static int check_some_are_played(const struct validation *of, const char *path,
                                 struct err *err)
{
    for (int32_t i = 0; i < of->n; i++) {
        if (of->results[i].played) {
            return 0;
        }
    }
    return err_set(err,
                   "%s: none of its %" PRId32
                   " rows can be predicted; the first, of line %" PRId64 ": %.700s",
                   path, of->n, of->cases[0].row.line, of->results[0].refusal);
}

static int play(struct validation *of, const struct command_line *line,
                int32_t n_threads, struct arena *arena, struct err *err)
{
    struct config config;
    const struct config *base = NULL;
    if (line->n_operands == 2) {
        if (config_read(&config, line->operands[1], line->overrides, line->n_overrides,
                        arena, err) != 0 ||
            config_one_pool(&config, "servesim validate", err) != 0) {
            return -1;
        }
        base = &config;
    } else if (line->n_overrides > 0) {
        return err_set(err, "-s: changes a CONFIG, and none is given");
    }
    if (predict_read(&of->cases, &of->n, line->operands[0], base, arena, err) != 0) {
        return -1;
    }
    of->results = memory_new((size_t)of->n, sizeof *of->results);
    /* nothing is half-written here, so a signal may end it at once */
    void (*on_interrupt)(int) = signal(SIGINT, SIG_DFL);
    void (*on_end)(int) = signal(SIGTERM, SIG_DFL);
    predict_play_all(of->cases, of->n, n_threads, of->results);
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_end);
    return check_some_are_played(of, line->operands[0], err);
}

static int write_rows(const void *context, FILE *out, struct err *err)
{
    const struct validation *of = context;
    (void)err;
    validate_write(out, of->cases, of->results, of->n);
    return 0;
}

static int write_intervals(const void *context, FILE *out, struct err *err)
{
    (void)err;
    observed_print_rows(out, context);
    return 0;
}

/* A server's metrics beside the configuration that is the only operand. */
static int compare_observed(const struct command_line *line, int32_t n_worst,
                            struct arena *arena, struct err *err)
{
    struct config config;
    struct observed *observed = memory_new(1, sizeof *observed);
    int status = config_read(&config, line->operands[0], line->overrides,
                             line->n_overrides, arena, err);
    if (status == 0) {
        status = observed_compare(observed, line->own[OBSERVED], &config,
                                  line->interrupted, err);
    }
    if (status == 0 && line->output != NULL) {
        status = whole_write(line->output, write_intervals, observed, err);
    }
    if (status == 0) {
        observed_print(stdout, observed, n_worst);
    }
    observed_free(observed);
    free(observed);
    return status;
}

/* What simpler ways to predict would have said. */
static void print_rivals(const struct validation *of)
{
    struct predict_result *rival = memory_new((size_t)of->n, sizeof *rival);
    if (of->cases[0].kind == MEASURED_CLOSED) {
        printf("%-30s %5s %8s %8s %8s %8s   %% of measured\n", "rivals", "rows",
               "median", "mean", "p90", "bias");
        for (int32_t i = 0; i < of->n; i++) {
            rivals_spreadsheet(&of->cases[i], &rival[i]);
        }
        validate_print_rival(stdout, "spreadsheet", of->cases, rival, of->n);
        for (int32_t i = 0; i < of->n; i++) {
            rivals_nearest(of->cases, of->n, i, &rival[i]);
        }
        validate_print_rival(stdout, "nearest row", of->cases, rival, of->n);
    }
    free(rival);
}

static void print_decisions(const struct validation *of)
{
    struct decisions decisions;
    double headroom = decisions_tune(of->cases, of->results, of->n);
    decisions_score(of->cases, of->results, of->n, headroom, &decisions);
    putchar('\n');
    decisions_print(&decisions, stdout);
    decisions_free(&decisions);
}

/* Every row of measurements beside its prediction. */
static int compare_rows(const struct command_line *line, int32_t n_worst,
                        int32_t n_threads, struct arena *arena, struct err *err)
{
    struct validation of = {0};
    int status = play(&of, line, n_threads, arena, err);
    if (status == 0 && line->output != NULL) {
        status = whole_write(line->output, write_rows, &of, err);
    }
    if (status == 0) {
        validate_print(stdout, of.cases, of.results, of.n, n_worst);
        print_rivals(&of);
        if (line->own[DECISIONS] != NULL) {
            print_decisions(&of);
        }
    }
    free(of.cases);
    free(of.results);
    return status;
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct err err;
    int64_t n_worst = count_of(line->own[WORST], 5, 1000);
    int status = 0;
    if (line->own[OBSERVED] != NULL && line->n_operands != 1) {
        fputs("servesim: validate: --observed: expected one CONFIG and nothing else\n",
              stderr);
        return COMMAND_USAGE;
    }
    if (n_worst < 0) {
        status = err_set(&err, "--worst: '%.80s' is not a number from 0 to 1000",
                         line->own[WORST]);
    }
    if (status == 0) {
        status =
            line->own[OBSERVED] != NULL
                ? compare_observed(line, (int32_t)n_worst, &arena, &err)
                : compare_rows(line, (int32_t)n_worst, line->n_threads, &arena, &err);
    }
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_validate = {
    .name = "validate",
    .arguments = "MEASURED.csv [CONFIG] | --observed SERVER.csv CONFIG [-o FILE.csv] "
                 "[--worst N] [-j N]",
    .summary = "Prints how far predictions are from measurements",
    .help =
        "Simulates every row of MEASURED.csv with the client that measured it.\n"
        "With --observed it replays the trace of CONFIG and compares it with what the\n"
        "server's own metrics said in each interval ('servesim import prometheus'),\n"
        "and says what drifted first: traffic, hit rate, step time or scheduling.\n",
    .options = "osj",
    .own = own,
    .least_operands = 1,
    .most_operands = 2,
    .run = run,
};
