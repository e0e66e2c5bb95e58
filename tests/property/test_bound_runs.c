#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "base/memory.h"
#include "base/rng.h"
#include "input/config_route.h"
#include "input/workload.h"
#include "study/bound.h"
#include "study/run.h"

enum { N_WORLDS = 1200 };

#define PICK POLICIES_PICK

/* What a run told, and what its bounds are. */
struct told {
    const struct pool *pool;
    struct bound_mix mix; /* of those who completed */
    bool *shares;         /* by id */
    int64_t n_shares;
    int64_t n_late;    /* checked against the bounds of their latencies */
    double ttft_ratio; /* the smallest of what was over what is the least */
    double output_ratio;
};

/* How tight the bounds were, by kind of world. */
enum kind { LINEAR, DENSE, KINDS, N_KINDS };

struct ratios {
    double busy[N_WORLDS];
    double ttft[N_WORLDS];
    double output[N_WORLDS];
    int64_t n;
};

static int64_t write_trace(struct rng *rng, FILE *out)
{
    int64_t n = 3 + rng_below(rng, 138);
    int64_t pace_us = PICK(rng, 0, 0, 137, 4099, 41000);
    int64_t longest = PICK(rng, 3, 41, 599, 4099);
    int64_t longest_output = PICK(rng, 1, 7, 41, 137, 599);
    int64_t n_texts = PICK(rng, 0, 0, 0, 3);
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,prefix_hash,session_id,tenant\n", out);
    for (int64_t i = 0; i < n; i++) {
        at_us += rng_below(rng, 2 * pace_us + 1);
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = 1 + rng_below(rng, longest_output);
        fprintf(out, "%lld.%06lld,%lld,%lld,", (long long)(at_us / 1000000),
                (long long)(at_us % 1000000), (long long)prompt, (long long)output);
        if (n_texts > 0 && rng_below(rng, 4) > 0) {
            fprintf(out, rng_below(rng, 2) == 0 ? ",session %lld" : "text %lld,",
                    (long long)rng_below(rng, n_texts));
        } else {
            fputs(",", out);
        }
        fprintf(out, ",%s\n", policies_word(rng, "a", "b"));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    return most;
}

/* Layers of several kinds, over several GPUs, with ranks that have schedulers or not. */
static void write_kinds(struct rng *rng, FILE *out)
{
    static const char *const weights[] = {"bf16", "fp8", "int4", "nvfp4", "mxfp4"};
    fprintf(out, "layers = 7\nweight_precision = %s\nkv_precision = %s\n",
            weights[rng_below(rng, 5)], weights[rng_below(rng, 2)]);
    if (rng_below(rng, 2) > 0) {
        fprintf(out, "window = %lld\nwindow_layers = %lld\n",
                (long long)PICK(rng, 1, 7, 64, 137), (long long)PICK(rng, 1, 5));
    }
    if (rng_below(rng, 4) == 0) {
        fputs("linear_layers = 2\nlinear_params = 4099000\nlinear_state = 65537\n",
              out);
    }
    if (rng_below(rng, 2) == 0) {
        fprintf(out, "experts = %lld\nexperts_active = 3\nmoe_intermediate = 448\n",
                (long long)PICK(rng, 3, 8, 61));
        fprintf(out, "expert_overlap = 0.%lld\ndata_parallel = %lld\n",
                (long long)PICK(rng, 0, 41), (long long)PICK(rng, 1, 2, 3));
        fprintf(out, "expert_parallel = %s\ndata_parallel_mode = %s\n",
                policies_word(rng, "yes", "no"),
                policies_word(rng, "balanced", "lockstep"));
    }
    if (rng_below(rng, 3) == 0) {
        fputs("kv_lora_rank = 512\nqk_rope_head_dim = 64\nqk_nope_head_dim = 128\n"
              "v_head_dim = 128\n",
              out);
    }
    fprintf(out, "tensor_parallel = %lld\npipeline_parallel = %lld\nscale = 1.%lld\n",
            (long long)PICK(rng, 1, 2), (long long)PICK(rng, 1, 1, 2, 3),
            (long long)PICK(rng, 0, 37));
}

static enum kind write_price(struct rng *rng, FILE *out)
{
    static const char *const linear[] = {
        "base_us = 1000\n",
        "base_us = 500\nprefill_token_us = 250\ndecode_seq_us = 250\n",
        "base_us = 137.0137\nprefill_token_us = 0.0137\ncontext_token_us = 0.0137\n",
        "base_us = 0.0013\ndecode_seq_us = 0.00041\ncontext_token_us = 0.0000137\n",
        "base_us = 0.0003\n",
    };
    enum kind kind = (enum kind)rng_below(rng, N_KINDS);
    if (kind == LINEAR) {
        fprintf(out, "cost = linear\n%s", linear[rng_below(rng, 5)]);
        return kind;
    }
    if (kind == KINDS) {
        write_kinds(rng, out);
    }
    fprintf(out, "accelerator = %s\nmodel = llama-3.1-8b\nengine = %s\nroofline = %s\n",
            policies_word(rng, "h100-sxm", "rtx-4090"),
            policies_word(rng, "ideal", "vllm"),
            rng_below(rng, 3) == 0 ? "step" : "operation");
    fprintf(out, "overlap = 0.%lld\n", (long long)PICK(rng, 0, 37, 99));
    if (rng_below(rng, 6) == 0) {
        fputs("attention_kernel = naive\n", out);
    }
    return kind;
}

/* Drafts need a discipline that has them, and no stages: two in three of the others. */
static void write_drafts(struct rng *rng, FILE *out)
{
    fprintf(out,
            "[speculative]\nmethod = ngram\nnum_speculative_tokens = %lld\nacceptance = 0.%lld\n",
            (long long)PICK(rng, 1, 3, 7), (long long)PICK(rng, 41, 99));
}

static enum kind write_world(int64_t world, bool drafts)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "bound_runs");
    FILE *trace = fopen("trace.csv", "w");
    FILE *config = fopen("config.ini", "w");
    assert_true(trace != NULL && config != NULL);
    int64_t most_tokens = write_trace(&rng, trace);
    fprintf(config,
            "[workload]\ntrace = trace.csv\nunservable = reject\nsession_prefix = %s\n",
            policies_word(&rng, "yes", "no"));
    if (rng_below(&rng, 6) == 0) {
        fputs("client_timeout = 137ms\n", config);
    }
    fputs("[pool.main]\n", config);
    if (drafts) {
        fputs("batching = unified\n", config);
    } else {
        policies_write(&rng, config);
    }
    int64_t block = PICK(&rng, 1, 7, 16);
    int64_t blocks = (most_tokens + block - 1) / block * PICK(&rng, 1, 2, 7, 41);
    fprintf(config, "block_size = %lld\nnum_gpu_blocks = %lld\n", (long long)block,
            (long long)blocks + 1);
    fprintf(config,
            "max_num_batched_tokens = %lld\nlong_prefill_token_threshold = %lld\n",
            (long long)PICK(&rng, 3, 41, 512, 4099), (long long)PICK(&rng, 0, 0, 37));
    fprintf(config, "replicas = %lld\nenable_prefix_caching = %s\n",
            (long long)PICK(&rng, 1, 1, 2), policies_word(&rng, "yes", "no"));
    if (rng_below(&rng, 3) == 0) {
        fputs("frontend_ms = 1.37\nfrontend_token_us = 0.37\n", config);
    }
    fprintf(config, "async_scheduling = %s\n", policies_word(&rng, "yes", "no"));
    enum kind kind = drafts ? DENSE : write_price(&rng, config);
    if (drafts) {
        fputs("accelerator = h100-sxm\nmodel = llama-3.1-8b\nengine = vllm\n", config);
        write_drafts(&rng, config);
    }
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
    return kind;
}

