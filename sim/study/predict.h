/* predict: what the simulator says of a measurement.
 *
 * A measured row (input/measured.h) names a model, a GPU, an engine and its version, and a
 * protocol; a case is that as a pool and a client.  Playing it gives the numbers that the
 * measuring client reports.  Cases are read one by one and played in any order, by several
 * threads: what a case needs is its own.
 */
#ifndef SERVESIM_STUDY_PREDICT_H
#define SERVESIM_STUDY_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "engine/pool.h"
#include "input/config.h"
#include "input/measured.h"
#include "study/client.h"

/* What is compared: seconds. */
enum predict_metric {
    PREDICT_TTFT,
    PREDICT_TPOT,
    PREDICT_E2E,
    PREDICT_TTFT_P90,
    PREDICT_TTFT_P99,
    PREDICT_E2E_P90,
    PREDICT_E2E_P99,
    PREDICT_PROMPT_STEP, /* kind = step: the prompts' step, the mean decode step */
    PREDICT_DECODE_STEP,
    N_PREDICT_METRICS
};

struct predict_case {
    struct measured_row row;
    enum measured_kind kind;
    struct pool_config config; /* its engine constants may be changed before playing */
    struct client_spec client;
    int32_t stage;   /* open loop: the stage that is compared; -1: all */
    bool has_config; /* false: no preset of that name, `refusal` says which */
    char refusal[400];
    double measured_s[N_PREDICT_METRICS]; /* NAN: not measured */
};

struct predict_result {
    bool played; /* false: `refusal` says why, the pool cannot serve */
    char refusal[400];
    double value_s[N_PREDICT_METRICS]; /* NAN: does not apply */
};

/* "mean TTFT" ..., and the column's stem, "ttft". */
const char *predict_metric_name(enum predict_metric metric);
const char *predict_metric_column(enum predict_metric metric);

/* All cases of a file.  `base`, if not NULL, is a configuration whose first pool's
 * scheduler, engine constants and memory keys stand in for the presets, and which says all
 * of what served a log of single requests.  The cases are malloc'ed. */
int predict_read(struct predict_case **cases, int32_t *n_cases, const char *path,
                 const struct config *base, struct arena *arena, struct err *err);

/* Plays one case. */
void predict_play(const struct predict_case *of, struct predict_result *result);

/* Plays all of them (a log of requests: together) on `n_threads` threads; results in the cases' order. */
void predict_play_all(const struct predict_case *cases, int32_t n_cases,
                      int32_t n_threads, struct predict_result *results);

/* The engine preset for a server: "vllm", or "vllm-2025" for versions before the
 * scheduler became asynchronous, and so on. */
const char *predict_engine(const char *backend, const char *version);

/* The family of a server ("vllm", "sglang", "trtllm"), or NULL if there is no such preset;
 * and its policy preset. */
const char *predict_engine_family(const char *backend);
const char *predict_engine_policy(const char *backend);

/* What a row is about but for its concurrency: a curve of D1 (physics), a deployment. */
bool predict_same_curve(const struct predict_case *a, const struct predict_case *b);
bool predict_same_deployment(const struct predict_case *a,
                             const struct predict_case *b);

/* GPUs of the case's replica. */
int64_t predict_gpus(const struct predict_case *of);

#endif
