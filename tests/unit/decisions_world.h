/* decisions_world: measured and predicted rows made up by hand.
 *
 * Every row is of one model on one GPU at 2 dollars an hour, outputs of 101 tokens each:
 * a point at concurrency c puts out 101 c / (TTFT + 100 TPOT) tokens per second.
 */
#ifndef SERVESIM_TESTS_DECISIONS_WORLD_H
#define SERVESIM_TESTS_DECISIONS_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/decisions.h"

enum { MOST_ROWS = 24 };

struct world {
    int32_t n;
    struct predict_case cases[MOST_ROWS];
    struct predict_result results[MOST_ROWS];
};

static inline struct world *new_world(void)
{
    return memory_new(1, sizeof(struct world));
}

/* A row on `tp` GPUs; latencies in milliseconds, the predicted ones after the measured. */
static inline struct predict_case *add_row(struct world *world, int64_t tp,
                                           int64_t concurrency, double ttft_ms,
                                           double tpot_ms, double predicted_ttft_ms,
                                           double predicted_tpot_ms)
{
    struct predict_case *of = &world->cases[world->n];
    struct predict_result *result = &world->results[world->n++];
    *of = (struct predict_case){.kind = MEASURED_CLOSED, .has_config = true};
    for (int i = 0; i < N_PREDICT_METRICS; i++) {
        of->measured_s[i] = NAN;
        result->value_s[i] = NAN;
    }
    of->row.server = (struct measured_server){
        .backend = "vllm",
        .backend_version = "0.19.0",
        .model = "llama",
        .system = "h100",
        .precision = "fp8",
        .split = "train",
        .tensor_parallel = tp,
        .pipeline_parallel = 1,
        .data_parallel = 1,
        .expert_parallel = 1,
    };
    of->row.closed.prompt_tokens = 1000;
    of->row.closed.output_tokens = 101;
    of->row.closed.range_ratio_nano = 1000000000;
    of->row.closed.concurrency = concurrency;
    of->config.model_name = "llama";
    of->config.accelerator_name = "h100";
    of->config.layout = (struct layout){.tp = tp, .pp = 1, .dp = 1};
    of->config.accelerator.usd_per_hour_nano = 2000000000;
    of->measured_s[PREDICT_TTFT] = ttft_ms / 1e3;
    of->measured_s[PREDICT_TPOT] = tpot_ms / 1e3;
    result->played = true;
    result->value_s[PREDICT_TTFT] = predicted_ttft_ms / 1e3;
    result->value_s[PREDICT_TPOT] = predicted_tpot_ms / 1e3;
    return of;
}

/* 101, 202 and 404 tokens per second at 1, 4 and 16; predicted: `factor` times the time. */
static inline void add_curve(struct world *world, double factor)
{
    add_row(world, 1, 1, 200, 8, 200 * factor, 8 * factor);
    add_row(world, 1, 4, 400, 16, 400 * factor, 16 * factor);
    add_row(world, 1, 16, 800, 32, 800 * factor, 32 * factor);
}

static inline struct decisions *score(const struct world *world, double headroom)
{
    struct decisions *decisions = memory_new(1, sizeof *decisions);
    decisions_score(world->cases, world->results, world->n, headroom, decisions);
    return decisions;
}

static inline void end(struct world *world, struct decisions *decisions)
{
    if (decisions != NULL) {
        decisions_free(decisions);
    }
    free(decisions);
    free(world);
}

static inline void assert_is(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected))) {
        fail_msg("%.12g is not %.12g", value, expected);
    }
}

/* Places of the bounds in the list. */
enum {
    TPOT_10,
    TPOT_15,
    TPOT_20,
    TPOT_30,
    TPOT_50,
    TPOT_10_TTFT_500,
    TPOT_15_TTFT_500,
    TPOT_20_TTFT_500,
    TPOT_30_TTFT_500,
    TPOT_50_TTFT_500,
    TPOT_10_TTFT_1000,
    TPOT_15_TTFT_1000,
    TPOT_20_TTFT_1000,
    TPOT_30_TTFT_1000,
    TPOT_50_TTFT_1000,
    ALL_BOUNDS
};

#endif
