#include "study/rivals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void clear(struct predict_result *result)
{
    *result = (struct predict_result){0};
    for (int k = 0; k < N_PREDICT_METRICS; k++) {
        result->value_s[k] = NAN;
    }
}

static void refuse(struct predict_result *result, const char *why)
{
    snprintf(result->refusal, sizeof result->refusal, "%s", why);
}

/* True if the case has what both rivals need; otherwise the result is a refusal. */
static bool is_playable(const struct predict_case *of, struct predict_result *result)
{
    clear(result);
    if (!of->has_config) {
        refuse(result, of->refusal);
    } else if (of->kind != MEASURED_CLOSED) {
        refuse(result, "this rival predicts closed-loop rows only");
    } else {
        return true;
    }
    return false;
}

/* Of lengths that are even in [ratio, 1] x nominal. */
static double mean_length(const struct measured_closed *row, int64_t nominal)
{
    return (double)nominal * (1 + (double)row->range_ratio_nano * 1e-9) / 2;
}

static void fill(struct predict_result *result, double ttft_s, double tpot_s,
                 double output_tokens)
{
    result->played = true;
    result->value_s[PREDICT_TTFT] = ttft_s;
    result->value_s[PREDICT_TPOT] = tpot_s;
    result->value_s[PREDICT_E2E] = ttft_s + (output_tokens - 1) * tpot_s;
}

void rivals_spreadsheet(const struct predict_case *of, struct predict_result *result)
{
    if (!is_playable(of, result)) {
        return;
    }
    const struct measured_closed *row = &of->row.closed;
    const struct llm *llm = &of->config.llm;
    const struct accelerator *gpu = &of->config.accelerator;
    double n_gpus = (double)predict_gpus(of);
    double prompt = mean_length(row, row->prompt_tokens);
    double output = mean_length(row, row->output_tokens);
    double cached = (double)row->concurrency * (prompt + output / 2);
    double bytes =
        (double)llm_weight_bytes(llm) + cached * (double)llm_kv_bytes_per_token(llm, 1);
    double flops = 2 * (double)llm_active_params(llm) * prompt;
    double peak = (double)accelerator_flop_per_s(
        gpu, llm_compute_precision(llm, (enum precision)llm->weight_precision));
    fill(result, flops / (n_gpus * peak),
         bytes / (n_gpus * (double)gpu->memory_bytes_per_s), output);
}

/* Logarithms of what makes two rows alike. */
enum { N_FEATURES = 4 };

static void measure_features(const struct predict_case *of, double features[N_FEATURES])
{
    const struct llm *llm = &of->config.llm;
    const struct measured_closed *row = &of->row.closed;
    double bytes_per_param = (double)llm_weight_bytes(llm) / (double)llm_params(llm);
    double bandwidth =
        (double)predict_gpus(of) * (double)of->config.accelerator.memory_bytes_per_s;
    features[0] = log((double)llm_active_params(llm) * bytes_per_param / bandwidth);
    features[1] = log(mean_length(row, row->prompt_tokens));
    features[2] = log(mean_length(row, row->output_tokens));
    features[3] = log((double)row->concurrency);
}

/* Whether the row may stand in for the other: not one of the same model on the same GPU. */
static bool is_other(const struct predict_case *a, const struct predict_case *b)
{
    return a->has_config && a->kind == MEASURED_CLOSED &&
           (strcmp(a->config.model_name, b->config.model_name) != 0 ||
            strcmp(a->config.accelerator_name, b->config.accelerator_name) != 0);
}

void rivals_nearest(const struct predict_case *cases, int32_t n, int32_t i,
                    struct predict_result *result)
{
    if (!is_playable(&cases[i], result)) {
        return;
    }
    double wanted[N_FEATURES];
    double least = INFINITY;
    int32_t nearest = -1;
    measure_features(&cases[i], wanted);
    for (int32_t j = 0; j < n; j++) {
        if (!is_other(&cases[j], &cases[i])) {
            continue;
        }
        double features[N_FEATURES];
        double distance = 0;
        measure_features(&cases[j], features);
        for (int k = 0; k < N_FEATURES; k++) {
            distance += (features[k] - wanted[k]) * (features[k] - wanted[k]);
        }
        if (distance < least) {
            least = distance;
            nearest = j;
        }
    }
    if (nearest < 0) {
        refuse(result, "no other model or GPU was measured");
        return;
    }
    const double *measured_s = cases[nearest].measured_s;
    fill(result, measured_s[PREDICT_TTFT], measured_s[PREDICT_TPOT],
         mean_length(&cases[i].row.closed, cases[i].row.closed.output_tokens));
}
