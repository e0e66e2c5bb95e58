#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "input/measured.h"
#include "input/measured_names.h"

static void assert_preset(int (*find)(const char *, char *, struct err *),
                          const char *text, const char *expected)
{
    struct err err = {0};
    char preset[MEASURED_NAMES_TEXT];
    int result = find(text, preset, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(result, 0);
    assert_string_equal(preset, expected);
}

static void a_model_is_found_without_its_organisation_and_endings(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Llama-3.1-70B", "llama-3.1-70b"},
        {"meta-llama/Llama-3.1-70B-Instruct", "llama-3.1-70b"},
        {"meta-llama/Llama-2-7b-hf", "llama-2-7b"},
        {"RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic", "llama-4-scout"},
        {"nvidia/DeepSeek-R1-0528-NVFP4", "deepseek-r1"},
        {"Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"},
        {"Qwen3-235B", "qwen3-235b-a22b"},
        {"Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "qwen3-235b-a22b"},
        {"Qwen3.5-397B-A17B", "qwen3.5-397b-a17b"},
        {"GLM-5", "glm-5"},
        {"bloom-176b", "bloom-176b"},
        {"llama2-70b", "llama-2-70b"},
        {"mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"},
        {"openai/gpt-oss-120b", "gpt-oss-120b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_preset(measured_names_model, cases[i][0], cases[i][1]);
    }
}

static void a_system_is_found(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"h100_sxm", "h100-sxm"},
        {"H100", "h100-sxm"},
        {"b200_sxm", "b200-sxm"},
        {"a100-80gb", "a100-80gb"},
        {"h100-80gb", "h100-sxm"},
        {"L40S", "l40s"},
        {"RTX4090", "rtx-4090"},
        {"MI300X", "mi300x"},
        {"NVIDIA H100 80GB HBM3", "h100-sxm"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_preset(measured_names_system, cases[i][0], cases[i][1]);
    }
}

static void what_is_not_known_is_refused_with_the_nearest_preset(void **state)
{
    (void)state;
    struct err err = {0};
    char preset[MEASURED_NAMES_TEXT];
    assert_int_equal(
        measured_names_model("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", preset, &err),
        -1);
    assert_string_equal(
        err.text, "model: 'deepseek-ai/DeepSeek-R1-Distill-Llama-8B' is not known: "
                  "there is no configs/models/deepseek-r1-distill-llama-8b.ini (the "
                  "nearest is deepseek-r1)");
    assert_int_equal(measured_names_model("/", preset, &err), -1);
    assert_string_equal(err.text, "model: '/' is not known: there is no "
                                  "configs/models/.ini");
    assert_int_equal(measured_names_system("h100-80gb-pcap", preset, &err), -1);
    assert_string_equal(err.text,
                        "system: 'h100-80gb-pcap' is not known: there is no "
                        "configs/accelerators/h100-80gb-pcap.ini (the nearest is "
                        "h100-nvl)");
}

static void a_checkpoint_says_its_precision(void **state)
{
    (void)state;
    assert_string_equal(measured_names_suffix("x/Llama-3.1-8B-Instruct-FP8-dynamic"),
                        "fp8");
    assert_string_equal(measured_names_suffix("nvidia/DeepSeek-R1-NVFP4"), "fp4");
    assert_string_equal(measured_names_suffix("Qwen2.5-7B-Instruct-AWQ"), "int4");
    assert_string_equal(measured_names_suffix("Qwen2.5-7B-Instruct"), "");
}

static void assert_precisions(struct llm llm, const char *text, const char *preset,
                              const char *expected)
{
    struct err err = {0};
    assert_int_equal(measured_names_precision(text, preset, &llm, &err), 0);
    char found[128];
    snprintf(found, sizeof found, "%s %s %s %s",
             precision_name((enum precision)llm.weight_precision),
             precision_name(llm_attention_precision(&llm)),
             precision_name(llm_expert_precision(&llm)),
             precision_name((enum precision)llm.kv_precision));
    assert_string_equal(found, expected);
}

static void what_a_checkpoint_leaves_in_16_bits_follows_from_the_kind_of_model(
    void **state)
{
    (void)state;
    struct llm dense = {.attention_precision = PRECISION_SAME,
                        .expert_precision = PRECISION_SAME,
                        .compute_precision = PRECISION_SAME};
    struct llm moe = dense;
    moe.n_experts = 17;
    moe.weight_precision = PRECISION_FP8;
    struct llm mla = moe;
    mla.kv_lora_rank = 512;
    struct llm oss = moe;
    oss.expert_precision = PRECISION_MXFP4;
    oss.weight_precision = PRECISION_BF16;
    struct llm kimi = mla;
    kimi.expert_precision = PRECISION_INT4;
    /* weights, attention, experts, KV */
    assert_precisions(dense, "BF16", "qwen3-32b", "bf16 bf16 bf16 bf16");
    assert_precisions(dense, "FP16", "qwen3-32b", "bf16 bf16 bf16 bf16");
    assert_precisions(dense, "fp8", "qwen3-32b", "fp8 fp8 fp8 bf16");
    assert_precisions(dense, "fp8", "llama-3.1-70b", "fp8 fp8 fp8 fp8");
    assert_precisions(dense, "int4", "llama-3.1-70b", "int4 int4 int4 bf16");
    assert_precisions(dense, "nvfp4", "llama-3.1-70b", "nvfp4 nvfp4 nvfp4 fp8");
    assert_precisions(moe, "bf16", "qwen3.5-397b-a17b", "bf16 bf16 bf16 bf16");
    assert_precisions(moe, "fp8", "minimax-m2.5", "fp8 fp8 fp8 bf16");
    assert_precisions(moe, "fp4", "minimax-m2.5", "nvfp4 bf16 nvfp4 fp8");
    assert_precisions(mla, "fp8", "deepseek-v3", "fp8 fp8 fp8 fp8");
    assert_precisions(oss, "fp4", "gpt-oss-120b", "bf16 bf16 mxfp4 fp8");
    assert_precisions(kimi, "int4", "kimi-k2.5", "bf16 bf16 int4 bf16");
    assert_precisions(kimi, "fp4", "kimi-k2.5", "nvfp4 bf16 nvfp4 fp8");
    assert_precisions(moe, "", "minimax-m2.5", "fp8 fp8 fp8 bf16");
    struct err err = {0};
    assert_int_equal(measured_names_precision("fp3", "qwen3-32b", &dense, &err), -1);
    assert_string_equal(err.text,
                        "precision: 'fp3' is not one of bf16, fp16, fp8, int8, "
                        "int4, fp4, nvfp4, mxfp4");
}

/* Every name in the measurements is known or refused with the reason we know of. */
static void every_name_measured_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int64_t n_unknown; /* Yi-34B and Mistral-Nemo; H100 with a power cap */
        int64_t n;
    } files[] = {{"../shared/validation/closed_loop_train.csv", 0, 1658},
                 {"../shared/validation/open_loop_train.csv", 9, 34},
                 {"../shared/validation/step_splitwise.csv", 76, 228},
                 {"../shared/validation/vllm_requests_rtx4090_llama8b.csv", 0, 300}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct err err = {0};
        struct measured *measured = measured_open(files[i].path, &err);
        if (measured == NULL) {
            print_message("skipped: %s\n", err.text);
            skip();
        }
        struct measured_row row;
        int64_t n = 0;
        int64_t n_unknown = 0;
        int result;
        while ((result = measured_next(measured, &row, &err)) == 1) {
            char preset[MEASURED_NAMES_TEXT];
            n++;
            n_unknown += measured_kind(measured) != MEASURED_REQUEST &&
                         (measured_names_model(row.server.model, preset, &err) != 0 ||
                          measured_names_system(row.server.system, preset, &err) != 0);
        }
        measured_close(measured);
        if (result != 0) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(n, files[i].n);
        assert_int_equal(n_unknown, files[i].n_unknown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_found_without_its_organisation_and_endings),
        cmocka_unit_test(a_system_is_found),
        cmocka_unit_test(what_is_not_known_is_refused_with_the_nearest_preset),
        cmocka_unit_test(a_checkpoint_says_its_precision),
        cmocka_unit_test(
            what_a_checkpoint_leaves_in_16_bits_follows_from_the_kind_of_model),
        cmocka_unit_test(every_name_measured_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
