#include "study/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "policy/policy.h"
#include "study/predict_case.h"

static const struct {
    const char *name;
    const char *column;
} metrics[N_PREDICT_METRICS] = {
    [PREDICT_TTFT] = {"mean TTFT", "ttft"},
    [PREDICT_TPOT] = {"mean TPOT", "tpot"},
    [PREDICT_E2E] = {"mean E2E", "e2e"},
    [PREDICT_TTFT_P90] = {"p90 TTFT", "ttft_p90"},
    [PREDICT_TTFT_P99] = {"p99 TTFT", "ttft_p99"},
    [PREDICT_E2E_P90] = {"p90 E2E", "e2e_p90"},
    [PREDICT_E2E_P99] = {"p99 E2E", "e2e_p99"},
    [PREDICT_PROMPT_STEP] = {"prompt step", "prompt_step"},
    [PREDICT_DECODE_STEP] = {"decode step", "decode_step"},
};

const char *predict_metric_name(enum predict_metric metric)
{
    return metrics[metric].name;
}

const char *predict_metric_column(enum predict_metric metric)
{
    return metrics[metric].column;
}

int64_t predict_gpus(const struct predict_case *of)
{
    return layout_gpus(&of->config.layout);
}

bool predict_same_deployment(const struct predict_case *a, const struct predict_case *b)
{
    const struct measured_server *x = &a->row.server;
    const struct measured_server *y = &b->row.server;
    return strcmp(x->backend, y->backend) == 0 &&
           strcmp(x->backend_version, y->backend_version) == 0 &&
           strcmp(x->model, y->model) == 0 && strcmp(x->system, y->system) == 0 &&
           strcmp(x->precision, y->precision) == 0 &&
           x->tensor_parallel == y->tensor_parallel &&
           x->pipeline_parallel == y->pipeline_parallel &&
           x->data_parallel == y->data_parallel &&
           x->expert_parallel == y->expert_parallel;
}

bool predict_same_curve(const struct predict_case *a, const struct predict_case *b)
{
    const struct measured_closed *x = &a->row.closed;
    const struct measured_closed *y = &b->row.closed;
    return a->kind == MEASURED_CLOSED && b->kind == MEASURED_CLOSED &&
           predict_same_deployment(a, b) &&
           strcmp(a->row.server.source, b->row.server.source) == 0 &&
           x->prompt_tokens == y->prompt_tokens &&
           x->output_tokens == y->output_tokens &&
           x->range_ratio_nano == y->range_ratio_nano;
}

static void report_client(const struct predict_case *of, const struct client_log *log,
                          struct predict_result *result)
{
    struct client_means means = client_means_of(log, of->stage);
    double *value = result->value_s;
    double client_s = (double)of->client.overhead_ns * 1e-9;
    value[PREDICT_TTFT] = means.ttft_s + client_s;
    value[PREDICT_TPOT] = means.tpot_s;
    value[PREDICT_E2E] = means.e2e_s + client_s;
    if (of->kind == MEASURED_OPEN) {
        int32_t stage = of->stage;
        value[PREDICT_TTFT_P90] = client_percentile(log, stage, CLIENT_TTFT, 90);
        value[PREDICT_TTFT_P99] = client_percentile(log, stage, CLIENT_TTFT, 99);
        value[PREDICT_E2E_P90] = client_percentile(log, stage, CLIENT_E2E, 90);
        value[PREDICT_E2E_P99] = client_percentile(log, stage, CLIENT_E2E, 99);
    }
}

static double step_s(const struct pool *pool, const struct step_counts *counts)
{
    struct step_price price;
    cost_price(&pool->cost, counts, &price);
    return (double)cost_duration_ns(cost_sum_fs(&price)) * 1e-9;
}

