#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/importing.h"
#include "input/config.h"

#define WORKLOAD "\n[workload]\n; put the path of your trace here\ntrace = trace.csv\n"

#define QWEN "vllm serve Qwen/Qwen3-8B --accelerator H100 "
#define ON_H100 "; qwen3-8b on h100-sxm, from the command that starts it.\n"
#define DRAFTS                                                                        \
    "\n[speculative]\n; acceptance is yours to say: no flag tells how often a draft " \
    "is right\n"
#define POOL "\n[pool.main]\naccelerator = h100-sxm\nmodel = qwen3-8b\n"
#define VLLM POOL "engine = vllm\npolicy = vllm-v1\n"

static void flags_of_vllms_scheduler_are_keys_of_ours(void **state)
{
    (void)state;
    assert_made("vllm-args",
                QWEN "--scheduling-policy priority --enable-chunked-prefill "
                     "--long-prefill-token-threshold 1037 "
                     "--scheduler-reserve-full-isl --use-v2-block-manager "
                     "--swap-space 7",
                ON_H100 ";\n; Nothing a simulation would see:\n"
                        ";   --use-v2-block-manager\n;   --swap-space\n" WORKLOAD VLLM
                        "order = priority\nenable_chunked_prefill = yes\n"
                        "long_prefill_token_threshold = 1037\n"
                        "reserve_full_prompt = yes\n");
    assert_made(
        "vllm-args",
        QWEN "--no-enable-chunked-prefill --max-num-partial-prefills 3 "
             "--no-scheduler-reserve-full-isl --preemption-mode swap --swap-space 7",
        ON_H100
        ";\n; Not simulated:\n;   --swap-space (swap_blocks has it, in KV blocks)\n"
        ";\n; without chunks vLLM's max_num_batched_tokens is at least max_model_len: "
        "give it\n"
        ";\n; max_num_partial_prefills: vLLM v1 as of 52a31cce accepts it and does not "
        "use it\n"
        ";\n; --preemption-mode is vLLM v0's, whose scheduler is policy = "
        "vllm-v0\n" WORKLOAD VLLM
        "enable_chunked_prefill = no\nmax_num_partial_prefills = 3\n"
        "reserve_full_prompt = no\npreempt = swap\n");
}

static void drafting_becomes_a_section(void **state)
{
    (void)state;
    assert_made("vllm-args",
                QWEN "--speculative-config '{\"method\": \"ngram\", "
                     "\"num_speculative_tokens\": 5, \"prompt_lookup_max\": 4}'",
                ON_H100 ";\n; Not simulated:\n"
                        ";   --speculative-config (prompt_lookup_max)\n" WORKLOAD DRAFTS
                        "method = ngram\nnum_speculative_tokens = 5\n" VLLM);
    assert_made(
        "vllm-args", QWEN "--speculative-model [ngram] --num-speculative-tokens 7",
        ON_H100 WORKLOAD DRAFTS "method = ngram\nnum_speculative_tokens = 7\n" VLLM);
    assert_made("vllm-args",
                QWEN "--spec-model Qwen/Qwen3-0.6B-FP8 --spec-tokens 3 "
                     "--kv-cache-dtype fp8",
                ON_H100 WORKLOAD DRAFTS
                "method = draft\nnum_speculative_tokens = 3\n"
                "draft_model = qwen3-0.6b\nweight_precision = fp8\n"
                "attention_precision = fp8\nexpert_precision = fp8\n"
                "kv_precision = fp8\n" VLLM
                "weight_precision = bf16\nattention_precision = bf16\n"
                "expert_precision = bf16\nkv_precision = fp8\n");
    assert_made(
        "vllm-args",
        "vllm serve deepseek-ai/DeepSeek-V3 -tp 8 --accelerator H200 "
        "-sc '{\"method\": \"deepseek_mtp\", \"model\": null}'",
        "; deepseek-v3 on h200-sxm, from the command that starts it.\n" WORKLOAD DRAFTS
        "method = mtp\nnum_speculative_tokens = 1\n"
        "\n[pool.main]\naccelerator = h200-sxm\nmodel = deepseek-v3\n"
        "engine = vllm\npolicy = vllm-v1\ntensor_parallel = 8\n");
}

