#include "study/tune_score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parallel.h"

static const double nano = 1e-9;

int tune_score_spec(struct trial_spec *spec, const struct config *config,
                    const volatile sig_atomic_t *interrupted, struct arena *arena,
                    struct err *err)
{
    const struct config_study_tune *tune = &config->study.tune;
    if (config->workload.mode == CONFIG_CLOSED) {
        return err_set(err,
                       "%s: [workload] mode: closed has no rate that could be raised; "
                       "tune needs open",
                       config->file);
    }
    if (tune->goal != CONFIG_STUDY_LATENCY) {
        return trial_spec_init(spec, config, interrupted, arena, err);
    }
    struct config judged = *config; /* [slo] as the scheduler sees it stays */
    char require[200];
    snprintf(require, sizeof require, "%.150s <= 1e300", tune->latency);
    judged.slo = (struct config_slo){.require = memory_arena_text(arena, require),
                                     .attainment_nano = 0};
    if (trial_spec_init(spec, &judged, interrupted, arena, err) != 0) {
        return -1;
    }
    spec->config = config;
    return 0;
}

double tune_score_rate(const struct tune_score *score, int64_t step)
{
    return exp((double)step * score->step);
}

static int64_t step_below(const struct tune_score *score, double rate)
{
    return (int64_t)floor(log(rate) / score->step + 1e-6);
}

/* Draws matter where something is known of step times, and steps are priced. */
static bool is_drawn(const struct config *config)
{
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        if (pool->cost.kind == COST_ROOFLINE && pool->constants.tpot_sd_nano > 0) {
            return true;
        }
    }
    return false;
}

/* The metric must be one before anything is tuned for it. */
static int check_latency(const struct config *config, struct err *err)
{
    struct err reason;
    snprintf(reason.text, sizeof reason.text, "%s", err->text);
    if (strstr(reason.text, "is no metric") == NULL) {
        return -1;
    }
    return err_set(err,
                   "%s: [tune] latency: '%.100s' is no metric of summary.csv that is a "
                   "number",
                   config->file, config->study.tune.latency);
}

int tune_score_init(struct tune_score *score, const struct trial_spec *spec,
                    struct err *err)
{
    const struct config *config = spec->config;
    const struct config_study *study = &config->study;
    struct trial trial = {.n_seeds = 1};
    struct trial_result result;
    *score = (struct tune_score){
        .goal = study->tune.goal,
        .n_draws = is_drawn(config) ? (int32_t)study->runs.draws : 1,
        .n_seeds = spec->n_seeds,
        .step = log1p((double)study->capacity.precision_nano * nano),
        .bursts = (double)study->tune.bursts_nano * nano,
        .interrupted = spec->interrupted,
    };
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        score->n_gpus += (int32_t)(pool->n_replicas * layout_gpus(&pool->layout));
    }
    if (trial_run(spec, &trial, &result, err) != 0) {
        return score->goal == CONFIG_STUDY_LATENCY ? check_latency(config, err) : -1;
    }
    if (!(result.rate_rps > 0)) {
        return err_set(
            err,
            "%s: [workload]: its requests arrive at one instant: there is no "
            "rate to begin with",
            config->file);
    }
    if (score->goal == CONFIG_STUDY_COST && !(result.usd_per_million > 0)) {
        return err_set(err,
                       "%s: [tune] goal: cost needs a price: give the pool "
                       "usd_per_hour, or tune for throughput",
                       config->file);
    }
    const double far = 10000; /* times the workload's rate */
    double least = (double)study->capacity.least_rps_nano * nano;
    double most = (double)study->capacity.most_rps_nano * nano;
    score->natural_rps = result.rate_rps;
    score->least = step_below(score, least > 0 ? least : result.rate_rps / far);
    score->most = step_below(score, most > 0 ? most : fmin(result.rate_rps * far, 1e9));
    if (score->most < score->least) {
        return err_set(err,
                       "%s: [capacity] most_rps: no rate tried is between it and "
                       "least_rps",
                       config->file);
    }
    score->first = step_below(score, result.rate_rps);
    score->first = score->first < score->least  ? score->least
                   : score->first > score->most ? score->most
                                                : score->first;
    score->n_runs = 1;
    return 0;
}

static struct trial trial_of(const struct tune_score *score,
                             const struct tune_score_job *job, double rate_rps)
{
    return (struct trial){
        .rate_rps = rate_rps,
        .z = score->n_draws > 1 ? trial_quantile(job->draw, score->n_draws) : 0,
        .first_seed = job->seed < 0 ? 0 : job->seed,
        .n_seeds = job->seed < 0 ? 0 : 1,
    };
}

/* Simulates; -1 also after an interrupt. */
static int run(const struct tune_score *score, struct tune_score_job *job,
               double rate_rps, struct trial_result *result)
{
    struct trial trial = trial_of(score, job, rate_rps);
    job->failed = trial_run(job->spec, &trial, result, &job->err) != 0;
    job->n_runs++;
    progress_add(score->progress, 1);
    return job->failed ? -1 : 0;
}

