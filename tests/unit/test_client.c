#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../support/files.h"
#include "policy/policy.h"
#include "study/predict.h"
#include "study/validate.h"

/* A step takes 1 ms and 0.1 ms per prompt token; room for everybody. */
static const struct pool_config server = {
    .name = "main",
    .accelerator_name = "",
    .model_name = "",
    .engine_name = "",
    .policy_name = "",
    .n_replicas = 1,
    .layout = {.tp = 1, .pp = 1, .dp = 1},
    .block_tokens = 16,
    .num_gpu_blocks = 100001,
    .scheduler = {.batching = "unified",
                  .order = "fcfs",
                  .max_num_seqs = 64,
                  .max_num_batched_tokens = 4099,
                  .enable_prefix_caching = 1},
    .cost = {.kind = COST_LINEAR,
             .base_fs = 1000000000000,
             .prefill_token_fs = 100000000000},
};

static void play(struct client_log *log, const struct client_spec *spec)
{
    struct pool pool;
    struct err err = {""};
    assert_int_equal(pool_init(&pool, &server, &err), 0);
    assert_int_equal(client_play(log, spec, &pool, &err), 0);
    assert_string_equal(err.text, "");
    pool_free(&pool);
}

static void assert_ms(double seconds, double ms)
{
    assert_true(seconds * 1e3 > ms - 1e-6 && seconds * 1e3 < ms + 1e-6);
}

static void a_closed_loop_sends_when_it_is_answered_and_counts_the_start(void **state)
{
    (void)state;
    struct client_spec spec = {.closed = true,
                               .seed = 13,
                               .prompt_tokens = 10,
                               .output_tokens = 3,
                               .range_ratio_nano = 1000000000,
                               .concurrency = 2,
                               .n_prompts = 5};
    struct client_log log;
    play(&log, &spec);
    /* two together: 1 + 2 ms, two decodes; again at 5 ms; at 10 ms the last one alone */
    struct client_means means = client_means_of(&log, -1);
    assert_int_equal(log.n, 5);
    assert_int_equal(means.n, 5);
    assert_int_equal(log.end_ns, 14000000);
    assert_ms(means.ttft_s, (4 * 3.0 + 2.0) / 5);
    assert_ms(means.tpot_s, 1.0);
    assert_ms(means.e2e_s, (4 * 5.0 + 4.0) / 5);
    assert_ms(client_percentile(&log, -1, CLIENT_TTFT, 20), 2.0);
    assert_ms(client_percentile(&log, -1, CLIENT_TTFT, 21), 3.0);
    assert_ms(client_percentile(&log, -1, CLIENT_E2E, 99), 5.0);
    client_log_free(&log);
}

static void lengths_are_even_between_the_ratio_and_the_nominal(void **state)
{
    (void)state;
    struct client_spec spec = {.closed = true,
                               .seed = 13,
                               .prompt_tokens = 20,
                               .output_tokens = 50,
                               .range_ratio_nano = 800000000,
                               .concurrency = 37,
                               .n_prompts = 2200};
    struct client_log log;
    play(&log, &spec);
    int64_t n_of[51] = {0};
    for (int64_t i = 0; i < log.n; i++) {
        assert_in_range(log.samples[i].output_tokens, 40, 50);
        n_of[log.samples[i].output_tokens]++;
    }
    for (int64_t length = 40; length <= 50; length++) {
        assert_in_range(n_of[length], 140, 260); /* 200, and 4 standard deviations */
    }
    client_log_free(&log);
    spec.range_ratio_nano = 1000000000;
    spec.jitter_tokens = 11;
    play(&log, &spec);
    for (int64_t i = 0; i < log.n; i++) {
        assert_in_range(log.samples[i].output_tokens, 39, 61);
    }
    client_log_free(&log);
}