static void drafting_that_is_not_ours_is_lost_and_says_why(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"--speculative-config '{\"method\":\"eagle3\",\"model\":\"x/y\"}'",
         "--speculative-config (eagle3)", ""},
        {"--speculative-model abisee/tiny-17m --num-speculative-tokens 5",
         "--speculative-model (there is no preset of its model)", ""},
        {"--spec-method ngram --spec-tokens 3 -pp 2",
         "--spec-method (with pipeline stages)", "pipeline_parallel = 2\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[300];
        char expected[600];
        snprintf(command, sizeof command, QWEN "%s", cases[i][0]);
        snprintf(expected, sizeof expected,
                 ON_H100 ";\n; Not simulated:\n;   %s\n" WORKLOAD VLLM "%s",
                 cases[i][1], cases[i][2]);
        assert_made("vllm-args", command, expected);
    }
}

#define SGLANG_QWEN "sglang serve --model-path Qwen/Qwen3-8B --accelerator H100 "
#define SGLANG_ON_H100                                                            \
    "; configs/policies/sglang.ini mirrors SGLang's scheduler.  Its own counts\n" \
    "; --mem-fraction-static without activations.\n" ON_H100
#define SGLANG POOL "engine = sglang\npolicy = sglang\n"

static void flags_of_sglangs_scheduler_are_keys_of_ours(void **state)
{
    (void)state;
    assert_made("sglang-args",
                SGLANG_QWEN "--schedule-policy lpm --schedule-conservativeness 0.37 "
                            "--chunked-prefill-size -1 --max-prefill-tokens 12289 "
                            "--enable-mixed-chunk",
                SGLANG_ON_H100 WORKLOAD SGLANG
                "schedule_conservativeness = 0.37\nchunked_prefill_size = 0\n"
                "max_num_batched_tokens = 12289\nenable_mixed_chunk = yes\n"
                "block_size = 1\ntensor_parallel = 1\norder = lpm\n");
    assert_made("sglang-args",
                SGLANG_QWEN "--schedule-policy dfs-weight --chunked-prefill-size 4099 "
                            "--speculative-algorithm EAGLE --hicache-size 30 "
                            "--enable-hierarchical-cache",
                SGLANG_ON_H100
                ";\n; Not simulated:\n"
                ";   --speculative-algorithm (batching = sglang verifies no drafts)\n"
                ";   --hicache-size ([offload] writes when GPUs forget, not at once)\n"
                ";   --enable-hierarchical-cache "
                "([offload] writes when GPUs forget, not at once)\n"
                ";   --schedule-policy (dfs-weight)\n" WORKLOAD SGLANG
                "chunked_prefill_size = 4099\nblock_size = 1\ntensor_parallel = 1\n");
}

static void sglangs_priorities_do_not_change_their_sign_unsaid(void **state)
{
    (void)state;
#define BY_PRIORITY "block_size = 1\ntensor_parallel = 1\norder = priority\n"
    assert_made("sglang-args",
                SGLANG_QWEN "--schedule-policy fcfs --enable-priority-scheduling",
                SGLANG_ON_H100
                ";\n; Not simulated:\n;   --enable-priority-scheduling "
                "(that a running request gives way)\n"
                ";\n; order = priority takes the smaller first, this "
                "server the larger: negate the column\n" WORKLOAD SGLANG BY_PRIORITY);
    assert_made("sglang-args",
                SGLANG_QWEN "--enable-priority-scheduling "
                            "--schedule-low-priority-values-first "
                            "--disable-priority-preemption",
                SGLANG_ON_H100 WORKLOAD SGLANG BY_PRIORITY);
    assert_made("sglang-args",
                SGLANG_QWEN "--schedule-low-priority-values-first "
                            "--disable-priority-preemption",
                SGLANG_ON_H100 ";\n; Nothing a simulation would see:\n"
                               ";   --schedule-low-priority-values-first\n"
                               ";   --disable-priority-preemption\n" WORKLOAD SGLANG
                               "block_size = 1\ntensor_parallel = 1\n");
}

