#include "study/calibrate_report.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums over the rows of one deployment. */
struct deployment {
    double n;
    double sum;
    double squares;
};

static void add_spread(struct calibrate_errors *of,
                       const struct deployment *deployments, int32_t n_deployments)
{
    double n_found = 0;
    double n = 0;
    double inside = 0;
    double about_one = 0;
    double means = 0;
    double squares_of_means = 0;
    double by_chance = 0;
    for (int32_t i = 0; i < n_deployments; i++) {
        const struct deployment *deployment = &deployments[i];
        if (deployment->n > 0) {
            double mean = deployment->sum / deployment->n;
            n_found++;
            n += deployment->n;
            inside += deployment->squares - deployment->n * mean * mean;
            about_one += deployment->squares / deployment->n;
            means += mean;
            squares_of_means += mean * mean;
            by_chance += 1 / deployment->n;
        }
    }
    double within = n > n_found ? fmax(inside, 0) / (n - n_found) : 0;
    double between = 0;
    if (n_found > 1) {
        between = (squares_of_means - means * means / n_found) / (n_found - 1);
        between -= within * by_chance / n_found;
    }
    of->within = sqrt(within);
    of->between = sqrt(fmax(between, 0));
    of->about_one = n_found > 0 ? sqrt(about_one / n_found) : 0;
}

struct calibrate_errors calibrate_report_errors(const struct calibrate_rows *rows,
                                                const double *logs, bool is_first)
{
    double *signed_logs = memory_new((size_t)rows->n_rows + 1, sizeof *signed_logs);
    double *errors = memory_new((size_t)rows->n_rows + 1, sizeof *errors);
    struct deployment *deployments =
        memory_new((size_t)rows->n_deployments, sizeof *deployments);
    size_t n = 0;
    for (int32_t i = 0; i < rows->n_rows; i++) {
        if (rows->rows[i].is_first == is_first) {
            struct deployment *deployment =
                &deployments[rows->deployment[rows->rows[i].at]];
            deployment->n++;
            deployment->sum += logs[i];
            deployment->squares += logs[i] * logs[i];
            signed_logs[n] = logs[i];
            errors[n++] = 100 * fabs(exp(logs[i]) - 1);
        }
    }
    struct calibrate_errors of = {.n = (int64_t)n};
    if (n > 0) {
        gsl_sort(errors, 1, n);
        gsl_sort(signed_logs, 1, n);
        of.median = gsl_stats_median_from_sorted_data(errors, 1, n);
        of.mean = gsl_stats_mean(errors, 1, n);
        double middle = gsl_stats_median_from_sorted_data(signed_logs, 1, n);
        of.bias = 100 * (exp(middle) - 1);
        add_spread(&of, deployments, rows->n_deployments);
    }
    free(signed_logs);
    free(errors);
    free(deployments);
    return of;
}

static void print_constant(FILE *out, const struct calibrate *of, int32_t i,
                           const char *mark)
{
    const struct field *field = of->keys.key[i].field;
    char before[256];
    char after[256];
    field_print(field, &of->before, before);
    field_print(field, &of->constants, after);
    fprintf(out, "%s%-28s %12s %12s", mark, field->key, before, after);
    if (of->flaw[i] == CALIBRATE_UNSEEN || !isfinite(of->sd[i]) || of->sd[i] > 9.99) {
        fputs("        -\n", out);
    } else {
        fprintf(out, " %8.1f\n", 100 * of->sd[i]);
    }
}

static void print_flaws(FILE *out, const struct calibrate *of, const char *mark)
{
    static const char *const words[] = {
        [CALIBRATE_SOUND] = "",
        [CALIBRATE_UNSEEN] = "no row changes with it",
        [CALIBRATE_BOUND] = "it ends at its bound",
        [CALIBRATE_VAGUE] = "its sd is over 100 %",
    };
    for (int32_t i = 0; i < of->keys.n; i++) {
        if (of->flaw[i] != CALIBRATE_SOUND) {
            fprintf(out, "%snot identifiable from these rows: %s (%s)\n", mark,
                    of->keys.key[i].field->key, words[of->flaw[i]]);
        }
    }
    for (int32_t i = 0; i < of->keys.n; i++) {
        for (int32_t j = 0; j < i; j++) {
            double r = of->correlation[i * of->keys.n + j];
            if (fabs(r) > 0.9) {
                fprintf(out,
                        "%snot told apart by these rows: %s and %s (correlation "
                        "%+.2f)\n",
                        mark, of->keys.key[j].field->key, of->keys.key[i].field->key,
                        r);
            }
        }
    }
}

