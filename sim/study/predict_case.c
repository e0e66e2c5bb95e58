#include "study/predict_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/config_pool.h"
#include "input/measured_names.h"
#include "input/settings.h"
#include "policy/policy.h"

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Reads a preset over the defaults of its table. */
static int read_preset(struct pool_config *pool, int32_t kind, const char *name,
                       struct arena *arena, struct err *err)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    config_pool_tables(tables);
    const struct config_pool_preset *preset = &config_pool_presets[kind];
    char path[512];
    struct settings file = {0};
    if (!config_pool_find(preset->folder, name, path)) {
        return err_set(err, "there is no configs/%s/%s.ini", preset->folder, name);
    }
    return settings_read(&file, path, arena, err) != 0
               ? -1
               : settings_apply(&file, preset->key, &tables[kind], 1, pool, arena, err);
}

static void fill_defaults(struct pool_config *pool, struct arena *arena)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    config_pool_tables(tables);
    memset(pool, 0, sizeof *pool);
    for (int32_t i = 0; i < CONFIG_POOL_TABLES; i++) {
        field_defaults(&tables[i], pool, arena);
    }
}

/* What does not lead to a preset is this case's refusal, not an error. */
static int refuse(struct predict_case *of, const struct err *reason)
{
    of->has_config = false;
    snprintf(of->refusal, sizeof of->refusal, "%.390s", reason->text);
    return 0;
}

/* The model and the accelerator in the precision that was measured; 1 if they are known. */
static int fill_hardware(struct predict_case *of, struct arena *arena, struct err *err)
{
    const struct measured_server *server = &of->row.server;
    struct pool_config *pool = &of->config;
    const char *precision = server->precision;
    char model[MEASURED_NAMES_TEXT];
    char system[MEASURED_NAMES_TEXT];
    struct err reason;
    if (measured_names_model(server->model, model, &reason) != 0 ||
        measured_names_system(server->system, system, &reason) != 0) {
        return refuse(of, &reason);
    }
    if (precision[0] == '\0' || strcmp(precision, "auto") == 0) {
        precision = measured_names_suffix(server->model);
    }
    if (read_preset(pool, CONFIG_POOL_MODEL, model, arena, err) != 0 ||
        read_preset(pool, CONFIG_POOL_ACCELERATOR, system, arena, err) != 0) {
        return -1;
    }
    if (measured_names_precision(precision, model, &pool->llm, &reason) != 0) {
        return refuse(of, &reason);
    }
    pool->model_name = memory_arena_text(arena, model);
    pool->accelerator_name = memory_arena_text(arena, system);
    return 1;
}

static int fill_engine(struct predict_case *of, const struct config *base,
                       struct arena *arena, struct err *err)
{
    const struct measured_server *server = &of->row.server;
    struct pool_config *pool = &of->config;
    const char *backend = server->backend[0] != '\0' ? server->backend : "vllm";
    const char *engine = predict_engine(backend, server->backend_version);
    struct err reason;
    if (base != NULL) {
        pool->constants = base->pools[0].constants;
        pool->engine_name = base->pools[0].engine_name;
        pool->scheduler = base->pools[0].scheduler;
        pool->utilization_nano = base->pools[0].utilization_nano;
        pool->cost = base->pools[0].cost;
        pool->block_tokens = base->pools[0].block_tokens;
        return 1;
    }
    if (engine == NULL) {
        err_set(&reason, "backend: '%.80s' is not vllm, sglang or trtllm", backend);
        return refuse(of, &reason);
    }
    pool->engine_name = engine;
    if (read_preset(pool, CONFIG_POOL_ENGINE, engine, arena, err) != 0 ||
        read_preset(pool, CONFIG_POOL_POLICY, predict_engine_policy(backend), arena,
                    err) != 0) {
        return -1;
    }
    policy_settle(&pool->scheduler);
    return 1;
}

/* vllm bench serve and its like, as InferenceX runs them: ten prompts per client. */
static void fill_closed(struct predict_case *of)
{
    const struct measured_closed *row = &of->row.closed;
    struct pool_config *pool = &of->config;
    of->stage = -1;
    of->measured_s[PREDICT_TTFT] = (double)row->ttft_ns * 1e-9;
    of->measured_s[PREDICT_TPOT] = (double)row->tpot_ns * 1e-9;
    of->client = (struct client_spec){
        .closed = true,
        .seed = 1,
        .prompt_tokens = row->prompt_tokens,
        .output_tokens = row->output_tokens,
        .range_ratio_nano = row->range_ratio_nano,
        .concurrency = row->concurrency,
        .n_prompts = 10 * row->concurrency,
        .overhead_ns = CLIENT_OVERHEAD_NS,
    };
    if (row->range_ratio_nano == 1000000000 &&
        strcmp(pool->scheduler.batching, "unified") == 0) {
        of->client.jitter_tokens = CLIENT_JITTER_TOKENS;
    }
    pool->scheduler.max_num_seqs = most(pool->scheduler.max_num_seqs, row->concurrency);
    pool->utilization_nano = CLIENT_UTILIZATION_NANO;
    if (pool->constants.poll_steps > 10 && row->concurrency < 16) {
        pool->constants.poll_steps = 10; /* what InferenceX's recipes say */
    }
}

