#include "study/trial.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "input/workload.h"
#include "study/run.h"

static const double nano = 1e-9;

double trial_quantile(int32_t i, int32_t n)
{
    return gsl_cdf_ugaussian_Pinv((i + 0.5) / n);
}

/* Whether what arrives may be a session, or an agent's task: [workload] rate_rps is the rate
 * of their starts. */
static bool has_sessions(const struct generate_spec *spec)
{
    bool has = false;
    for (int32_t i = 0; spec != NULL && i < spec->n_clients; i++) {
        has = has || spec->clients[i].kind != TALK_REQUESTS;
    }
    return has;
}

/* Those who wait come when the server has answered: no rate is theirs that could be raised,
 * and what a fleet is to bear depends on the fleet. */
static int refuse_waiting(const struct config *config, struct err *err)
{
    bool is_drawn = config->workload.spec != NULL;
    return err_set(
        err,
        "%s: [workload] %s: requests wait for others (%s), so that the server "
        "decides when they come; a study needs a load that does not depend on "
        "it: %s",
        config->file, is_drawn ? "generator" : "trace",
        is_drawn ? "timing = wait, [agent]" : "parent_id",
        is_drawn ? "[sessions] with timing = timed"
                 : "dependencies = ignore plays every row when it says");
}

/* How many requests the workload has. */
static int count_rows(struct trial_spec *spec, struct err *err)
{
    struct workload workload;
    struct sim_arrival arrival;
    struct config_workload config = spec->config->workload;
    config.rate_rps_nano = 0;
    config.cooldown_ns = 0; /* nothing that would read it twice */
    if (workload_open(&workload, &config, (uint64_t)spec->config->run.seed,
                      spec->interrupted, err) != 0) {
        return -1;
    }
    int got;
    while ((got = workload_next(&workload, &arrival, err)) > 0) {
        spec->n_rows++;
        spec->mean_prompt += (double)arrival.prompt_tokens;
        spec->mean_output += (double)arrival.output_tokens;
        bool waits = arrival.parents != NULL;
        free(arrival.labels);
        free(arrival.parts);
        if (waits) {
            got = refuse_waiting(spec->config, err);
            break;
        }
        if (spec->interrupted != NULL && *spec->interrupted) {
            got = err_set(err, "interrupted: nothing was written");
            break;
        }
    }
    workload_close(&workload);
    spec->mean_prompt /= (double)(spec->n_rows > 0 ? spec->n_rows : 1);
    spec->mean_output /= (double)(spec->n_rows > 0 ? spec->n_rows : 1);
    return got;
}

/* What else than its traffic is drawn in a run. */
static bool draws_behaviour(const struct config *config)
{
    bool draws = config->fail.mtbf_ns > 0 || config->fail.spot_mtbf_ns > 0;
    const char *const routes[] = {config->route.policy, config->route.decode_policy};
    for (int i = 0; i < 2; i++) {
        draws = draws || strcmp(routes[i], "random") == 0 ||
                strcmp(routes[i], "power_of_two") == 0;
    }
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        draws = draws || pool->speculative.method != SPECULATIVE_NONE ||
                pool->scheduler.predictor == POOL_NOISY;
    }
    return draws;
}

int trial_spec_init(struct trial_spec *spec, const struct config *config,
                    const volatile sig_atomic_t *interrupted, struct arena *arena,
                    struct err *err)
{
    const struct config_study_runs *runs = &config->study.runs;
    *spec = (struct trial_spec){
        .config = config,
        .n_seeds = (int32_t)runs->seeds,
        .rate_unit = has_sessions(config->workload.spec) ? "starts/s" : "req/s",
        .n_threads = 1,
        .interrupted = interrupted,
    };
    spec->draws_traffic =
        config->workload.spec != NULL || config->workload.resample_ns > 0;
    spec->draws = spec->draws_traffic || draws_behaviour(config);
    spec->n_seeds = spec->draws ? spec->n_seeds : 1;
    if (config->workload.mode == CONFIG_CLOSED) {
        return err_set(err,
                       "%s: [workload] mode: closed has no rate: its clients send when "
                       "they are answered; a study needs mode = open",
                       config->file);
    }
    if (strcmp(config->workload.trace, "-") == 0) {
        return err_set(err,
                       "%s: [workload] trace: '-' is standard input, which cannot be "
                       "read once per run",
                       config->file);
    }
    if (goal_read(&spec->goal, config, arena, err) != 0 || count_rows(spec, err) != 0) {
        return -1;
    }
    spec->n_requests = runs->requests > 0 ? runs->requests : spec->n_rows;
    return 0;
}

