#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "study/calibrate_plan.h"
#include "study/calibrate_report.h"
#include "study/calibrate_scale.h"
#include "study/calibrate_write.h"

enum { FIT, ENGINE, HOLD_OUT, LOSS, SCALE, PLAN };

static const struct command_option own[] = {
    [FIT] = {"fit", true, "the constants to fit: key,key; default: the usual ones"},
    [ENGINE] = {"engine", true, "only rows of this backend or engine preset"},
    [HOLD_OUT] = {"hold-out", true, "by model (the default), system, backend or none"},
    [LOSS] = {"loss", true, "huber (the default), cauchy or squares"},
    [SCALE] = {"scale", false,
               "instead one factor for one deployment, from few points"},
    [PLAN] = {"plan", false, "instead which points to measure; CONFIG says of what"},
    {NULL, false, NULL},
};

/* The index of the word in the list, -1 if it is not there; 0 if it is not given. */
static int index_of(const char *text, const char *(*name)(int))
{
    for (int i = 0; text != NULL && name(i) != NULL; i++) {
        if (strcmp(name(i), text) == 0) {
            return i;
        }
    }
    return text == NULL ? 0 : -1;
}

static const char *loss_name(int i)
{
    return calibrate_loss_name((enum calibrate_loss_kind)i);
}

static const char *hold_name(int i)
{
    return calibrate_hold_name((enum calibrate_hold)i);
}

static int read_options(struct calibrate_options *options,
                        const struct command_line *line, struct err *err)
{
    int loss = index_of(line->own[LOSS], loss_name);
    int hold_out = index_of(line->own[HOLD_OUT], hold_name);
    if (loss < 0) {
        return err_set(err, "--loss: '%.80s' is not huber, cauchy or squares",
                       line->own[LOSS]);
    }
    if (hold_out < 0) {
        return err_set(err, "--hold-out: '%.80s' is not model, system, backend or none",
                       line->own[HOLD_OUT]);
    }
    *options = (struct calibrate_options){.path = line->operands[0],
                                          .fit = line->own[FIT],
                                          .engine = line->own[ENGINE],
                                          .loss = (enum calibrate_loss_kind)loss,
                                          .hold_out = (enum calibrate_hold)hold_out,
                                          .n_threads = line->n_threads,
                                          .tells = isatty(STDERR_FILENO) == 1,
                                          .interrupted = line->interrupted};
    return 0;
}

/* What was typed, put together again: threads and -o change nothing. */
static const char *command_of(const struct command_line *line, struct arena *arena)
{
    char text[4000];
    size_t used = (size_t)snprintf(text, sizeof text, "servesim calibrate %.500s",
                                   line->operands[0]);
    if (line->n_operands == 2) {
        used += (size_t)snprintf(text + used, 600, " %.500s", line->operands[1]);
    }
    for (int i = FIT; i <= LOSS; i++) {
        if (line->own[i] != NULL) {
            used += (size_t)snprintf(text + used, 600, " --%s %.500s", own[i].name,
                                     line->own[i]);
        }
    }
    for (int32_t i = 0; i < line->n_overrides && used < 3000; i++) {
        used += (size_t)snprintf(text + used, 600, " -s %.500s", line->overrides[i]);
    }
    return memory_arena_text(arena, text);
}

/* The configuration that the operand names, if it is given. */
static int read_config(const struct command_line *line, int32_t operand,
                       struct config *config, const struct config **base,
                       struct arena *arena, struct err *err)
{
    if (line->n_operands <= operand) {
        return line->n_overrides == 0
                   ? 0
                   : err_set(err, "-s: changes a CONFIG, and none is given");
    }
    *base = config;
    if (config_read(config, line->operands[operand], line->overrides, line->n_overrides,
                    arena, err) != 0) {
        return -1;
    }
    return config_one_pool(config, "servesim calibrate", err);
}

static int hash_files(const struct command_line *line, struct calibrate_origin *origin,
                      struct err *err)
{
    if (line->n_operands == 2) {
        origin->config = line->operands[1];
        if (calibrate_write_hash(origin->config, origin->config_sha256, err) != 0) {
            return -1;
        }
    }
    return calibrate_write_hash(line->operands[0], origin->measured_sha256, err);
}

