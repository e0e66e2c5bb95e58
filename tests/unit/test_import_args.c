#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/importing.h"
#include "input/config.h"

#define WORKLOAD "\n[workload]\n; put the path of your trace here\ntrace = trace.csv\n"

static void a_vllm_command_becomes_a_configuration(void **state)
{
    (void)state;
    assert_made(
        "vllm-args",
        "CUDA_VISIBLE_DEVICES=0,1,2,3 vllm serve 'RedHatAI/Llama-3.1-70B-Instruct-FP8' "
        "\\\n"
        "  --tensor-parallel-size 2 --tensor_parallel_size=4 --max-num-seqs \"537\" "
        "\\\r\n"
        "  --max-num-batched-tokens=4k --gpu-memory-utilization 0.937 --port 8000 \\\n"
        "  --api-key 'a b' --accelerator h100_sxm --enforce-eager --kv-cache-dtype "
        "auto\n",
        "; llama-3.1-70b on h100-sxm, from the command that starts it.\n"
        ";\n; Not simulated:\n;   --enforce-eager\n"
        ";\n; Nothing a simulation would see:\n;   --port\n;   --api-key\n" WORKLOAD
        "\n[pool.main]\naccelerator = h100-sxm\nmodel = llama-3.1-70b\nengine = vllm\n"
        "policy = vllm-v1\nweight_precision = fp8\nattention_precision = fp8\n"
        "expert_precision = fp8\nkv_precision = fp8\n"
        "tensor_parallel = 4\nmax_num_seqs = 537\nmax_num_batched_tokens = 4k\n"
        "gpu_memory_utilization = 0.937\n");
}

static void data_parallel_ranks_share_experts_or_are_servers_of_their_own(void **state)
{
    (void)state;
    assert_made(
        "vllm-args",
        "python3 -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-8B -dp 3 "
        "--accelerator L40S -ep",
        "; qwen3-8b on l40s, from the command that starts it.\n" WORKLOAD
        "\n[pool.main]\naccelerator = l40s\nmodel = qwen3-8b\nengine = vllm\n"
        "policy = vllm-v1\nreplicas = 3\n");
    assert_made(
        "vllm-args",
        "docker run --gpus all vllm/vllm-openai:v0.17.0 --model "
        "deepseek-ai/DeepSeek-V3 -dp 8 --enable-expert-parallel --accelerator H200",
        "; deepseek-v3 on h200-sxm, from the command that starts it.\n" WORKLOAD
        "\n[pool.main]\naccelerator = h200-sxm\nmodel = deepseek-v3\n"
        "engine = vllm\npolicy = vllm-v1\ndata_parallel = 8\n"
        "expert_parallel = yes\n");
}

static void precisions_follow_the_flags(void **state)
{
    (void)state;
    struct err err;
    char *made =
        import_file("vllm-args",
                    "vllm serve Qwen/Qwen3-8B --accelerator H100 --quantization "
                    "awq_marlin --kv-cache-dtype fp8_e4m3",
                    &err);
    assert_non_null(strstr(made,
                           "\nweight_precision = int4\nattention_precision = int4\n"
                           "expert_precision = int4\nkv_precision = fp8\n"));
    free(made);
    made = import_file("vllm-args",
                       "vllm serve Qwen/Qwen3-8B --accelerator H100 --dtype bfloat16",
                       &err);
    assert_non_null(strstr(made, "\nweight_precision = bf16\n"));
    free(made);
}

static void an_sglang_command_becomes_a_configuration(void **state)
{
    (void)state;
    struct err err;
    char *made = import_file("sglang-args",
                             "python3 -m sglang.launch_server --model-path "
                             "deepseek-ai/DeepSeek-R1-0528 --tp 8 "
                             "--dp 4 --enable-dp-attention --ep-size 8 "
                             "--mem-fraction-static 0.85 --page-size "
                             "64 --max-running-requests 1037 --accelerator b200_sxm",
                             &err);
    assert_string_equal(err.text, "");
    assert_non_null(
        strstr(made, "\nmodel = deepseek-r1\nengine = sglang\npolicy = sglang\n"));
    assert_non_null(strstr(made, "\ngpu_memory_utilization = 0.85\nblock_size = 64\n"
                                 "max_num_seqs = 1037\ntensor_parallel = 2\n"
                                 "data_parallel = 4\nexpert_parallel = yes\n"));
    free(made);
    made = import_file("sglang-args",
                       "sglang serve --model-path Qwen/Qwen3-8B --tp 2 --dp 3 "
                       "--accelerator H100",
                       &err);
    assert_non_null(
        strstr(made, "\nblock_size = 1\ntensor_parallel = 2\nreplicas = 3\n"));
    free(made);
}