static void finish(void *state, struct probe_record *record)
{
    struct told *told = state;
    struct bound_length length = {record->prompt_tokens, record->output_tokens, 1,
                                  told->shares[record->id]};
    free(record->labels);
    if (record->status != REQUEST_COMPLETED) {
        return;
    }
    bound_mix_add(&told->mix, length.prompt_tokens, length.output_tokens,
                  length.shares);
    double first_s = bound_ttft_s(told->pool, &length);
    double rest_s = bound_output_s(told->pool, &length);
    double ttft_s = (double)(record->first_token_ns - record->arrival_ns) * 1e-9;
    double output_s = (double)(record->finish_ns - record->first_token_ns) * 1e-9;
    if (ttft_s < first_s || output_s < rest_s) {
        fail_msg("request %d of %lld + %lld tokens: TTFT %.12g s, at least %.12g; "
                 "then %.12g s, at least %.12g",
                 (int)record->id, (long long)length.prompt_tokens,
                 (long long)length.output_tokens, ttft_s, first_s, output_s, rest_s);
    }
    told->n_late++;
    told->ttft_ratio = fmin(told->ttft_ratio, ttft_s / first_s);
    if (rest_s > 0) {
        told->output_ratio = fmin(told->output_ratio, output_s / rest_s);
    }
}

static void tick(void *state, struct sim *sim, int64_t at_ns)
{
    (void)state;
    (void)sim;
    (void)at_ns;
}

struct source {
    struct workload workload;
    struct told *told;
};

static int next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct source *source = state;
    struct told *told = source->told;
    int got = workload_next(&source->workload, arrival, err);
    if (got > 0) {
        told->shares =
            memory_grow(told->shares, (size_t)told->n_shares + 1, sizeof(bool));
        told->shares[told->n_shares++] = arrival->parts != NULL;
    }
    return got;
}