static int fit(const struct command_line *line, const struct calibrate_options *options,
               const struct config *base, struct arena *arena, struct err *err)
{
    struct calibrate of = {0};
    struct calibrate_origin origin = {.command = command_of(line, arena)};
    int status = hash_files(line, &origin, err);
    status = status == 0 ? calibrate_fit(&of, options, base, arena, err) : status;
    if (status == 0) {
        calibrate_write_finish(&of, &origin, arena);
        status =
            line->output == NULL ? 0 : calibrate_write(&of, &origin, line->output, err);
    }
    if (status == 0 && !line->quiet) {
        calibrate_report_print(stdout, &of);
    }
    calibrate_free(&of);
    return status;
}

static int scale(const struct calibrate_options *options, const struct config *base,
                 struct arena *arena, struct err *err)
{
    struct calibrate_scale of = {0};
    int status =
        calibrate_scale_fit(&of, options->path, base, options->engine,
                            options->n_threads, options->interrupted, arena, err);
    if (status == 0) {
        calibrate_scale_print(stdout, &of);
    }
    calibrate_scale_free(&of);
    return status;
}

static int plan(const struct calibrate_options *options, const struct config *config,
                struct arena *arena, struct err *err)
{
    struct calibrate_plan of = {0};
    int status = calibrate_plan_make(&of, config, options->fit, options->n_threads,
                                     options->interrupted, arena, err);
    if (status == 0) {
        calibrate_plan_print(stdout, &of);
    }
    calibrate_plan_free(&of);
    return status;
}

static int calibrate(const struct command_line *line, struct arena *arena,
                     struct err *err)
{
    bool is_plan = line->own[PLAN] != NULL;
    struct calibrate_options options = {0};
    struct config config;
    const struct config *base = NULL;
    if (read_options(&options, line, err) != 0 ||
        read_config(line, is_plan ? 0 : 1, &config, &base, arena, err) != 0) {
        return -1;
    }
    return is_plan                    ? plan(&options, base, arena, err)
           : line->own[SCALE] != NULL ? scale(&options, base, arena, err)
                                      : fit(line, &options, base, arena, err);
}

/* What a plan or a scale has no use for; NULL if all is well. */
static const char *clash(const struct command_line *line)
{
    bool is_plan = line->own[PLAN] != NULL;
    bool is_scale = line->own[SCALE] != NULL;
    if (is_plan && is_scale) {
        return "--plan and --scale: give one of them";
    }
    if (is_plan && (line->n_operands == 2 || line->own[ENGINE] != NULL)) {
        return "--plan: needs a CONFIG and no measurements";
    }
    if ((is_plan || is_scale) && (line->output != NULL || line->own[HOLD_OUT] != NULL ||
                                  line->own[LOSS] != NULL)) {
        return "-o, --hold-out and --loss: only for a fit";
    }
    return is_scale && line->own[FIT] != NULL ? "--fit: a scale has no constants"
                                              : NULL;
}

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct err err;
    if (clash(line) != NULL) {
        fprintf(stderr, "servesim: calibrate: %s\n", clash(line));
        return COMMAND_USAGE;
    }
    int status = calibrate(line, &arena, &err);
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .arguments =
        "MEASURED.csv [CONFIG] [-o ENGINE.ini] [--fit KEYS] [--engine NAME] ...",
    .summary = "Fits the constants of an engine to measurements",
    .help =
        "Simulates every row of MEASURED.csv with the client that measured it, and "
        "moves\n"
        "constants of its engine preset (or of CONFIG's pool) until predictions fit.  "
        "Prints\n"
        "errors of the rows fitted and of rows held out, and which constants the rows "
        "do\n"
        "not tell; with -o writes an engine file, for the key `engine` of a pool.\n\n"
        "  servesim calibrate bench.csv --engine vllm -o my-vllm.ini\n"
        "  servesim calibrate --scale three-points.csv\n"
        "  servesim calibrate --plan server.ini\n",
    .options = "osjq",
    .own = own,
    .least_operands = 1,
    .most_operands = 2,
    .run = run,
};