/* One batch: all prompts in one step, then decode steps with growing contexts. */
static void report_steps(const struct predict_case *of, const struct pool *pool,
                         struct predict_result *result)
{
    const struct measured_step *step = &of->row.step;
    struct step_counts prompts = {.n_emitting = step->batch_size};
    for (int64_t i = 0; i < step->batch_size; i++) {
        cost_count_chunk(&pool->cost, &prompts, 0, step->prompt_tokens);
    }
    result->value_s[PREDICT_PROMPT_STEP] = step_s(pool, &prompts);
    double sum_s = 0;
    int64_t n = step->output_tokens > 1 ? step->output_tokens - 1 : 1;
    for (int64_t i = 1; i <= n; i++) {
        int64_t context = step->prompt_tokens + i;
        struct step_counts decode = {
            .n_decodes = step->batch_size,
            .n_emitting = step->batch_size,
            .decode_context = step->batch_size * context,
            .decode_window = step->batch_size * cost_in_window(&pool->cost, context),
        };
        sum_s += step_s(pool, &decode);
    }
    result->value_s[PREDICT_DECODE_STEP] = sum_s / (double)n;
}

void predict_play(const struct predict_case *of, struct predict_result *result)
{
    memset(result, 0, sizeof *result);
    for (int i = 0; i < N_PREDICT_METRICS; i++) {
        result->value_s[i] = NAN;
    }
    if (!of->has_config) {
        memcpy(result->refusal, of->refusal, sizeof result->refusal);
        return;
    }
    struct pool pool;
    struct err err;
    int status = pool_init(&pool, &of->config, &err);
    if (status == 0 && of->kind == MEASURED_STEP) {
        report_steps(of, &pool, result);
    } else if (status == 0) {
        struct client_log log;
        status = client_play(&log, &of->client, &pool, &err);
        if (status == 0) {
            report_client(of, &log, result);
        }
        client_log_free(&log);
    }
    pool_free(&pool);
    result->played = status == 0;
    if (status != 0) {
        snprintf(result->refusal, sizeof result->refusal, "%.390s", err.text);
    }
}

int predict_read(struct predict_case **cases, int32_t *n_cases, const char *path,
                 const struct config *base, struct arena *arena, struct err *err)
{
    *cases = NULL;
    *n_cases = 0;
    struct measured *measured = measured_open(path, err);
    if (measured == NULL) {
        return -1;
    }
    enum measured_kind kind = measured_kind(measured);
    int status = 1;
    if (kind == MEASURED_SERVER) {
        status = err_set(err,
                         "%s: holds a server's own metrics; compare them with a run by "
                         "--observed",
                         measured_name(measured));
    } else if (kind == MEASURED_REQUEST && base == NULL) {
        status = err_set(err,
                         "%s: holds single requests and not what served them; give a "
                         "CONFIG that says it",
                         measured_name(measured));
    }
    int32_t room = 0;
    while (status == 1) {
        if (*n_cases == room) {
            room = room * 2 + 64;
            *cases = memory_grow(*cases, (size_t)room, sizeof **cases);
        }
        struct predict_case *of = &(*cases)[*n_cases];
        memset(of, 0, sizeof *of);
        of->kind = kind;
        status = measured_next(measured, &of->row, err);
        if (status == 1) {
            status = predict_case_fill(of, base, arena, err) == 0 ? 1 : -1;
            *n_cases += status == 1;
        }
    }
    measured_close(measured);
    if (status == 0 && *n_cases == 0) {
        return err_set(err, "%s: holds no measurements", path);
    }
    return status;
}

struct playing {
    const struct predict_case *cases;
    struct predict_result *results;
};

static bool play_one(void *state, int32_t i)
{
    const struct playing *playing = state;
    predict_play(&playing->cases[i], &playing->results[i]);
    return true;
}

void predict_play_all(const struct predict_case *cases, int32_t n_cases,
                      int32_t n_threads, struct predict_result *results)
{
    if (n_cases > 0 && cases[0].kind == MEASURED_REQUEST) {
        predict_replay(cases, n_cases, results);
        return;
    }
    struct playing playing = {.cases = cases, .results = results};
    parallel_each(n_cases, n_threads, play_one, &playing);
}