/* Refuses what would take hours and all memory. */
static void check_length(struct predict_case *of)
{
    const double most_requests = 1e7;
    double n = 0;
    for (int64_t i = 0; i < of->client.n_stages; i++) {
        n += (double)of->client.stages[i].rate_nano * 1e-9 *
             (double)of->client.stages[i].length_ns * 1e-9;
    }
    if (n > most_requests) {
        struct err reason;
        err_set(&reason, "stages: about %.0f requests are more than ten million", n);
        refuse(of, &reason);
    }
}

static void fill_open(struct predict_case *of)
{
    const struct measured_open *row = &of->row.open;
    struct pool_config *pool = &of->config;
    double *measured = of->measured_s;
    const int64_t values[] = {
        [PREDICT_TTFT] = row->ttft_mean_ns,    [PREDICT_TPOT] = MEASURED_NONE,
        [PREDICT_E2E] = row->e2e_mean_ns,      [PREDICT_TTFT_P90] = row->ttft_p90_ns,
        [PREDICT_TTFT_P99] = row->ttft_p99_ns, [PREDICT_E2E_P90] = row->e2e_p90_ns,
        [PREDICT_E2E_P99] = row->e2e_p99_ns};
    for (int i = PREDICT_TTFT; i <= PREDICT_E2E_P99; i++) {
        measured[i] = values[i] != MEASURED_NONE ? (double)values[i] * 1e-9 : NAN;
    }
    if (row->output_tokens > 1) { /* itl_mean_ms is of a re-tokenised output */
        measured[PREDICT_TPOT] = (measured[PREDICT_E2E] - measured[PREDICT_TTFT]) /
                                 (double)(row->output_tokens - 1);
    }
    of->stage = (int32_t)row->stage;
    int64_t nominal = row->system_prompt_tokens + row->question_tokens;
    of->client = (struct client_spec){
        .seed = 1,
        .prompt_tokens = (nominal * 1047 + 500) / 1000, /* measured: 4.7 % longer */
        .output_tokens = row->output_tokens,
        .n_stages = row->n_stages,
        .n_distinct = 100,
    };
    for (int64_t i = 0; i < row->n_stages && i < CLIENT_MOST_STAGES; i++) {
        of->client.stages[i].rate_nano = row->stages[i].rate_nano;
        of->client.stages[i].length_ns = row->stages[i].length_ns;
    }
    check_length(of);
    if (row->max_num_batched_tokens > 0) {
        pool->scheduler.max_num_batched_tokens = row->max_num_batched_tokens;
    }
    if (row->max_num_seqs > 0) {
        pool->scheduler.max_num_seqs = row->max_num_seqs;
    }
    if (row->total_kv_blocks > 0) {
        pool->num_gpu_blocks = row->total_kv_blocks;
    }
    if (row->gpu_memory_utilization_nano > 0) {
        pool->utilization_nano = row->gpu_memory_utilization_nano;
    }
}

static void fill_step(struct predict_case *of)
{
    const struct measured_step *row = &of->row.step;
    if (row->prompt_ns != MEASURED_NONE) {
        of->measured_s[PREDICT_PROMPT_STEP] = (double)row->prompt_ns * 1e-9;
    }
    if (row->token_ns != MEASURED_NONE) {
        of->measured_s[PREDICT_DECODE_STEP] = (double)row->token_ns * 1e-9;
    }
    of->config.num_gpu_blocks = 1000000; /* steps alone: memory is not the question */
}

int predict_case_fill(struct predict_case *of, const struct config *base,
                      struct arena *arena, struct err *err)
{
    const struct measured_server *server = &of->row.server;
    for (int i = 0; i < N_PREDICT_METRICS; i++) {
        of->measured_s[i] = NAN;
    }
    if (of->kind == MEASURED_REQUEST) {
        predict_replay_fill(of, base);
        return 0;
    }
    fill_defaults(&of->config, arena);
    of->config.name = "measured";
    of->config.policy_name = "";
    of->config.layout = (struct layout){
        /* kinds of rows without these columns leave them 0 */
        .tp = most(server->tensor_parallel, 1),
        .pp = most(server->pipeline_parallel, 1),
        .dp = most(server->data_parallel, 1),
        .expert_parallel = server->expert_parallel > 1,
    };
    int status = fill_hardware(of, arena, err);
    status = status == 1 ? fill_engine(of, base, arena, err) : status;
    if (status != 1) {
        return status;
    }
    of->has_config = true;
    of->config.max_model_tokens = 1000000000; /* they were served */
    if (of->kind == MEASURED_CLOSED) {
        fill_closed(of);
    } else if (of->kind == MEASURED_OPEN) {
        fill_open(of);
    } else {
        fill_step(of);
    }
    return 0;
}
