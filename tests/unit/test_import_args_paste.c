#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/importing.h"
#include "input/config.h"
#include "input/import_args_paste.h"

static const char *const keys[] = {
    "max_num_batched_tokens", "max_num_seqs",
    "gpu_memory_utilization", "block_size",
    "enable_chunked_prefill", "long_prefill_token_threshold",
    "enable_prefix_caching",  "order",
    "tensor_parallel",        "pipeline_parallel",
    "data_parallel",          "expert_parallel",
};
static const char *const sglang_keys[] = {
    "max_num_batched_tokens",
    "max_num_seqs",
    "gpu_memory_utilization",
    "block_size",
    "chunked_prefill_size",
    "enable_mixed_chunk",
    "schedule_conservativeness",
    "enable_prefix_caching",
    "order",
    "tensor_parallel",
    "pipeline_parallel",
    "data_parallel",
    "expert_parallel",
};
enum {
    N_KEYS = sizeof keys / sizeof *keys,
    N_SGLANG_KEYS = sizeof sglang_keys / sizeof *sglang_keys
};

static void read_pool(struct config *config, const char *text, struct arena *arena)
{
    struct err err = {.text = ""};
    remove("c.ini");
    write_file("c.ini", text, strlen(text));
    int status = config_read(config, "c.ini", NULL, 0, arena, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, 0);
}

/* The flags of a pool, as one line, which is also what the import makes the pool's values
 * from again. */
static void assert_pastes(const char *pool_keys, const char *start, const char *kind,
                          const char *const *names, int32_t n_names,
                          const char *expected)
{
    struct arena arena = {0};
    struct config config;
    struct config again;
    struct import_args_paste paste;
    struct err err;
    char text[2000];
    char flags[1500] = "";
    snprintf(text, sizeof text,
             "[workload]\ntrace = t.csv\n[pool.main]\naccelerator = h100-sxm\n%s",
             pool_keys);
    read_pool(&config, text, &arena);
    import_args_paste_make(&paste, &config.pools[0], names, n_names, &arena);
    assert_int_equal(paste.n_missing, 0);
    for (int32_t i = 0; i < paste.n_flags; i++) {
        strcat(strcat(flags, " "), paste.flags[i]);
    }
    assert_string_equal(flags + 1, expected);
    snprintf(text, sizeof text, "%s --accelerator h100%s", start, flags);
    char *made = import_file(kind, text, &err);
    assert_string_equal(err.text, "");
    read_pool(&again, made, &arena);
    free(made);
    for (int32_t i = 0; i < n_names; i++) {
        assert_string_equal(
            import_args_paste_value(&again.pools[0], names[i], &arena),
            import_args_paste_value(&config.pools[0], names[i], &arena));
    }
    memory_arena_free(&arena);
}

static void what_a_vllm_server_is_told_comes_back(void **state)
{
    (void)state;
    assert_pastes(
        "model = llama-3.1-70b\nengine = vllm\npolicy = vllm-v1\ntensor_parallel = 4\n"
        "max_num_seqs = 537\nmax_num_batched_tokens = 4099\nblock_size = 32\n"
        "gpu_memory_utilization = 0.9370\nenable_prefix_caching = no\n"
        "long_prefill_token_threshold = 613\n",
        "vllm serve meta-llama/Llama-3.1-70B-Instruct", "vllm-args", keys, N_KEYS,
        "--max-num-batched-tokens 4099 --max-num-seqs 537 "
        "--gpu-memory-utilization 0.937 --block-size 32 --enable-chunked-prefill "
        "--long-prefill-token-threshold 613 --no-enable-prefix-caching "
        "--scheduling-policy fcfs --tensor-parallel-size 4 --pipeline-parallel-size 1");
    assert_pastes(
        "model = qwen3-30b-a3b\nengine = vllm-2025\npolicy = vllm-v1\n"
        "tensor_parallel = 2\ndata_parallel = 3\nexpert_parallel = yes\n"
        "order = priority\nenable_chunked_prefill = no\npipeline_parallel = 2\n",
        "vllm serve Qwen/Qwen3-30B-A3B", "vllm-args", keys, N_KEYS,
        "--max-num-batched-tokens 8192 --max-num-seqs 256 "
        "--gpu-memory-utilization 0.9 --block-size 16 --no-enable-chunked-prefill "
        "--long-prefill-token-threshold 0 --enable-prefix-caching "
        "--scheduling-policy priority --tensor-parallel-size 2 "
        "--pipeline-parallel-size 2 --data-parallel-size 3 --enable-expert-parallel");
}