static void what_is_made_is_a_configuration(void **state)
{
    (void)state;
    static const char *const commands[][2] = {
        {"vllm-args", "vllm serve openai/gpt-oss-120b -tp 2 --accelerator B200 "
                      "--async-scheduling --no-enable-prefix-caching --block-size 32"},
        {"sglang-args", "sglang serve --model-path zai-org/GLM-5-FP8 --tp-size 8 "
                        "--accelerator b200_sxm --scheduler-recv-interval 7 "
                        "--disable-radix-cache"},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct err err;
        char *made = import_file(commands[i][0], commands[i][1], &err);
        assert_string_equal(err.text, "");
        write_file("c.ini", made, strlen(made));
        free(made);
        struct arena arena = {0};
        struct config config;
        int result = config_read(&config, "c.ini", NULL, 0, &arena, &err);
        if (result != 0) {
            fail_msg("%s", err.text);
        }
        memory_arena_free(&arena);
    }
}

static void what_is_wrong_in_a_command_is_named(void **state)
{
    (void)state;
#define SERVE "vllm serve Qwen/Qwen3-8B --accelerator H100 "
    static const char *const cases[][2] = {
        {"ls -l",
         "vllm-args: the command does not start a server: expected 'vllm serve "
         "MODEL ...' or 'python -m vllm.entrypoints.openai.api_server --model "
         "MODEL ...'"},
        {"vllm serve --accelerator H100", "vllm-args: the command names no model"},
        {"vllm serve Qwen/Qwen3-8B",
         "vllm-args: which GPU? add --accelerator NAME to the "
         "command (see 'servesim list accelerators')"},
        {"vllm serve Qwen/Qwen4-8B --accelerator H100",
         "vllm-args: model: 'Qwen/Qwen4-8B' is not known: there is no "
         "configs/models/qwen4-8b.ini (the nearest is qwen2.5-0.5b)"},
        {SERVE "--max-num-sqs 17", "vllm-args: the flag '--max-num-sqs' is not known"},
        {SERVE "--max-num-seqs", "vllm-args: --max-num-seqs: its value is missing"},
        {SERVE "--max-num-seqs --port 7", "vllm-args: --max-num-seqs: its value is "
                                          "missing"},
        {SERVE "--max-num-seqs 12q", "vllm-args: --max-num-seqs: '12q' is not a count "
                                     "(a whole number, bare or with k, "
                                     "m, K or M)"},
        {SERVE "--gpu-memory-utilization 1.37",
         "vllm-args: --gpu-memory-utilization: '1.37' is greater than 1"},
        {SERVE "-dp 1.5",
         "vllm-args: -dp: '1.5' is not a whole number from 1 to 100000"},
        {SERVE "--enforce-eager=yes", "vllm-args: --enforce-eager takes no value"},
        {SERVE "17",
         "vllm-args: '17' is not a flag, and no flag before it takes a value"},
        {SERVE "--port '80", "vllm-args: a quote is not closed"},
        {SERVE "--quantization fp3",
         "vllm-args: precision: 'fp3' is not one of bf16, fp16, "
         "fp8, int8, int4, fp4, nvfp4, mxfp4"},
        {SERVE "--kv-cache-dtype fp3", "vllm-args: --kv-cache-dtype: 'fp3' is not one "
                                       "of auto, fp8, fp8_e4m3, fp8_e5m2, "
                                       "bf16, fp16, fp4_e2m1, nvfp4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_refused("vllm-args", cases[i][0], cases[i][1]);
    }
    assert_refused("sglang-args",
                   "sglang serve --model-path deepseek-ai/DeepSeek-V3 --tp 8 --dp 3 "
                   "--enable-dp-attention --accelerator H200",
                   "sglang-args: --dp: '3' does not divide --tp-size");
    assert_refused("vllm-args", "gone.sh",
                   "gone.sh: cannot be opened: No such file or directory");
}

static void a_command_cut_off_anywhere_is_survived(void **state)
{
    (void)state;
    static const char command[] =
        "vllm serve 'Qwen/Qwen3-8B' --max-num-seqs=\"17\" \\\n --port \\8 -tp 2 "
        "--accelerator H100";
    for (size_t n = 0; n <= strlen(command); n++) {
        struct err err;
        char *made = import_text("vllm-args", command, n, &err);
        assert_true((made != NULL) == (n == strlen(command)));
        assert_true(made != NULL || err.text[0] != '\0');
        free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vllm_command_becomes_a_configuration),
        cmocka_unit_test(data_parallel_ranks_share_experts_or_are_servers_of_their_own),
        cmocka_unit_test(precisions_follow_the_flags),
        cmocka_unit_test(an_sglang_command_becomes_a_configuration),
        cmocka_unit_test(what_is_made_is_a_configuration),
        cmocka_unit_test(what_is_wrong_in_a_command_is_named),
        cmocka_unit_test(a_command_cut_off_anywhere_is_survived),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
