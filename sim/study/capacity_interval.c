#include "study/capacity_interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "study/calibrated.h"

/* Whether every pool's steps were measured somewhere, and how far off they may be. */
static bool is_known(const struct config *config)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        if (pool->cost.kind == COST_LINEAR || pool->constants.tpot_sd_nano == 0 ||
            calibrated_is_doubtful(pool)) {
            return false;
        }
    }
    return true;
}

void capacity_interval_plan(struct capacity_interval *interval,
                            const struct trial_spec *spec)
{
    int32_t n_draws = (int32_t)spec->config->study.runs.draws;
    int32_t n_seeds = spec->n_seeds;
    *interval = (struct capacity_interval){
        .is_known = is_known(spec->config),
        .list = memory_new((size_t)n_draws + (size_t)n_seeds, sizeof *interval->list),
        .low_rps = NAN,
        .high_rps = NAN,
    };
    for (int32_t i = 0; i < n_draws && interval->is_known; i++) {
        if (2 * i + 1 != n_draws) { /* the middle one is the answer */
            interval->list[interval->n++] =
                (struct capacity_again){.z = trial_quantile(i, n_draws), .seed = -1};
        }
    }
    for (int32_t i = 0; i < n_seeds && n_seeds > 1; i++) {
        interval->list[interval->n++] = (struct capacity_again){.seed = i};
    }
}

void capacity_interval_free(struct capacity_interval *interval)
{
    for (int32_t i = 0; i < interval->n; i++) {
        capacity_free(&interval->list[i].capacity);
    }
    free(interval->list);
    *interval = (struct capacity_interval){0};
}

int capacity_interval_search(struct capacity_interval *interval, int32_t i,
                             const struct trial_spec *spec,
                             const struct capacity *answer, struct err *err)
{
    struct capacity_again *again = &interval->list[i];
    struct trial trial = {.z = again->z, .rate_rps = capacity_rps(answer)};
    if (again->seed >= 0) {
        trial.first_seed = again->seed;
        trial.n_seeds = 1;
    } else { /* longer steps, fewer requests */
        double sd = (double)spec->config->pools[0].constants.tpot_sd_nano * 1e-9;
        trial.rate_rps *= exp(-again->z * sd);
    }
    return capacity_search(spec, &trial, &again->capacity, err);
}

void capacity_interval_conclude(struct capacity_interval *interval,
                                const struct trial_spec *spec,
                                const struct capacity *answer)
{
    double middle = log(capacity_rps(answer));
    double model[2] = {0, 0};    /* squares: of what changes, of z */
    double seeds[3] = {0, 0, 0}; /* how many, sum, squares */
    bool has_none = false;
    for (int32_t i = 0; i < interval->n; i++) {
        const struct capacity_again *again = &interval->list[i];
        double rps = capacity_rps(&again->capacity);
        double off = log(rps) - middle;
        has_none = has_none || !(rps > 0);
        if (rps > 0 && again->seed < 0) {
            model[0] += off * off;
            model[1] += again->z * again->z;
        } else if (rps > 0) {
            seeds[0]++;
            seeds[1] += off;
            seeds[2] += off * off;
        }
    }
    if (answer->meets < 0) {
        return;
    }
    double p = 0.5 + (double)spec->config->study.runs.percent / 200.0;
    double width = 0;
    interval->model = model[1] > 0 ? sqrt(model[0] / model[1]) : 0;
    if (seeds[0] > 1) {
        double spread = (seeds[2] - seeds[1] * seeds[1] / seeds[0]) / (seeds[0] - 1);
        interval->sampling = spread > 0 ? sqrt(spread / seeds[0]) : 0;
        width = gsl_cdf_tdist_Pinv(p, seeds[0] - 1) * interval->sampling;
    }
    bool has_model = interval->is_known && spec->config->study.runs.draws > 1;
    if (has_model) {
        width = hypot(width, gsl_cdf_ugaussian_Pinv(p) * interval->model);
    }
    if (interval->is_known && (has_model || seeds[0] > 1)) {
        interval->low_rps = has_none ? 0 : exp(middle - width);
        interval->high_rps = exp(middle + width);
    }
}