static void what_an_sglang_server_is_told_comes_back(void **state)
{
    (void)state;
    assert_pastes(
        "model = llama-3.1-8b\nengine = sglang\npolicy = sglang\nblock_size = 1\n"
        "max_num_seqs = 537\nmax_num_batched_tokens = 4099\n"
        "chunked_prefill_size = 0\nenable_mixed_chunk = yes\n"
        "schedule_conservativeness = 0.37\nenable_prefix_caching = no\n",
        "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-8B-Instruct",
        "sglang-args", sglang_keys, N_SGLANG_KEYS,
        "--max-prefill-tokens 4099 --max-running-requests 537 "
        "--mem-fraction-static 0.9 --page-size 1 --chunked-prefill-size -1 "
        "--enable-mixed-chunk --schedule-conservativeness 0.37 --disable-radix-cache "
        "--schedule-policy fcfs --tp 1 --pp 1");
    assert_pastes(
        "model = qwen3-30b-a3b\nengine = sglang\npolicy = sglang-lpm\n"
        "block_size = 64\ntensor_parallel = 2\ndata_parallel = 3\n"
        "expert_parallel = yes\n",
        "python -m sglang.launch_server --model-path Qwen/Qwen3-30B-A3B", "sglang-args",
        sglang_keys, N_SGLANG_KEYS,
        "--max-prefill-tokens 16384 --max-running-requests 1024 "
        "--mem-fraction-static 0.9 --page-size 64 --chunked-prefill-size 16384 "
        "--schedule-conservativeness 1 --schedule-policy lpm --tp 6 --pp 1 --dp 3 "
        "--enable-dp-attention --ep 6");
    assert_pastes(
        "model = llama-3.1-8b\nengine = sglang\npolicy = sglang\norder = priority\n"
        "block_size = 16\n",
        "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-8B-Instruct",
        "sglang-args", sglang_keys + 8, 1,
        "--enable-priority-scheduling --schedule-low-priority-values-first "
        "--disable-priority-preemption");
}

static void what_no_flag_says_is_named(void **state)
{
    (void)state;
    static const char start[] =
        "[workload]\ntrace = t.csv\n[pool.main]\naccelerator = h100-sxm\n"
        "model = llama-3.1-8b\n";
    static const struct {
        const char *rest;
        const char *missing;
    } cases[] = {
        {"engine = vllm\npolicy = sjf\n", "order = sjf"},
        {"engine = sglang\npolicy = sglang\norder = sjf\n", "order = sjf"},
        {"engine = trtllm\npolicy = vllm-v1\n", "order = fcfs"},
        {"engine = generic\npolicy = trtllm\n", "order = fcfs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct config config;
        struct import_args_paste paste;
        char text[600];
        const char *const order = "order";
        snprintf(text, sizeof text, "%s%s", start, cases[i].rest);
        read_pool(&config, text, &arena);
        import_args_paste_make(&paste, &config.pools[0], &order, 1, &arena);
        assert_int_equal(paste.n_flags, 0);
        assert_int_equal(paste.n_missing, 1);
        assert_string_equal(paste.missing[0], cases[i].missing);
        memory_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_vllm_server_is_told_comes_back),
        cmocka_unit_test(what_an_sglang_server_is_told_comes_back),
        cmocka_unit_test(what_no_flag_says_is_named),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
