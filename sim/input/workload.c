#include "input/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/config_workload.h"
#include "input/workload_row.h"

/* Leaves room to add durations to arrivals. */
static const int64_t most_ns = INT64_MAX / 4;

/* Twice this and a divisor still fit 128 bits. */
static const wide most_product = (wide)INT64_MAX << 61;

/* Reads the whole trace once for its rows, its first and its last arrival. */
static int scan(struct workload *workload, struct err *err)
{
    struct trace_row row;
    int got;
    while ((got = detick_next(&workload->detick, workload->trace, &row, err)) > 0) {
        if (workload->interrupted != NULL && *workload->interrupted) {
            return err_set(err, "interrupted: nothing was written");
        }
        if (workload->n_rows == 0) {
            workload->first_ns = row.arrival_ns;
        }
        workload->last_ns = row.arrival_ns;
        workload->n_rows++;
        if (workload->config->limit > 0 &&
            workload->n_rows == workload->config->limit) {
            break;
        }
    }
    return got < 0 ? -1 : 0;
}

/* One copy's length and the mean gap to the next copy. */
static void set_period(struct workload *workload)
{
    int64_t span_ns = workload->last_ns - workload->first_ns;
    int64_t n_gaps = workload->n_rows - 1;
    workload->period_ns =
        span_ns + (n_gaps > 0 ? (int64_t)wide_div_half_up(span_ns, n_gaps) : 0);
}

/* Arrivals are multiplied by `multiply` / `divide`, in lowest terms. */
static void set_factor(struct workload *workload, wide multiply, wide divide)
{
    wide a = multiply;
    wide b = divide;
    while (b != 0) {
        wide rest = a % b;
        a = b;
        b = rest;
    }
    workload->multiply = multiply / a;
    workload->divide = divide / a;
}

/* The mean rate of the first `limit` rows is (rows - 1) / (last - first). */
static int set_rate(struct workload *workload, struct err *err)
{
    const struct config_workload *config = workload->config;
    int64_t span_ns = workload->last_ns - workload->first_ns;
    if (workload->n_rows < 2 || span_ns == 0) {
        return err_set(
            err,
            "%s: [workload] rate_rps: the trace's rate is not defined: its requests "
            "arrive at one instant",
            config->trace);
    }
    set_factor(workload, (wide)(workload->n_rows - 1) * 1000000000 * 1000000000,
               (wide)span_ns * config->rate_rps_nano);
    return 0;
}

/* The scaled arrival, half up; most_ns if it is later than the clock can say. */
static int64_t scaled(const struct workload *workload, wide arrival_ns)
{
    if (workload->multiply == workload->divide) {
        return arrival_ns < most_ns ? (int64_t)arrival_ns : most_ns;
    }
    if (arrival_ns > most_product / workload->multiply) {
        return most_ns;
    }
    wide numerator = 2 * arrival_ns * workload->multiply + workload->divide;
    wide ns;
    if (numerator < INT64_MAX && workload->divide < INT64_MAX / 2) {
        ns = (int64_t)numerator / (2 * (int64_t)workload->divide);
    } else {
        ns = numerator / (2 * workload->divide);
    }
    return ns < most_ns ? (int64_t)ns : most_ns;
}

/* Where the cooldown begins: at the last arrival less its length. */
static int set_window_end(struct workload *workload, struct err *err)
{
    const struct config_workload *config = workload->config;
    int64_t n_copies = config->repeat;
    if (config->repeat > 1 && config->limit > 0 &&
        config->limit < config->repeat * workload->n_rows) {
        n_copies = config->limit / workload->n_rows;
        if (config->limit % workload->n_rows != 0) {
            return err_set(err,
                           "%s: [workload] cooldown: with repeat, limit must be "
                           "whole copies of the trace",
                           config->trace);
        }
    }
    wide end_ns = workload->last_ns + (wide)(n_copies - 1) * workload->period_ns;
    workload->window_end_ns = scaled(workload, end_ns) - config->cooldown_ns;
    return 0;
}

/* A generator draws with the wanted rate; all else must know what it scales or ends. */
static int need_scan(const struct config_workload *config)
{
    return (config->rate_rps_nano > 0 && config->spec == NULL) ||
           config->cooldown_ns > 0;
}