static double value_of(const struct tune_score *score,
                       const struct trial_result *result)
{
    switch ((enum config_study_goal)score->goal) {
    case CONFIG_STUDY_COST:
        return log(result->usd_per_million);
    case CONFIG_STUDY_THROUGHPUT:
        return log(score->n_gpus / result->rate_rps);
    case CONFIG_STUDY_LATENCY:
        break;
    }
    double latency = result->verdict.mean[0];
    bool lost = result->verdict.lost_share > 0.5 || isnan(latency);
    return lost ? log(1e300) : log(fmax(latency, 1e-9));
}

static int score_latency(const struct tune_score *score, struct tune_score_job *job)
{
    struct tune_score_cell *cell = &job->cell;
    struct trial_result burst;
    if (run(score, job, 0, &cell->result) != 0) {
        return -1;
    }
    cell->value = value_of(score, &cell->result);
    if (score->bursts <= 1) {
        return 0;
    }
    if (run(score, job, score->natural_rps * score->bursts, &burst) != 0) {
        return -1;
    }
    if (value_of(score, &burst) > cell->value) {
        cell->value = value_of(score, &burst);
        cell->result = burst;
    }
    return 0;
}

/* Runs at a step of the lattice; 1 if that meets [slo], and then it is the cell's. */
static int try(const struct tune_score *score, struct tune_score_job *job, int64_t step)
{
    struct trial_result result;
    if (run(score, job, tune_score_rate(score, step), &result) != 0) {
        return -1;
    }
    if (result.verdict.meets || step == score->least) {
        job->cell.step = step;
        job->cell.result = result;
        job->cell.none = !result.verdict.meets;
    }
    return result.verdict.meets ? 1 : 0;
}

/* Finds two steps, of which the lower meets [slo] and the upper does not (or is one beyond
 * the limits), by doubled strides from the start. */
static int bracket(const struct tune_score *score, struct tune_score_job *job,
                   int64_t *meets, int64_t *fails)
{
    const int64_t cold = 64;
    int64_t stride = job->start == INT64_MIN ? cold : 1;
    int64_t at = job->start == INT64_MIN ? score->first : job->start;
    at = at < score->least ? score->least : at > score->most ? score->most : at;
    int got = try(score, job, at);
    bool up = got == 1;
    while (got >= 0 && (got == 1) == up) {
        *(up ? meets : fails) = at;
        if (at == (up ? score->most : score->least)) {
            *(up ? fails : meets) = up ? at + 1 : at - 1;
            return 0;
        }
        at = up ? at + stride : at - stride;
        at = at < score->least ? score->least : at > score->most ? score->most : at;
        stride *= 2;
        got = try(score, job, at);
    }
    *(up ? fails : meets) = at;
    return got < 0 ? -1 : 0;
}

static int score_rate(const struct tune_score *score, struct tune_score_job *job)
{
    int64_t meets = 0;
    int64_t fails = 0;
    if (bracket(score, job, &meets, &fails) != 0) {
        return -1;
    }
    while (fails - meets > 1) {
        int64_t at = meets + (fails - meets) / 2;
        int got = try(score, job, at);
        if (got < 0) {
            return -1;
        }
        *(got == 1 ? &meets : &fails) = at;
    }
    struct tune_score_cell *cell = &job->cell;
    cell->value = value_of(score, &cell->result) + (cell->none ? score->step : 0);
    return 0;
}

static void score_job(const struct tune_score *score, struct tune_score_job *job)
{
    if (score->goal == CONFIG_STUDY_LATENCY) {
        score_latency(score, job);
    } else if (!job->screens) {
        score_rate(score, job);
    } else {
        struct trial_result result;
        int64_t step = job->start + 1;
        if (step <= score->most &&
            run(score, job, tune_score_rate(score, step), &result) == 0) {
            job->is_better = result.verdict.meets;
        }
    }
}

struct scoring {
    const struct tune_score *score;
    struct tune_score_job *jobs;
};

static bool visit(void *state, int32_t i)
{
    const struct scoring *scoring = state;
    const volatile sig_atomic_t *interrupted = scoring->score->interrupted;
    score_job(scoring->score, &scoring->jobs[i]);
    return interrupted == NULL || !*interrupted;
}

int tune_score_all(struct tune_score *score, struct tune_score_job *jobs, int32_t n,
                   struct err *err)
{
    struct scoring scoring = {.score = score, .jobs = jobs};
    parallel_each(n, score->n_threads, visit, &scoring);
    if (score->interrupted != NULL && *score->interrupted) {
        return err_set(err, "interrupted: nothing was written");
    }
    for (int32_t i = 0; i < n; i++) {
        score->n_runs += jobs[i].n_runs;
    }
    return 0;
}