static bool needs_itl(const struct goal *goal)
{
    for (int32_t i = 0; i < goal->n; i++) {
        if (strstr(goal->list[i].metric, "_itl_") != NULL) {
            return true;
        }
    }
    return false;
}

double trial_ttft_factor(const struct config *config, double z)
{
    double most = 0;
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        double more =
            (double)(pool->constants.ttft_sd_nano - pool->constants.tpot_sd_nano) *
            nano;
        most = pool->cost.kind == COST_ROOFLINE && more > most ? more : most;
    }
    return exp(z * most);
}

void trial_config(const struct trial_spec *spec, const struct trial *trial,
                  int32_t seed, struct config *config, struct pool_config *pools)
{
    const struct config_study_runs *runs = &spec->config->study.runs;
    int64_t n = spec->n_requests;
    *config = *spec->config;
    config->pools = pools;
    for (int32_t i = 0; i < config->n_pools; i++) {
        struct pool_config *pool = &pools[i];
        *pool = spec->config->pools[i];
        double sd = (double)pool->constants.tpot_sd_nano * nano;
        if (trial->z != 0 && pool->cost.kind == COST_ROOFLINE) {
            pool->cost.scale_nano =
                llround((double)pool->cost.scale_nano * exp(trial->z * sd));
        }
    }
    if (config->slo.ttft_ns > 0) {
        double ns =
            (double)config->slo.ttft_ns / trial_ttft_factor(spec->config, trial->z);
        config->slo.ttft_ns = ns > 1 ? llround(ns) : 1;
    }
    config->run.seed =
        (int64_t)((uint64_t)config->run.seed + (uint64_t)seed) & INT64_MAX;
    if (trial->rate_rps > 0) {
        config->workload.rate_scale_nano = 1000000000;
        config->workload.rate_rps_nano = llround(trial->rate_rps / nano);
    }
    bool is_drawn = config->workload.spec != NULL || config->workload.resample_ns > 0;
    if (n > spec->n_rows && !is_drawn) { /* a limit draws as many as it says */
        config->workload.repeat *= (n + spec->n_rows - 1) / spec->n_rows;
    }
    config->workload.limit = n;
    config->workload.count_from =
        (int64_t)((double)n * ((double)runs->warmup_nano * nano));
    config->workload.count_to =
        n - (int64_t)((double)n * ((double)runs->cooldown_nano * nano));
    config->output.itl = config->output.itl && needs_itl(&spec->goal);
    config->output.steps = 0;
    config->output.sessions = 0;
}

static double mean_of(const struct metrics *runs, int32_t n, const char *name)
{
    double sum = 0;
    int32_t n_told = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct metric *metric = metrics_find(&runs[i], name);
        if (metric != NULL && metric->value[0] != '\0') {
            sum += strtod(metric->value, NULL);
            n_told++;
        }
    }
    return n_told > 0 ? sum / n_told : NAN;
}

static void sum_up(const struct metrics *runs, int32_t n, struct trial_result *result)
{
    double completed = mean_of(runs, n, "completed");
    double input = mean_of(runs, n, "total_input_tokens") / completed;
    double output = mean_of(runs, n, "total_output_tokens") / completed;
    double hours = mean_of(runs, n, "simulated_time") / 3600;
    double usd = mean_of(runs, n, "total_cost_usd") -
                 mean_of(runs, n, "rounding_up_cost_usd"); /* of a run's short time */
    double joules = mean_of(runs, n, "facility_energy_j");
    snprintf(result->price_basis, sizeof result->price_basis, "%s",
             metrics_value(&runs[0], "price_basis"));
    result->rate_rps = mean_of(runs, n, "offered_rate");
    result->requests_per_s = result->rate_rps;
    result->tokens_per_s = result->rate_rps * (input + output);
    result->output_per_s = result->rate_rps * output;
    result->usd_per_hour = usd / hours;
    result->usd_per_million = result->usd_per_hour / 3600 / result->tokens_per_s * 1e6;
    result->usd_per_million_output =
        result->usd_per_hour / 3600 / result->output_per_s * 1e6;
    result->joules_per_output = joules / hours / 3600 / result->output_per_s;
    result->mean_ttft_ms = mean_of(runs, n, "mean_ttft_ms");
    result->mean_tpot_ms = mean_of(runs, n, "mean_tpot_ms");
    result->p99_ttft_ms = mean_of(runs, n, "p99_ttft_ms");
    result->p99_tpot_ms = mean_of(runs, n, "p99_tpot_ms");
    result->attainment = mean_of(runs, n, "slo_attainment");
}