static void what_is_made_can_be_simulated(void **state)
{
    (void)state;
    static const char *const commands[][2] = {
        {"vllm-args", QWEN "--preemption-mode swap --scheduling-policy priority "
                           "--no-enable-chunked-prefill --max-num-partial-prefills 3"},
        {"vllm-args", QWEN "--spec-model Qwen/Qwen3-0.6B-FP8 --spec-tokens 32 -tp 2"},
        {"vllm-args", "vllm serve deepseek-ai/DeepSeek-V3 -tp 8 --accelerator H200 "
                      "--spec-method mtp"},
        {"sglang-args", SGLANG_QWEN "--schedule-policy lpm --enable-mixed-chunk "
                                    "--chunked-prefill-size -1"},
        {"sglang-args", SGLANG_QWEN "--enable-priority-scheduling"},
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

static void what_is_wrong_in_the_scheduler_is_named(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"vllm-args", QWEN "--scheduling-policy lpm",
         "vllm-args: --scheduling-policy: 'lpm' is not one of fcfs, priority"},
        {"vllm-args", QWEN "--preemption-mode none",
         "vllm-args: --preemption-mode: 'none' is not one of recompute, swap"},
        {"vllm-args", QWEN "--max-num-partial-prefills x",
         "vllm-args: --max-num-partial-prefills: 'x' is not a count (a whole number, "
         "bare or with k, m, K or M)"},
        {"sglang-args", SGLANG_QWEN "--schedule-policy sjf",
         "sglang-args: --schedule-policy: 'sjf' is not one of fcfs, lpm, lof, random, "
         "hrrn, dfs-weight, routing-key, shortest-prefill-first, priority"},
        {"sglang-args",
         SGLANG_QWEN "--schedule-policy lpm --enable-priority-scheduling",
         "sglang-args: --schedule-policy: 'lpm' does not go with "
         "--enable-priority-scheduling"},
        {"sglang-args", SGLANG_QWEN "--chunked-prefill-size -7",
         "sglang-args: --chunked-prefill-size: '-7' is less than 0"},
        {"sglang-args", SGLANG_QWEN "--schedule-conservativeness x",
         "sglang-args: --schedule-conservativeness: 'x' is not a number (a decimal "
         "without a unit)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_refused(cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void what_is_wrong_in_drafting_is_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"-sc {}", "-sc: '{}' names no method and no model"},
        {"-sc [1", "-sc: '[1' is not an object in JSON"},
        {"-sc '{\"method\":\"foo\"}'",
         "--speculative-config: 'foo' is not one of ngram, draft_model, mtp, eagle, "
         "eagle3, medusa, mlp_speculator, suffix"},
        {"-sc '{\"method\":\"ngram\"}'",
         "-sc: '{\"method\":\"ngram\"}' needs num_speculative_tokens"},
        {"-sc '{\"method\":\"ngram\",\"num_speculative_tokens\":33}'",
         "--speculative-config: num_speculative_tokens: 33 is not between 1 and 32"},
        {"-sc '{\"method\":7}'",
         "--speculative-config: method: expected a string, is an integer"},
        {"-sc '{\"meth\":7}'", "--speculative-config: the key 'meth' is not known"},
        {"--spec-method draft_model --spec-tokens 3",
         "--spec-method: 'draft_model' needs a model that drafts"},
        {"--spec-method ngram", "--spec-method: 'ngram' needs num_speculative_tokens"},
        {"--num-speculative-tokens 5",
         "--num-speculative-tokens: '5' names no method and no model"},
        {"--speculative-model [ngram] --num-speculative-tokens 33",
         "--num-speculative-tokens: '33' is greater than 32"},
        {"--speculative-model [ngram] --num-speculative-tokens 0",
         "--num-speculative-tokens: '0' is not a whole number from 1 to 100000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[300];
        char message[300];
        snprintf(command, sizeof command, QWEN "%s", cases[i][0]);
        snprintf(message, sizeof message, "vllm-args: %s", cases[i][1]);
        assert_refused("vllm-args", command, message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_vllms_scheduler_are_keys_of_ours),
        cmocka_unit_test(drafting_becomes_a_section),
        cmocka_unit_test(drafting_that_is_not_ours_is_lost_and_says_why),
        cmocka_unit_test(flags_of_sglangs_scheduler_are_keys_of_ours),
        cmocka_unit_test(sglangs_priorities_do_not_change_their_sign_unsaid),
        cmocka_unit_test(what_is_made_can_be_simulated),
        cmocka_unit_test(what_is_wrong_in_the_scheduler_is_named),
        cmocka_unit_test(what_is_wrong_in_drafting_is_named),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
