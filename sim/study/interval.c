#include "study/interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/calibrated.h"

/* Whether every pool's engine says how far off it is. */
static bool is_known(const struct config *config)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        if (pool->cost.kind == COST_LINEAR || pool->constants.tpot_sd_nano == 0) {
            return false;
        }
    }
    return true;
}

static double ttft_sd(const struct config *config)
{
    int64_t most_nano = 0;
    for (int32_t i = 0; i < config->n_pools; i++) {
        int64_t sd_nano = config->pools[i].constants.ttft_sd_nano;
        most_nano = sd_nano > most_nano ? sd_nano : most_nano;
    }
    return (double)most_nano * 1e-9;
}

/* Runs with every pool's steps `z` of its standard deviations longer. */
static int run_end(const struct config *config, const struct run_options *options,
                   double z, struct metrics *metrics, struct err *err)
{
    struct config scaled = *config;
    struct run_options silent = *options;
    silent.folder = NULL;
    silent.verbose = NULL;
    silent.warnings = NULL;
    scaled.pools = memory_new((size_t)config->n_pools, sizeof *scaled.pools);
    for (int32_t i = 0; i < config->n_pools; i++) {
        struct pool_config *pool = &scaled.pools[i];
        *pool = config->pools[i];
        double sd = (double)pool->constants.tpot_sd_nano * 1e-9;
        pool->cost.scale_nano = llround((double)pool->cost.scale_nano * exp(z * sd));
    }
    int status = run_config(&scaled, &silent, metrics, err);
    free(scaled.pools);
    return status;
}

int interval_run(struct interval *interval, int percent, const struct config *config,
                 const struct run_options *options, struct err *err)
{
    double z = gsl_cdf_ugaussian_Pinv(0.5 + percent / 200.0);
    interval->percent = percent;
    interval->is_known = is_known(config);
    interval->ttft_factor = exp(z * ttft_sd(config));
    if (interval->is_known) {
        if (strcmp(config->workload.trace, "-") == 0) {
            return err_set(err,
                           "--interval: standard input cannot be read three times: "
                           "give a file");
        }
        if (run_end(config, options, -z, &interval->fast, err) != 0 ||
            run_end(config, options, z, &interval->slow, err) != 0) {
            return -1;
        }
    }
    return run_config(config, options, &interval->middle, err);
}

struct shown {
    const char *label;
    const char *name;
    int decimals;
    const char *unit;
    bool is_ttft;
};

static const struct shown all_shown[] = {
    {"Mean TTFT", "mean_ttft_ms", 2, "ms", true},
    {"P99 TTFT", "p99_ttft_ms", 2, "ms", true},
    {"Mean TPOT", "mean_tpot_ms", 2, "ms", false},
    {"P99 TPOT", "p99_tpot_ms", 2, "ms", false},
    {"Mean E2E", "mean_e2el_ms", 2, "ms", false},
    {"P99 E2E", "p99_e2el_ms", 2, "ms", false},
    {"Request throughput", "request_throughput", 3, "req/s", false},
    {"Output token throughput", "output_throughput", 2, "tok/s", false},
    {"Request goodput", "request_goodput", 3, "req/s", false},
    {"Cost per million tokens", "usd_per_million_tokens", 4, "USD", false},
    {"Energy per output token", "joules_per_output_token", 3, "J (uncalibrated)",
     false},
};

/* NAN where the metric has no value. */
static double value_of(const struct metrics *metrics, const char *name)
{
    const char *value = metrics_value(metrics, name);
    return value[0] != '\0' ? strtod(value, NULL) : NAN;
}

static void print_metric(FILE *out, const struct interval *interval,
                         const struct shown *shown)
{
    double middle = value_of(&interval->middle, shown->name);
    double fast = value_of(&interval->fast, shown->name);
    double slow = value_of(&interval->slow, shown->name);
    if (isnan(middle)) {
        return;
    }
    double low = fmin(middle, fmin(fast, slow)); /* NAN is passed over */
    double high = fmax(middle, fmax(fast, slow));
    if (shown->is_ttft) {
        low = fmin(low, middle / interval->ttft_factor);
        high = fmax(high, middle * interval->ttft_factor);
    }
    fprintf(out, "%-26s %14.*f %s (%d %%: %.*f - %.*f)\n", shown->label,
            shown->decimals, middle, shown->unit, interval->percent, shown->decimals,
            low, shown->decimals, high);
}

void interval_print(FILE *out, const struct interval *interval,
                    const struct config *config)
{
    if (!interval->is_known) {
        fprintf(out, "\nuncalibrated: no interval\n");
        return;
    }
    fprintf(out, "\ncalibrated on %s\n", config->pools[0].constants.source);
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        if (calibrated_has_scale(pool)) {
            fprintf(out,
                    "[pool.%s]: its scale was measured: the interval is of deployments "
                    "without one, and too wide\n",
                    pool->name);
        } else if (calibrated_is_doubtful(pool)) {
            fprintf(out, "[pool.%s]: %s: the interval is at least this wide\n",
                    pool->name, metrics_value(&interval->middle, "calibration"));
        }
    }
    for (size_t i = 0; i < sizeof all_shown / sizeof all_shown[0]; i++) {
        print_metric(out, interval, &all_shown[i]);
    }
}
