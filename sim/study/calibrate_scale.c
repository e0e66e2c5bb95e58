#include "study/calibrate_scale.h"

#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/calibrate_report.h"

/* An engine without tpot_sd was never calibrated: a factor of 1.35 is no surprise. */
static const double assumed_sd = 0.3;

/* Points of one deployment scatter by half of what deployments differ by; that counts as
 * much as the scatter of four points more. */
static const double share_within = 0.5;
static const double n_believed = 4;

static const double nano = 1e-9;

/* Beyond twice the expected scatter a point counts less, in proportion. */
static double weight_of(double log_ratio, double middle, double within)
{
    double away = fabs(log_ratio - middle);
    return away <= 2 * within ? 1 : 2 * within / away;
}

struct sums {
    double weight;
    double mean;
    double squares; /* about the mean */
};

/* The weighted mean of log(measured / predicted), points far from it counting less. */
static struct sums robust_mean(const struct calibrate_rows *rows, const double *logs,
                               double within)
{
    enum { ROUNDS = 20 };
    struct sums sums = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct sums next = {0};
        for (int32_t i = 0; i < rows->n_rows; i++) {
            /* the rows' own softening is for fits of many deployments */
            double importance = rows->rows[i].metric == PREDICT_TTFT ? 0.35 * 0.35 : 1;
            double odd = round == 0 ? 1 : weight_of(-logs[i], sums.mean, within);
            double weight = importance * odd;
            double away = -logs[i] - sums.mean;
            next.weight += weight;
            next.mean += weight * -logs[i];
            next.squares += weight * away * away;
        }
        next.mean /= next.weight;
        sums = next;
    }
    return sums;
}

static void work_out(struct calibrate_scale *of)
{
    double prior = of->expected_sd * of->expected_sd;
    double within = share_within * of->expected_sd;
    struct sums sums = robust_mean(&of->rows, of->logs_before, within);
    double scatter = (n_believed * within * within + sums.squares) /
                     (n_believed + fmax(sums.weight - 1, 0));
    double told = sums.weight / scatter;
    of->log_scale = sums.mean * told / (told + 1 / prior);
    of->sd = sqrt(1 / (told + 1 / prior));
}

/* Refuses rows of several servers, by the first two. */
static int check_one(const struct calibrate_rows *rows, const char *path,
                     struct err *err)
{
    for (int32_t i = 0; i < rows->n_cases; i++) {
        if (rows->deployment[i] != 0) {
            const struct measured_server *a = &rows->cases[0].row.server;
            const struct measured_server *b = &rows->cases[i].row.server;
            return err_set(err,
                           "%s: holds %" PRId32 " deployments, and a scale is of one: "
                           "%s on %s with %s %s tp %" PRId64 ", %s on %s with %s %s tp "
                           "%" PRId64,
                           path, rows->n_deployments, a->model, a->system, a->backend,
                           a->backend_version, a->tensor_parallel, b->model, b->system,
                           b->backend, b->backend_version, b->tensor_parallel);
        }
    }
    return 0;
}

/* The factor as it is to be pasted: four digits. */
static double scale_of(const struct calibrate_scale *of)
{
    double value = of->before * exp(of->log_scale);
    return floor(value * 1e3 + 0.5) / 1e3;
}

int calibrate_scale_fit(struct calibrate_scale *of, const char *path,
                        const struct config *base, const char *engine,
                        int32_t n_threads, const volatile sig_atomic_t *interrupted,
                        struct arena *arena, struct err *err)
{
    *of = (struct calibrate_scale){
        .rows = {.n_threads = n_threads, .interrupted = interrupted}};
    struct calibrate_rows *rows = &of->rows;
    if (calibrate_rows_read(rows, path, base, engine, arena, err) != 0 ||
        check_one(rows, path, err) != 0) {
        return -1;
    }
    of->logs_before = memory_new((size_t)rows->n_rows, sizeof *of->logs_before);
    of->logs = memory_new((size_t)rows->n_rows, sizeof *of->logs);
    calibrate_rows_logs(rows, of->logs_before);
    of->expected_sd = (double)rows->cases[0].config.constants.tpot_sd_nano * nano;
    of->is_assumed = of->expected_sd <= 0;
    of->expected_sd = of->is_assumed ? assumed_sd : of->expected_sd;
    of->before = (double)rows->cases[0].config.cost.scale_nano * nano;
    work_out(of);
    for (int32_t i = 0; i < rows->n_cases; i++) {
        rows->cases[i].config.cost.scale_nano = llround(scale_of(of) / nano);
    }
    return calibrate_rows_play(rows, of->logs) == 0 ? 0 : calibrate_rows_stopped(err);
}

static void print_errors(FILE *out, const struct calibrate_scale *of, bool is_first)
{
    struct calibrate_errors before =
        calibrate_report_errors(&of->rows, of->logs_before, is_first);
    struct calibrate_errors after =
        calibrate_report_errors(&of->rows, of->logs, is_first);
    if (before.n > 0) {
        fprintf(out, "%-20s %5" PRId64 " %8.1f %8.1f %+8.1f %8.1f %8.1f %+8.1f\n",
                is_first ? "first tokens" : "tokens after them", before.n,
                before.median, before.mean, before.bias, after.median, after.mean,
                after.bias);
    }
}

void calibrate_scale_print(FILE *out, const struct calibrate_scale *of)
{
    const double ten_percent =
        1.2816; /* of a normal distribution lie beyond, each side */
    double scale = scale_of(of);
    double factor = exp(ten_percent * of->sd);
    fprintf(out,
            "scale %.3f, 80 %% interval %.3f to %.3f, from %" PRId32 " of %" PRId32
            " rows\n",
            scale, scale / factor, scale * factor, of->rows.n_cases, of->rows.n_read);
    fprintf(out, "drawn towards %.3f by an expected sd of %.2f%s\n\n", of->before,
            of->expected_sd,
            of->is_assumed ? " (assumed: the engine has no tpot_sd)" : "");
    fprintf(out, "%-20s %5s %26s %26s\n", "% of measured", "rows", "without it",
            "with it");
    fprintf(out, "%-20s %5s %8s %8s %8s %8s %8s %8s\n", "", "", "median", "mean",
            "bias", "median", "mean", "bias");
    print_errors(out, of, false);
    print_errors(out, of, true);
    fprintf(out,
            "\nThe rows are those it was worked out from.  For the pool:\n\n"
            "scale = %.3f\n",
            scale);
}

void calibrate_scale_free(struct calibrate_scale *of)
{
    calibrate_rows_free(&of->rows);
    free(of->logs_before);
    free(of->logs);
}