/* How many rows blocks give before the end. */
static int64_t n_resampled(const struct workload *workload)
{
    const struct config_workload *config = workload->config;
    return config->limit > 0 ? config->limit : workload->resample->n_rows;
}

/* The rate of the trace that blocks are drawn from, and when the last of them ends. */
static int scan_blocks(struct workload *workload, struct err *err)
{
    struct resample *resample = workload->resample;
    workload->n_rows = resample->n_rows;
    workload->last_ns = resample->rows[resample->n_rows - 1].arrival_ns;
    if (workload->config->rate_rps_nano > 0 && set_rate(workload, err) != 0) {
        return -1;
    }
    if (workload->config->cooldown_ns > 0) {
        struct trace_row row;
        for (int64_t i = n_resampled(workload); i > 0; i--) {
            if (workload->interrupted != NULL && *workload->interrupted) {
                return err_set(err, "interrupted: nothing was written");
            }
            resample_next(resample, &row);
            workload->last_ns = row.arrival_ns;
        }
        resample_restart(resample);
    }
    return 0;
}

static int scan_trace(struct workload *workload, struct err *err)
{
    if (scan(workload, err) != 0 ||
        detick_rewind(&workload->detick, workload->trace, err) != 0 ||
        (workload->config->rate_rps_nano > 0 && set_rate(workload, err) != 0)) {
        return -1;
    }
    set_period(workload);
    return 0;
}

/* What must be known before the first request. */
static int look_ahead(struct workload *workload, struct err *err)
{
    const struct config_workload *config = workload->config;
    int status = workload->draw != NULL
                     ? generate_last(&workload->draw->spec, workload->interrupted,
                                     &workload->last_ns, err)
                 : workload->resample != NULL ? scan_blocks(workload, err)
                                              : scan_trace(workload, err);
    if (status == 0 && config->cooldown_ns > 0) {
        status = set_window_end(workload, err);
    }
    workload->n_rows = 0;
    return status;
}

/* A reader of the trace as the configuration wants it; NULL and `err` if there is none. */
static struct trace *open_trace(const struct config_workload *config, struct err *err)
{
    struct trace *trace =
        trace_open(config->trace, config->format, config->on_bad_row != 0, err);
    if (trace != NULL) {
        trace_keep(trace, config->from_ns, config->until_ns);
    }
    return trace;
}

static int open_detick(struct workload *workload, uint64_t seed, struct err *err)
{
    const struct config_workload *config = workload->config;
    struct trace *ahead = open_trace(config, err);
    if (ahead == NULL) {
        return -1;
    }
    detick_init(&workload->detick, ahead, config->trace, config->detick_ns, seed);
    return 0;
}

static int open_source(struct workload *workload, uint64_t seed, struct err *err)
{
    const struct config_workload *config = workload->config;
    if (config->spec != NULL) {
        workload->draw = workload_draw_new(config, seed);
        workload->file = workload->draw->file;
        return 0;
    }
    workload->file = strcmp(config->trace, "-") == 0 ? "standard input" : config->trace;
    workload->trace = open_trace(config, err);
    if (workload->trace == NULL) {
        return -1;
    }
    if (config->detick_ns > 0) {
        return open_detick(workload, seed, err);
    }
    if (config->resample_ns == 0) {
        return 0;
    }
    workload->resample = memory_new(1, sizeof *workload->resample);
    return resample_open(workload->resample, workload->trace, config->trace,
                         config->resample_ns, seed, workload->interrupted, err);
}

int workload_open(struct workload *workload, const struct config_workload *config,
                  uint64_t seed, const volatile sig_atomic_t *interrupted,
                  struct err *err)
{
    if (config_workload_check(config, err) != 0 ||
        config_workload_check_trace(config, err) != 0) {
        return -1;
    }
    *workload = (struct workload){
        .config = config,
        .interrupted = interrupted,
        .window_start_ns = -1,
        .window_end_ns = INT64_MAX,
    };
    set_factor(workload, 1000000000, config->rate_scale_nano);
    if (open_source(workload, seed, err) != 0 ||
        (need_scan(config) && look_ahead(workload, err) != 0)) {
        workload_close(workload);
        return -1;
    }
    return 0;
}

