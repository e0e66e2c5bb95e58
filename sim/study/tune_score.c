#include "study/tune_score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "study/capacity.h"

static const double nano = 1e-9;

/* So many times the workload's rate is less than any fleet is looked at for. */
static const double nobodys = 1e6;

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

double tune_score_burst(const struct tune_score *score)
{
    char text[40];
    snprintf(text, sizeof text, "%.5e", score->natural_rps * score->bursts);
    return strtod(text, NULL);
}

double tune_score_rate(const struct tune_score *score, int32_t step)
{
    return capacity_rate(expm1(score->step), step);
}

/* Draws matter where something is known of step times, and steps are priced. */
static bool has_draws(const struct config *config)
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
        .n_draws = has_draws(config) ? (int32_t)study->runs.draws : 1,
        .n_seeds = spec->n_seeds,
        .is_drawn = spec->draws_traffic,
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
    score->natural_rps = result.rate_rps;
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
    if (run(score, job, tune_score_burst(score), &burst) != 0) {
        return -1;
    }
    if (value_of(score, &burst) > cell->value) {
        cell->value = value_of(score, &burst);
        cell->result = burst;
    }
    return 0;
}

/* The highest rate within [slo], as `servesim capacity` finds it. */
static int score_rate(const struct tune_score *score, struct tune_score_job *job)
{
    struct tune_score_cell *cell = &job->cell;
    struct capacity capacity;
    struct trial like = trial_of(
        score, job, job->start == INT32_MIN ? 0 : tune_score_rate(score, job->start));
    job->failed = capacity_search(job->spec, &like, &capacity, &job->err) != 0;
    job->n_runs += capacity.n_tries;
    progress_add(score->progress, capacity.n_tries);
    if (!job->failed) {
        const struct capacity_try *at =
            &capacity.tries[capacity.meets < 0 ? capacity.fails : capacity.meets];
        cell->none = capacity.meets < 0;
        cell->any = !cell->none && capacity.fails < 0;
        cell->step = at->power;
        cell->result = at->result;
        cell->value = value_of(score, &at->result);
    }
    if (!job->failed &&
        cell->none) { /* as if it met just below a rate that is nobody's */
        double least = score->natural_rps / nobodys;
        cell->value += log(fmax(cell->result.rate_rps, least) / least);
    }
    capacity_free(&capacity);
    return job->failed ? -1 : 0;
}

/* How far the criterion that is met least is missed, in shares of its bound. */
static double missed(const struct goal *goal, const struct goal_verdict *verdict)
{
    const struct goal_criterion *worst = &goal->list[verdict->worst];
    double mean = verdict->mean[verdict->worst];
    double over = worst->at_least ? worst->bound - mean : mean - worst->bound;
    return isnan(mean) ? 1e300 : worst->bound > 0 ? over / worst->bound : over;
}

static int score_at(const struct tune_score *score, struct tune_score_job *job)
{
    struct tune_score_cell *cell = &job->cell;
    if (run(score, job, job->rate_rps, &cell->result) != 0) {
        return -1;
    }
    cell->value = score->goal == CONFIG_STUDY_LATENCY
                      ? value_of(score, &cell->result)
                      : missed(&job->spec->goal, &cell->result.verdict);
    return 0;
}

static void score_job(const struct tune_score *score, struct tune_score_job *job)
{
    if (job->rate_rps > 0) {
        score_at(score, job);
    } else if (score->goal == CONFIG_STUDY_LATENCY) {
        score_latency(score, job);
    } else if (!job->screens) {
        score_rate(score, job);
    } else {
        struct trial_result result;
        int32_t step = job->start + 1;
        double most = (double)job->spec->config->study.capacity.most_rps_nano * nano;
        if ((most == 0 || tune_score_rate(score, step) <= most) &&
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