static void stages_have_their_rates_and_prompts_come_back(void **state)
{
    (void)state;
    struct client_spec spec = {
        .seed = 13,
        .prompt_tokens = 33,
        .output_tokens = 2,
        .n_stages = 2,
        .stages = {{5000000000, 200000000000}, {20000000000, 100000000000}},
        .n_distinct = 3};
    struct client_log log;
    play(&log, &spec);
    assert_in_range(client_means_of(&log, 0).n, 870, 1130);
    assert_in_range(client_means_of(&log, 1).n, 1820, 2180);
    assert_int_equal(client_means_of(&log, -1).n, log.n);
    for (int64_t i = 0; i < log.n; i++) { /* two full blocks; never the last token */
        assert_int_equal(log.samples[i].cached_tokens, i < 3 ? 0 : 32);
    }
    client_log_free(&log);
}

static void versions_choose_the_engine(void **state)
{
    (void)state;
    assert_string_equal(predict_engine("vllm", "0.12.0"), "vllm-2025");
    assert_string_equal(predict_engine("vllm", "0.15.1"), "vllm");
    assert_string_equal(predict_engine("vllm", "v0.9"), "vllm-2025");
    assert_string_equal(predict_engine("vLLM", ""), "vllm");
    assert_string_equal(predict_engine("sglang", "0.5.1.post1"), "sglang-2025");
    assert_string_equal(predict_engine("sglang", "0.5.6"), "sglang");
    assert_string_equal(predict_engine("sglang", "nightly-dev"), "sglang");
    assert_string_equal(predict_engine("TensorRT-LLM", "1.0.0rc3"), "trtllm-2025");
    assert_string_equal(predict_engine("trtllm", "1.2.0rc2"), "trtllm");
    assert_null(predict_engine("llamacpp", "1"));
}

static void a_closed_row_is_played_as_it_was_measured(void **state)
{
    (void)state;
    static const char rows[] =
        "model,system,backend,backend_version,prec,isl,osl,range_ratio,conc,tp,"
        "ttft_ms,tpot_ms\n"
        "llama-3.1-8b,h100_sxm,vllm,0.19.0,bf16,211,73,0.8,7,2,61,8\n"
        "llama-3.1-8b,h100_sxm,vllm,0.19.0,bf16,211,73,1,7,2,61,8\n"
        "llama-3.1-8b,h100_sxm,sglang,0.5.9,bf16,211,73,1,7,2,61,8\n";
    write_file("rows.csv", rows, sizeof rows - 1);
    struct arena arena = {0};
    struct err err = {""};
    struct predict_case *cases;
    int32_t n;
    assert_int_equal(predict_read(&cases, &n, "rows.csv", NULL, &arena, &err), 0);
    assert_int_equal(n, 3);
    assert_int_equal(cases[0].client.n_prompts, 70);
    assert_int_equal(cases[0].client.concurrency, 7);
    assert_int_equal(cases[0].client.range_ratio_nano, 800000000);
    assert_int_equal(cases[0].client.jitter_tokens, 0);
    assert_int_equal(cases[1].client.jitter_tokens, 11);
    assert_int_equal(cases[2].client.jitter_tokens, 0);
    assert_string_equal(cases[2].config.scheduler.batching, "sglang");
    assert_int_equal(cases[2].config.constants.poll_steps, 10);
    assert_ms(cases[0].measured_s[PREDICT_TTFT], 61);
    assert_int_equal(predict_gpus(&cases[0]), 2);
    struct predict_result results[3] = {{.played = true}, {.played = true}, {0}};
    results[0].value_s[PREDICT_TPOT] = 0.0088; /* + 10 % */
    results[1].value_s[PREDICT_TPOT] = 0.0040; /* - 50 %; the third is not predicted */
    struct validate_errors errors =
        validate_errors_of(cases, results, n, PREDICT_TPOT, VALIDATE_KIND, "dense");
    assert_int_equal(errors.n, 2);
    assert_ms(errors.median, 30e3);
    assert_ms(errors.mean, 30e3);
    assert_ms(errors.bias, -20e3);
    free(cases);
    memory_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_loop_sends_when_it_is_answered_and_counts_the_start),
        cmocka_unit_test(lengths_are_even_between_the_ratio_and_the_nominal),
        cmocka_unit_test(stages_have_their_rates_and_prompts_come_back),
        cmocka_unit_test(versions_choose_the_engine),
        cmocka_unit_test(a_closed_row_is_played_as_it_was_measured),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
