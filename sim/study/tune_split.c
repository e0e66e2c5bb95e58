#include "study/tune_split.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/config_disaggregate.h"
#include "input/workload.h"

enum { MOST_HOURS = 10000 };

static const double nano = 1e-9;

static bool is_drawn(const struct tune *tune)
{
    return tune->base.workload.spec != NULL;
}

/* A fleet of the tuned one's replicas; -1 if such pools do not go together. */
static int split_pools(const struct tune *tune, int64_t n_prefill,
                       struct tune_split_fleet *fleet, struct err *err)
{
    const struct config *now = &tune->now->config;
    struct pool_config *pools = ARENA_NEW(tune->arena, 2, struct pool_config);
    struct settings none = {.file = now->file};
    fleet->n_prefill = n_prefill;
    fleet->n_decode = now->pools[0].n_replicas - n_prefill;
    fleet->config = *now;
    if (n_prefill == 0) {
        return 0;
    }
    pools[0] = pools[1] = now->pools[0];
    pools[0].name = "prefill";
    pools[0].role = POOL_PREFILL;
    pools[0].n_replicas = n_prefill;
    pools[1].name = "decode";
    pools[1].role = POOL_DECODE;
    pools[1].n_replicas = fleet->n_decode;
    fleet->config.pools = pools;
    fleet->config.n_pools = 2;
    return config_disaggregate_check(&fleet->config, &none, err);
}

static int fill_fleets(struct tune_split *split, struct err *err)
{
    const struct pool_config *pool = &split->tune->now->config.pools[0];
    int64_t n_splits = pool->n_replicas - 1;
    int64_t stride = 1 + (n_splits - 1) / (TUNE_SPLIT_FLEETS - 1);
    if (pool->n_replicas < 2) {
        return err_set(err,
                       "%s: [tune] disaggregate: there is one replica, and one alone "
                       "cannot be split",
                       split->tune->base.file);
    }
    if (pool->role != POOL_BOTH) {
        return err_set(err, "%s: [tune] disaggregate: [pool.%s] has a role already",
                       split->tune->base.file, pool->name);
    }
    for (int64_t n = 0; n <= n_splits; n += n == 0 ? 1 : stride) {
        if (split_pools(split->tune, n, &split->fleets[split->n_fleets++], err) != 0) {
            return -1;
        }
    }
    return 0;
}

static struct tune_split_hour *hour_at(struct tune_split *split, int64_t arrival_ns)
{
    const struct config *base = &split->tune->base;
    int64_t interval_ns = base->study.tune.interval_ns;
    int64_t i = is_drawn(split->tune) ? 0 : 1 + arrival_ns / interval_ns;
    if (i > MOST_HOURS) {
        return NULL;
    }
    while (split->n_hours <= i) {
        split->hours =
            memory_grow(split->hours, (size_t)split->n_hours + 1, sizeof *split->hours);
        int64_t from_ns = base->workload.from_ns + (split->n_hours - 1) * interval_ns;
        int64_t until_ns = from_ns + interval_ns;
        int64_t end_ns = base->workload.until_ns;
        struct tune_split_hour hour = {
            .from_ns = from_ns,
            .until_ns = end_ns > 0 && end_ns < until_ns ? end_ns : until_ns,
            .best = -1};
        if (split->n_hours == 0) {
            hour.from_ns = base->workload.from_ns;
            hour.until_ns = end_ns;
        }
        split->hours[split->n_hours++] = hour;
    }
    return &split->hours[i];
}

/* Cuts the trace as it is: where each hour's requests are, how many, how long. */
static int cut(struct tune_split *split, struct err *err)
{
    const struct tune *tune = split->tune;
    struct workload workload;
    struct sim_arrival arrival;
    struct config_workload config = tune->base.workload;
    config.rate_rps_nano = 0;
    config.rate_scale_nano = 1000000000;
    config.cooldown_ns = 0;
    config.resample_ns = 0;
    config.repeat = 1;
    if (workload_open(&workload, &config, (uint64_t)tune->base.run.seed,
                      tune->score.interrupted, err) != 0) {
        return -1;
    }
    int got;
    while ((got = workload_next(&workload, &arrival, err)) > 0) {
        struct tune_split_hour *hour = hour_at(split, arrival.arrival_ns);
        split->last_ns = arrival.arrival_ns;
        free(arrival.labels);
        free(arrival.parts);
        if (hour == NULL) {
            got = err_set(err, "%s: [tune] interval: the trace has more than %d",
                          tune->base.file, MOST_HOURS);
            break;
        }
        for (int i = 0; i < (hour == split->hours ? 1 : 2); i++) {
            struct tune_split_hour *of = i == 0 ? split->hours : hour;
            of->n++;
            of->mean_prompt += (double)arrival.prompt_tokens;
            of->mean_output += (double)arrival.output_tokens;
        }
    }
    workload_close(&workload);
    return got;
}