/* The runs of one trial, which differ in their seed. */
struct running {
    const struct trial_spec *spec;
    const struct trial *trial;
    struct metrics *runs;
    struct err *errs;
    bool *failed;
};

static bool run_seed(void *state, int32_t i)
{
    const struct running *running = state;
    const struct trial_spec *spec = running->spec;
    struct run_options options = {.interrupted = spec->interrupted};
    struct pool_config *pools =
        memory_new((size_t)spec->config->n_pools, sizeof *pools);
    struct config config;
    trial_config(spec, running->trial, running->trial->first_seed + i, &config, pools);
    running->failed[i] =
        run_config(&config, &options, &running->runs[i], &running->errs[i]) != 0;
    free(pools);
    return !running->failed[i];
}

static int run_seeds(const struct trial_spec *spec, const struct trial *trial,
                     struct metrics *runs, int32_t n, struct err *err)
{
    struct running running = {
        .spec = spec,
        .trial = trial,
        .runs = runs,
        .errs = memory_new((size_t)n, sizeof *running.errs),
        .failed = memory_new((size_t)n, sizeof *running.failed),
    };
    int status = 0;
    parallel_each(n, spec->n_threads, run_seed, &running);
    for (int32_t i = 0; i < n && status == 0; i++) {
        if (running.failed[i]) {
            *err = running.errs[i];
            status = -1;
        }
    }
    free(running.errs);
    free(running.failed);
    return status;
}

int trial_run(const struct trial_spec *spec, const struct trial *trial,
              struct trial_result *result, struct err *err)
{
    int32_t n = trial->n_seeds > 0 ? trial->n_seeds : spec->n_seeds;
    struct metrics *runs = memory_new((size_t)n, sizeof *runs);
    const struct metrics **told = memory_new((size_t)n, sizeof(const struct metrics *));
    for (int32_t i = 0; i < n; i++) {
        told[i] = &runs[i];
    }
    int status = run_seeds(spec, trial, runs, n, err);
    if (status == 0) {
        struct goal goal = spec->goal;
        goal_scale_ttft(&goal, 1 / trial_ttft_factor(spec->config, trial->z));
        status = goal_judge(&goal, told, n, &result->verdict, err);
    }
    if (status == 0) {
        sum_up(runs, n, result);
        if (trial->rate_rps > 0) {
            result->rate_rps = trial->rate_rps;
        }
    }
    free(told);
    free(runs);
    return status;
}

struct playing {
    const struct trial_spec *const *specs;
    const struct trial *trials;
    struct trial_result *results;
    struct err *errs;
    bool *failed;
};

static bool play_one(void *state, int32_t i)
{
    const struct playing *playing = state;
    playing->failed[i] = trial_run(playing->specs[i], &playing->trials[i],
                                   &playing->results[i], &playing->errs[i]) != 0;
    return !playing->failed[i];
}

int trial_run_all(const struct trial_spec *const *specs, const struct trial *trials,
                  struct trial_result *results, int32_t n, int32_t n_threads,
                  struct err *err)
{
    struct playing playing = {
        .specs = specs,
        .trials = trials,
        .results = results,
        .errs = memory_new((size_t)n, sizeof *playing.errs),
        .failed = memory_new((size_t)n, sizeof *playing.failed),
    };
    parallel_each(n, n_threads, play_one, &playing);
    int status = 0;
    for (int32_t i = 0; i < n && status == 0; i++) {
        if (playing.failed[i]) {
            *err = playing.errs[i];
            status = -1;
        }
    }
    free(playing.errs);
    free(playing.failed);
    return status;
}