/* Busy seconds of all replicas; a rank in lockstep is busy when all are. */
static double busy_s(const struct sim *sim, const struct pool *pool)
{
    wide ns = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        ns += sim->replicas[i].sums.busy_ns;
    }
    return (double)ns * 1e-9 / (double)layout_ranks(&pool->config->layout);
}

/* Runs the world; its busy seconds. */
static double run_world(struct told *told, struct bound_result *bound)
{
    struct arena arena = {0};
    struct config config;
    struct err err = {""};
    struct source source = {.told = told};
    struct served served;
    int32_t faulty;
    if (config_read(&config, "config.ini", NULL, 0, &arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
    struct pool *pools = memory_new((size_t)config.n_pools, sizeof *pools);
    struct batch_policy policy = policy_of(&config.pools[0].scheduler);
    if (run_pools(&config, pools, &err) != 0 ||
        config_route_served(&config, &served, &arena, &faulty, &err) != 0 ||
        workload_open(&source.workload, &config.workload, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    source.workload.served = &served;
    told->pool = pools;
    struct probe probe = {.state = told, .finish = finish, .tick = tick};
    struct sim_config sim_config = {
        .pools = pools,
        .policies = &policy,
        .n_pools = 1,
        .seed = 37,
        .route = policy_route("round_robin"),
        .disaggregate = &config.disaggregate,
        .routing = &config.route,
        .client_timeout_ns = config.workload.client_timeout_ns,
        .reject_unservable = true,
        .probe = &probe,
    };
    struct sim_source arrivals = {.state = &source, .next = next};
    struct sim sim;
    if (sim_run(&sim, &sim_config, &arrivals, &err) != 0) {
        fail_msg("%s", err.text);
    }
    double seconds = busy_s(&sim, pools);
    if (told->mix.n_requests > 0) {
        bound_of(pools, &told->mix, bound);
    }
    sim_free(&sim);
    workload_close(&source.workload);
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
    return seconds;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int64_t n)
{
    qsort(values, (size_t)n, sizeof *values, by_size);
    return values[n / 2];
}

/* Looks at one world; its requests that completed. */
static int64_t look_at(int64_t world, bool drafts, struct ratios ratios[N_KINDS])
{
    struct told told = {.ttft_ratio = INFINITY, .output_ratio = INFINITY};
    struct bound_result bound = {.busy_s_per_request = 0};
    enum kind kind = write_world(world, drafts);
    double seconds = run_world(&told, &bound);
    int64_t n = told.mix.n_requests;
    double least_s = bound.busy_s_per_request * (double)n;
    if (n > 0) {
        struct ratios *of = &ratios[kind];
        if (seconds < least_s) {
            fail_msg("world %lld was busy for %.12g s, at least %.12g",
                     (long long)world, seconds, least_s);
        }
        assert_true((double)n <= bound.most_rps * seconds);
        of->busy[of->n] = seconds / least_s;
        of->ttft[of->n] = told.ttft_ratio;
        of->output[of->n] = told.output_ratio;
        of->n++;
    }
    bound_mix_free(&told.mix);
    free(told.shares);
    return n;
}

static void tell(struct ratios ratios[N_KINDS])
{
    static const char *const names[] = {"linear", "dense", "other kinds"};
    for (int kind = 0; kind < N_KINDS; kind++) {
        struct ratios *of = &ratios[kind];
        if (of->n == 0) {
            continue;
        }
        double busy = median(of->busy, of->n);
        print_message("%s: %lld worlds; busy over the least: median %.3f, least %.6f; "
                      "the fastest request over the least: TTFT %.3f, output %.3f\n",
                      names[kind], (long long)of->n, busy, of->busy[0],
                      median(of->ttft, of->n), median(of->output, of->n));
    }
}

static void no_run_beats_the_bounds(void **state)
{
    struct ratios *ratios = memory_new(N_KINDS, sizeof *ratios);
    int64_t n = 0;
    print_message("what fails leaves its world in %s\n", (const char *)*state);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        n += look_at(world, false, ratios);
    }
    tell(ratios);
    assert_true(n > 41000);
    free(ratios);
}

static void no_run_with_drafted_tokens_does(void **state)
{
    struct ratios *ratios = memory_new(N_KINDS, sizeof *ratios);
    int64_t n = 0;
    (void)state;
    for (int64_t world = 0; world < N_WORLDS / 10; world++) {
        n += look_at(world, true, ratios);
    }
    tell(ratios);
    assert_true(n > 4100);
    free(ratios);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_run_beats_the_bounds),
        cmocka_unit_test(no_run_with_drafted_tokens_does),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