void calibrate_report_constants(FILE *out, const struct calibrate *of, const char *mark)
{
    fprintf(out, "%s%-28s %12s %12s %8s\n", mark, "constant", of->engine_name, "fitted",
            "sd, %");
    for (int32_t i = 0; i < of->keys.n; i++) {
        print_constant(out, of, i, mark);
    }
    print_flaws(out, of, mark);
    if (!of->is_robust) {
        fprintf(out,
                "%sthe sd do not say how other servers differ: for that they are of "
                "too few "
                "deployments, %" PRId32 "\n",
                mark, of->rows.n_deployments);
    }
}

static bool has_steps(const struct calibrate *of)
{
    return of->rows.cases[0].kind == MEASURED_STEP;
}

static void print_line(FILE *out, const struct calibrate *of, const char *what,
                       const double *logs, bool is_first, const char *mark)
{
    struct calibrate_errors errors = calibrate_report_errors(&of->rows, logs, is_first);
    if (errors.n > 0) {
        fprintf(out, "%s  %-26s %6" PRId64 " %8.1f %8.1f %+8.1f %8.3f %8.3f\n", mark,
                what, errors.n, errors.median, errors.mean, errors.bias, errors.between,
                errors.within);
    }
}

void calibrate_report_print_errors(FILE *out, const struct calibrate *of,
                                   const char *mark)
{
    static const char *const names[2][2] = {{"mean TPOT", "mean TTFT"},
                                            {"decode step", "prompt step"}};
    fprintf(
        out,
        "%serrors in %% of measured; sd of the logarithm between and within "
        "deployments\n"
        "%sbefore: by the preset, which may have been fitted to some of these rows\n",
        mark, mark);
    for (int first = 0; first < 2; first++) {
        fprintf(out, "%s%-28s %6s %8s %8s %8s %8s %8s\n", mark,
                names[has_steps(of) ? 1 : 0][first], "rows", "median", "mean", "bias",
                "between", "within");
        char held[60];
        snprintf(held, sizeof held, "held out by %s",
                 calibrate_hold_name(of->options->hold_out));
        print_line(out, of, "before", of->logs_before, first == 1, mark);
        print_line(out, of, "fitted", of->logs, first == 1, mark);
        if (of->logs_held != NULL) {
            print_line(out, of, held, of->logs_held, first == 1, mark);
        }
    }
    if (of->logs_held == NULL) {
        bool is_wanted = of->options->hold_out != CALIBRATE_NONE;
        fprintf(out, "%snothing was held out%s%s: expect more on other servers\n", mark,
                is_wanted ? ", all rows are of one " : "",
                is_wanted ? calibrate_hold_name(of->options->hold_out) : "");
    }
}

/* Rows of several presets share what is fitted, and nothing else. */
static bool has_others(const struct calibrate *of)
{
    for (int32_t i = 0; i < of->rows.n_cases; i++) {
        if (strcmp(of->rows.cases[i].config.engine_name, of->engine_name) != 0) {
            return true;
        }
    }
    return false;
}

void calibrate_report_print(FILE *out, const struct calibrate *of)
{
    const struct calibrate_rows *rows = &of->rows;
    fprintf(out, "%" PRId32 " of %" PRId32 " rows, %" PRId32 " deployment%s",
            rows->n_cases, rows->n_read, rows->n_deployments,
            rows->n_deployments == 1 ? "" : "s");
    if (rows->n_refused > 0) {
        fprintf(out, "; %" PRId32 " cannot be predicted, the first: %s",
                rows->n_refused, rows->refusal);
    }
    fprintf(
        out, "\n%" PRId32 " constants from %s, %s loss, %" PRId32 " iterations%s\n\n",
        of->keys.n, of->engine_name, calibrate_loss_name(of->loss.kind),
        of->outcome.n_iterations, of->outcome.by_simplex ? ", then by simplex" : "");
    calibrate_report_constants(out, of, "");
    if (has_others(of)) {
        fputs("rows of other presets have these constants too, and all else as their "
              "own preset\n",
              out);
    }
    fputc('\n', out);
    calibrate_report_print_errors(out, of, "");
}