/* What a fleet is asked in an hour: the whole workload is as the configuration has it. */
static void set_trial(const struct tune_split *split,
                      const struct tune_split_hour *hour, struct config *config,
                      struct trial_spec *spec)
{
    const struct tune *tune = split->tune;
    *spec = tune->spec;
    spec->config = config;
    if (hour == split->hours) {
        return;
    }
    config->workload.from_ns = hour->from_ns;
    config->workload.until_ns = hour->until_ns;
    config->workload.repeat = 1;
    config->workload.resample_ns = 0;
    config->workload.rate_scale_nano = 1000000000;
    config->workload.rate_rps_nano = llround(hour->rate_rps / nano);
    spec->n_rows = hour->n;
    spec->mean_prompt = hour->mean_prompt;
    spec->mean_output = hour->mean_output;
    spec->n_requests =
        config->study.runs.requests > 0 ? config->study.runs.requests : hour->n;
}

/* Scores every fleet in one hour. */
static int score_hour(struct tune_split *split, struct tune_split_hour *hour,
                      struct err *err)
{
    struct tune *tune = split->tune;
    int32_t n = split->n_fleets;
    double natural_rps = tune->score.natural_rps;
    struct tune_score_job *jobs = memory_new((size_t)n, sizeof *jobs);
    struct config *configs = memory_new((size_t)n, sizeof *configs);
    struct trial_spec *specs = memory_new((size_t)n, sizeof *specs);
    tune->score.natural_rps = hour->rate_rps;
    for (int32_t i = 0; i < n; i++) {
        configs[i] = split->fleets[i].config;
        set_trial(split, hour, &configs[i], &specs[i]);
        jobs[i] = (struct tune_score_job){.spec = &specs[i],
                                          .draw = tune->score.n_draws / 2,
                                          .seed = -1,
                                          .start = INT32_MIN};
    }
    int status = tune_score_all(&tune->score, jobs, n, err);
    for (int32_t i = 0; i < n && status == 0; i++) {
        hour->cells[i] = jobs[i].cell;
        hour->failed[i] = jobs[i].failed;
        if (jobs[i].failed) {
            snprintf(split->refusal, sizeof split->refusal, "%.390s", jobs[i].err.text);
        } else if (i > 0 && (hour->best < 0 ||
                             jobs[i].cell.value < hour->cells[hour->best].value)) {
            hour->best = i;
        }
    }
    tune->score.natural_rps = natural_rps;
    free(jobs);
    free(configs);
    free(specs);
    return status;
}

/* The mean rates: of the whole as it is played, of hours in proportion to it. */
static void finish_hours(struct tune_split *split)
{
    const struct tune *tune = split->tune;
    const struct config_workload *workload = &tune->base.workload;
    double times = (double)workload->rate_scale_nano * nano;
    double span_s = (double)split->last_ns * nano;
    if (workload->rate_rps_nano > 0 && span_s > 0) {
        times = (double)workload->rate_rps_nano * nano * span_s /
                (double)(split->hours[0].n - 1);
    }
    for (int32_t i = 0; i < split->n_hours; i++) {
        struct tune_split_hour *hour = &split->hours[i];
        double n = (double)(hour->n > 0 ? hour->n : 1);
        if (i == 0) {
            hour->rate_rps = tune->score.natural_rps;
        } else { /* the last one ends with its last request */
            int64_t end_ns = workload->from_ns + split->last_ns;
            end_ns = i + 1 < split->n_hours ? hour->until_ns : end_ns;
            double length_s = (double)(end_ns - hour->from_ns) * nano;
            hour->rate_rps = length_s > 0 ? n / length_s * times : 0;
        }
        hour->mean_prompt /= n;
        hour->mean_output /= n;
    }
}

