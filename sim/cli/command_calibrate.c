#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "study/calibrate_report.h"
#include "study/calibrate_write.h"

enum { FIT, ENGINE, HOLD_OUT, LOSS, THREADS };

static const struct command_option own[] = {
    [FIT] = {"fit", true, "the constants to fit: key,key; default: the usual ones"},
    [ENGINE] = {"engine", true, "only rows of this backend or engine preset"},
    [HOLD_OUT] = {"hold-out", true, "by model (the default), system, backend or none"},
    [LOSS] = {"loss", true, "huber (the default), cauchy or squares"},
    [THREADS] = {"threads", true, "how many at a time; default: the machine's cores"},
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
    const char *threads = line->own[THREADS];
    char *end = NULL;
    long n =
        threads != NULL ? strtol(threads, &end, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    if (loss < 0) {
        return err_set(err, "--loss: '%.80s' is not huber, cauchy or squares",
                       line->own[LOSS]);
    }
    if (hold_out < 0) {
        return err_set(err, "--hold-out: '%.80s' is not model, system, backend or none",
                       line->own[HOLD_OUT]);
    }
    if (n < 1 || n > 256 || (end != NULL && *end != '\0')) {
        return err_set(err, "--threads: '%.80s' is not a number from 1 to 256",
                       threads != NULL ? threads : "");
    }
    *options = (struct calibrate_options){.path = line->operands[0],
                                          .fit = line->own[FIT],
                                          .engine = line->own[ENGINE],
                                          .loss = (enum calibrate_loss_kind)loss,
                                          .hold_out = (enum calibrate_hold)hold_out,
                                          .n_threads = (int32_t)n,
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

static int read_base(struct config *config, const struct config **base,
                     struct calibrate_origin *origin, const struct command_line *line,
                     struct arena *arena, struct err *err)
{
    if (calibrate_write_hash(line->operands[0], origin->measured_sha256, err) != 0) {
        return -1;
    }
    if (line->n_operands == 1) {
        return line->n_overrides == 0
                   ? 0
                   : err_set(err, "-s: changes a CONFIG, and none is given");
    }
    origin->config = line->operands[1];
    *base = config;
    return calibrate_write_hash(origin->config, origin->config_sha256, err) != 0
               ? -1
               : config_read(config, origin->config, line->overrides, line->n_overrides,
                             arena, err);
}

static int calibrate(const struct command_line *line, struct arena *arena,
                     struct err *err)
{
    struct calibrate_options options;
    struct calibrate_origin origin = {.command = command_of(line, arena)};
    struct config config;
    const struct config *base = NULL;
    if (read_options(&options, line, err) != 0 ||
        read_base(&config, &base, &origin, line, arena, err) != 0) {
        return -1;
    }
    struct calibrate of;
    int status = calibrate_fit(&of, &options, base, arena, err);
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

static int run(const struct command_line *line)
{
    struct arena arena = {0};
    struct err err;
    int status = calibrate(line, &arena, &err);
    if (status != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    memory_arena_free(&arena);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .arguments = "MEASURED.csv [CONFIG] [-o ENGINE.ini] [--fit key,key] ...",
    .summary = "Fits the constants of an engine to measurements",
    .help = "Simulates every row of MEASURED.csv with the client that measured it.\n",
    .options = "osq",
    .own = own,
    .least_operands = 1,
    .most_operands = 2,
    .run = run,
};