void workload_close(struct workload *workload)
{
    if (workload->trace != NULL) {
        trace_close(workload->trace);
        workload->trace = NULL;
    }
    detick_close(&workload->detick);
    if (workload->draw != NULL) {
        workload_draw_free(workload->draw);
        workload->draw = NULL;
    }
    if (workload->resample != NULL) {
        resample_close(workload->resample);
        free(workload->resample);
        workload->resample = NULL;
    }
    sessions_free(&workload->sessions);
    names_free(&workload->adapters);
}

/* The next row, of the next copy of the trace where one has ended. */
static int next_of_trace(struct workload *workload, struct trace_row *row,
                         struct err *err)
{
    const struct config_workload *config = workload->config;
    for (;;) {
        int got = detick_next(&workload->detick, workload->trace, row, err);
        if (got < 0) {
            return -1;
        }
        if (got > 0) {
            if (workload->copy == 0) {
                workload->first_ns =
                    workload->n_rows == 0 ? row->arrival_ns : workload->first_ns;
                workload->last_ns = row->arrival_ns;
                workload->n_rows++;
            }
            return 1;
        }
        if (workload->n_rows == 0) {
            return trace_refuse_empty(workload->trace, err);
        }
        set_period(workload);
        if (++workload->copy >= config->repeat) {
            return 0;
        }
        if (detick_rewind(&workload->detick, workload->trace, err) != 0) {
            return -1;
        }
    }
}

static int next_row(struct workload *workload, struct trace_row *row, struct err *err)
{
    if (workload->draw != NULL) {
        return workload_draw_next(workload->draw, row, err);
    }
    if (workload->resample == NULL) {
        return next_of_trace(workload, row, err);
    }
    if (workload->n_given == n_resampled(workload)) {
        return 0;
    }
    resample_next(workload->resample, row);
    return 1;
}

/* Whether the request that is about to be given is in the measurement window. */
static bool is_counted(const struct workload *workload, int64_t arrival_ns)
{
    const struct config_workload *config = workload->config;
    int64_t index = workload->n_given;
    return arrival_ns >= workload->window_start_ns &&
           arrival_ns <= workload->window_end_ns && index >= config->count_from &&
           (config->count_to == 0 || index < config->count_to);
}

int workload_next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct workload *workload = state;
    const struct config_workload *config = workload->config;
    if (config->limit > 0 && workload->n_given == config->limit) {
        return 0;
    }
    struct trace_row row;
    int got = next_row(workload, &row, err);
    if (got <= 0) {
        return got;
    }
    wide shifted = row.arrival_ns + (wide)workload->copy * workload->period_ns;
    if (config->mode == CONFIG_CLOSED) {
        shifted = 0; /* arrivals mean nothing: input/closed.h */
    }
    if (shifted * 2 > most_ns) {
        return err_at(err, workload->file, row.line,
                      "the arrival is too late for this clock");
    }
    int64_t arrival_ns = scaled(workload, shifted);
    if (arrival_ns >= most_ns) {
        return err_at(err, workload->file, row.line,
                      "the arrival is too late for this clock once it is scaled");
    }
    if (workload->window_start_ns < 0) {
        workload->window_start_ns = arrival_ns + config->warmup_ns;
    }
    workload_row_describe(workload, &row, (int64_t)shifted, arrival);
    arrival->arrival_ns = arrival_ns;
    arrival->counted = is_counted(workload, arrival_ns);
    workload->n_given++;
    return 1;
}

int workload_sha256(struct workload *workload, char hex[65], struct err *err)
{
    const char *expected = workload->config->trace_sha256;
    hex[0] = '\0';
    if (workload->trace == NULL) {
        return 0;
    }
    if (trace_sha256(workload->trace, hex, err) != 0) {
        return -1;
    }
    if (expected[0] != '\0' && strcmp(expected, hex) != 0) {
        return err_set(err,
                       "%s: its sha256 is %s, and [workload] trace_sha256 expects %s",
                       workload->config->trace, hex, expected);
    }
    return 0;
}