/* What the split is worse by at each of these rates; NAN where one of both cannot serve. */
static int compare_at(struct tune_split *split, const double *rates, int32_t n,
                      double *worse, struct err *err)
{
    struct tune *tune = split->tune;
    struct trial_spec specs[2] = {tune->spec, tune->spec};
    struct tune_score_job *jobs = memory_new((size_t)n * 2, sizeof *jobs);
    specs[0].config = &split->fleets[0].config;
    specs[1].config = &split->fleets[split->hours[0].best].config;
    for (int32_t i = 0; i < 2 * n; i++) {
        jobs[i] = (struct tune_score_job){.spec = &specs[i % 2],
                                          .draw = tune->score.n_draws / 2,
                                          .seed = -1,
                                          .rate_rps = rates[i / 2]};
    }
    int status = tune_score_all(&tune->score, jobs, 2 * n, err);
    for (int32_t i = 0; i < n; i++) {
        bool failed = jobs[2 * i].failed || jobs[2 * i + 1].failed;
        worse[i] = failed ? NAN : jobs[2 * i + 1].cell.value - jobs[2 * i].cell.value;
    }
    free(jobs);
    return status;
}

/* Halves, on the logarithm, what lies between two rates of different signs. */
static int find_crossing(struct tune_split *split, double low, double high,
                         bool split_above, struct err *err)
{
    while (log(high / low) > split->tune->score.step) {
        double middle = sqrt(low * high);
        double worse;
        if (compare_at(split, &middle, 1, &worse, err) != 0) {
            return -1;
        }
        *((worse < 0) == split_above ? &high : &low) = middle;
    }
    split->crossings[split->n_crossings++] = (struct tune_split_crossing){
        .rate_rps = sqrt(low * high), .split_above = split_above};
    return 0;
}

/* Rates where both are alike, between a tenth of the workload's rate or capacity and half
 * as much again. */
static int find_crossings(struct tune_split *split, struct err *err)
{
    enum { N_RATES = 13 };
    double rates[N_RATES];
    double worse[N_RATES];
    const struct tune_split_hour *whole = &split->hours[0];
    double most = whole->rate_rps;
    if (split->tune->score.goal != CONFIG_STUDY_LATENCY) {
        most = fmax(whole->cells[0].result.rate_rps,
                    whole->cells[whole->best].result.rate_rps);
    }
    split->least_rps = most / 10;
    split->most_rps = most * 1.5;
    for (int i = 0; i < N_RATES; i++) {
        rates[i] = split->least_rps *
                   pow(split->most_rps / split->least_rps, i / (N_RATES - 1.0));
    }
    if (compare_at(split, rates, N_RATES, worse, err) != 0) {
        return -1;
    }
    int32_t last = -1; /* the last rate at which they differ */
    for (int32_t i = 0; i < N_RATES; i++) {
        if (!(fabs(worse[i]) >= split->tune->score.step)) { /* alike, or NAN */
            continue;
        }
        split->sign = worse[i] < 0 ? -1 : 1;
        if (last >= 0 && (worse[last] < 0) != (worse[i] < 0) &&
            split->n_crossings < TUNE_SPLIT_CROSSINGS &&
            find_crossing(split, rates[last], rates[i], worse[i] < 0, err) != 0) {
            return -1;
        }
        last = i;
    }
    return 0;
}

int tune_split_run(struct tune_split *split, struct tune *tune, struct err *err)
{
    *split = (struct tune_split){.tune = tune};
    if (fill_fleets(split, err) != 0 || cut(split, err) != 0) {
        return -1;
    }
    finish_hours(split);
    progress_start(&tune->progress, "disaggregate: runs", 0, tune->request->quiet);
    int status = 0;
    for (int32_t i = 0; i < split->n_hours && status == 0; i++) {
        if (i == 0 || (split->hours[i].n >= TUNE_SPLIT_REQUESTS &&
                       split->hours[i].rate_rps > 0)) {
            status = score_hour(split, &split->hours[i], err);
        }
    }
    if (status == 0 && split->hours[0].best > 0 && !split->hours[0].failed[0]) {
        status = find_crossings(split, err);
    }
    progress_end(&tune->progress);
    return status;
}

void tune_split_free(struct tune_split *split)
{
    free(split->hours);
}
