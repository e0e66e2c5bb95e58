#include "study/size_draws.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "study/size_line.h"

/* Adds a quantile, in order, unless it is there. */
static void add(struct size_draws *draws, double quantile)
{
    int32_t at = 0;
    while (at < draws->n && draws->quantile[at] < quantile - 1e-9) {
        at++;
    }
    if (at < draws->n && draws->quantile[at] < quantile + 1e-9) {
        return;
    }
    for (int32_t i = draws->n; i > at; i--) {
        draws->quantile[i] = draws->quantile[i - 1];
    }
    draws->quantile[at] = quantile;
    draws->n++;
}

static void fill(struct size_draws *draws, const struct config_study_runs *runs)
{
    for (int64_t i = 0; i < runs->draws; i++) {
        add(draws, ((double)i + 0.5) / (double)runs->draws);
    }
    add(draws, 0.5 - (double)runs->percent / 200);
    add(draws, 0.5 + (double)runs->percent / 200);
}

/* Faster deployments need fewer replicas than the roofline asks of the median. */
static struct size_line line_of(const struct size_variant *variant, double quantile)
{
    const struct size_fleet *best = &variant->answer.best;
    const struct size_candidate *candidate =
        &variant->candidates.list[best->candidate[0]];
    const struct pool_config *pool = &candidate->config.pools[0];
    double sd = (double)pool->constants.tpot_sd_nano * 1e-9;
    double z = fabs(quantile - 0.5) < 1e-9 ? 0 : gsl_cdf_ugaussian_Pinv(quantile);
    double slower = exp(z * sd);
    double least = floor(0.99 * slower * candidate->least);
    double committed = fmax(1, (double)pool->price.n_committed);
    double start = fmin(ceil(slower * best->replicas[0]), candidate->most);
    return (struct size_line){
        .what = {.fleet = *best, .z = z, .factor = 1},
        .least = z >= 0 ? candidate->least : (int32_t)fmax(least, committed),
        .most = candidate->most,
        .start = z == 0 ? best->replicas[0] : (int32_t)start,
    };
}

static int32_t at_quantile(const struct size_draws *draws, double quantile)
{
    int32_t at = 0;
    while (at + 1 < draws->n && draws->quantile[at] < quantile - 1e-9) {
        at++;
    }
    return draws->replicas[at];
}

int size_draws_search(struct size_variant *variant, struct err *err)
{
    struct size_draws *draws = &variant->draws;
    const struct size_fleet *best = &variant->answer.best;
    const struct config_study_runs *runs = &variant->config.study.runs;
    const struct pool_config *pool =
        &variant->candidates.list[best->candidate[0]].config.pools[0];
    if (best->n_parts != 1 || runs->draws < 2 || pool->cost.kind != COST_ROOFLINE ||
        pool->constants.tpot_sd_nano == 0) {
        return 0;
    }
    fill(draws, runs);
    struct size_case *cases = memory_new((size_t)draws->n, sizeof *cases);
    int status = 0;
    for (int32_t n_cases = 1; n_cases > 0 && status == 0;) {
        n_cases = 0;
        for (int32_t i = 0; i < draws->n; i++) {
            struct size_line_state state;
            struct size_line line = line_of(variant, draws->quantile[i]);
            size_line_look(&line, &variant->book, &state);
            draws->replicas[i] = state.meets;
            if (state.next != 0) {
                cases[n_cases++] = size_line_case(&line, state.next);
            }
        }
        status = size_book_run(&variant->book, cases, n_cases, err);
    }
    free(cases);
    draws->low = at_quantile(draws, 0.5 - (double)runs->percent / 200);
    draws->high = at_quantile(draws, 0.5 + (double)runs->percent / 200);
    return status;
}
