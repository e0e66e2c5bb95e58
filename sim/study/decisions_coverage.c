#include "study/decisions_coverage.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/decisions_spread.h"

const double decisions_coverage_levels[DECISIONS_COVERAGE_LEVELS] = {0.5, 0.8, 0.95};

static bool is_wanted(const struct predict_case *of,
                      const struct predict_result *result,
                      const struct decisions_coverage *row)
{
    return result->played && of->measured_s[row->metric] > 0 &&
           result->value_s[row->metric] > 0 && /* not if they are NAN */
           (row->model == NULL || strcmp(of->config.model_name, row->model) == 0);
}

static double spread_of(const struct predict_case *of, enum predict_metric metric)
{
    const struct constants *constants = &of->config.constants;
    return 1e-9 * (double)(metric == PREDICT_TPOT ? constants->tpot_sd_nano
                                                  : constants->ttft_sd_nano);
}

static void fill_row(struct decisions_coverage *row, const struct predict_case *cases,
                     const struct predict_result *results, int32_t n)
{
    struct decisions_spread_list widths[DECISIONS_COVERAGE_LEVELS] = {0};
    for (int32_t i = 0; i < n; i++) {
        if (!is_wanted(&cases[i], &results[i], row)) {
            continue;
        }
        double sd = spread_of(&cases[i], row->metric);
        if (sd <= 0) {
            row->n_uncalibrated++;
            continue;
        }
        double off = fabs(
            log(cases[i].measured_s[row->metric] / results[i].value_s[row->metric]));
        row->n++;
        for (int k = 0; k < DECISIONS_COVERAGE_LEVELS; k++) {
            double z = gsl_cdf_ugaussian_Pinv(0.5 + decisions_coverage_levels[k] / 2);
            row->n_inside[k] += off <= z * sd;
            decisions_spread_add(&widths[k], exp(z * sd) - exp(-z * sd));
        }
    }
    for (int k = 0; k < DECISIONS_COVERAGE_LEVELS; k++) {
        row->width[k] = decisions_spread_take(&widths[k]).median;
    }
}

static void add_row(struct decisions_coverages *out, const char *model,
                    enum predict_metric metric)
{
    out->rows = memory_grow(out->rows, (size_t)out->n + 1, sizeof *out->rows);
    out->rows[out->n++] = (struct decisions_coverage){.model = model, .metric = metric};
}

/* Whether an earlier case is about the same model. */
static bool is_known(const struct predict_case *cases,
                     const struct predict_result *results, int32_t i)
{
    for (int32_t k = 0; k < i; k++) {
        if (results[k].played &&
            strcmp(cases[k].config.model_name, cases[i].config.model_name) == 0) {
            return true;
        }
    }
    return false;
}

void decisions_coverage_score(struct decisions_coverages *out,
                              const struct predict_case *cases,
                              const struct predict_result *results, int32_t n)
{
    static const enum predict_metric metrics[] = {PREDICT_TPOT, PREDICT_TTFT};
    *out = (struct decisions_coverages){0};
    for (int m = 0; m < 2; m++) {
        add_row(out, NULL, metrics[m]);
        for (int32_t i = 0; i < n; i++) {
            if (results[i].played && !is_known(cases, results, i)) {
                add_row(out, cases[i].config.model_name, metrics[m]);
            }
        }
    }
    for (int32_t i = 0; i < out->n; i++) {
        fill_row(&out->rows[i], cases, results, n);
    }
}

void decisions_coverage_free(struct decisions_coverages *out)
{
    free(out->rows);
}
