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
        {"Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "qwen3-235b-a22b"},
        {"Qwen3.5-397B-A17B", "qwen3.5-397b-a17b"},
        {"GLM-5", "glm-5"},
        {"bloom-176b", "bloom-176b"},
        {"llama2-70b", "llama-2-70b"},
        {"mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"},
        {"openai/gpt-oss-120b", "gpt-oss-120b"},
        {"meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"},
        {"RedHatAI/Meta-Llama-3.1-70B-Instruct-quantized.w8a8", "llama-3.1-70b"},
        {"hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "llama-3.1-8b"},
        {"unsloth/Meta-Llama-3.1-8B-Instruct-unsloth-bnb-4bit", "llama-3.1-8b"},
        {"llama3.1:8b", "llama-3.1-8b"},
        {"meta-llama/Llama-3.2-1B-Instruct-FP8-Static", "llama-3.2-1b"},
        {"Llama-4-Maverick-17B-128E-Instruct-FP8", "llama-4-maverick"},
        {"codellama/CodeLlama-34b-Instruct-hf", "codellama-34b"},
        {"01-ai/Yi-34B", "yi-34b"},
        {"mistralai/Mistral-Nemo-Instruct-2407", "mistral-nemo"},
        {"mistralai/Mistral-7B-Instruct-v0.1", "mistral-7b"},
        {"mistralai/Mistral-Small-24B-Instruct-2501", "mistral-small-24b"},
        {"Qwen/Qwen3-4B-Instruct-2507", "qwen3-4b"},
        {"Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", "qwen3-coder-480b-a35b"},
        {"Qwen/Qwen3-Next-80B-A3B-Thinking", "qwen3-next-80b-a3b"},
        {"deepseek-ai/DeepSeek-R1-0528", "deepseek-r1"},
        {"deepseek-ai/DeepSeek-V3-0324", "deepseek-v3"},
        {"deepseek-ai/DeepSeek-V2.5-1210", "deepseek-v2"},
        {"moonshotai/Kimi-K2-Instruct-0905", "kimi-k2"},
        {"Kimi-K2.5-Thinking", "kimi-k2.5"},
        {"zai-org/GLM-4.5-Air-FP8", "glm-4.5-air"},
        {"THUDM/glm-4-9b-chat-hf", "glm-4-9b"},
        {"google/gemma-3-12b-it", "gemma-3-12b"},
        {"microsoft/Phi-3-mini-4k-instruct", "phi-3-mini"},
        {"tiiuae/falcon-40b-instruct", "falcon-40b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_preset(measured_names_model, cases[i][0], cases[i][1]);
    }
}

static void a_model_stands_for_others_of_its_dimensions(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Qwen3-235B", "qwen3-235b-a22b"},
        {"meta-llama/Meta-Llama-3-70B", "llama-3.1-70b"},
        {"nvidia/Llama-3.1-Nemotron-70B-Instruct-HF", "llama-3.1-70b"},
        {"nvidia/Llama-3.3-70B-Instruct-FP4", "llama-3.1-70b"},
        {"amd/Llama-3.3-70B-Instruct-MXFP4-Preview", "llama-3.1-70b"},
        {"lmsys/vicuna-13b-v1.5", "llama-2-13b"},
        {"01-ai/Yi-1.5-34B-Chat", "yi-34b"},
        {"mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b-v0.3"},
        {"mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral-small-24b"},
        {"mistralai/Mistral-Small-Instruct-2409", "codestral-22b"},
        {"mistralai/Mistral-Large-Instruct-2411", "mistral-large-123b"},
        {"Qwen/Qwen2.5-Coder-32B-Instruct-GPTQ-Int4", "qwen2.5-32b"},
        {"Qwen/QwQ-32B-Preview", "qwen2.5-32b"},
        {"Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8", "qwen3-30b-a3b"},
        {"deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama-3.1-8b"},
        {"deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", "qwen2.5-14b"},
        {"deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "qwen3-8b"},
        {"deepseek-ai/DeepSeek-V3.1-Terminus", "deepseek-v3"},
        {"deepseek-ai/DeepSeek-V3.2-Exp", "deepseek-v3.2"},
        {"moonshotai/Kimi-K2-Thinking", "kimi-k2.5"},
        {"zai-org/GLM-4.6-FP8", "glm-4.5"},
        {"MiniMaxAI/MiniMax-M2", "minimax-m2.5"},
        {"CohereForAI/c4ai-command-r-plus-08-2024", "command-r-plus"},
        {"ibm-granite/granite-3.3-8b-instruct", "granite-3-8b"},
        {"allenai/OLMo-2-1124-13B-Instruct", "olmo-2-13b"},
        {"internlm/internlm2_5-7b-chat", "internlm2-7b"},
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
        {"H100-SXM", "h100-sxm"},
        {"NVIDIA H100 PCIe", "h100-pcie"},
        {"A100", "a100-80gb"},
        {"NVIDIA A100-SXM4-80GB", "a100-80gb"},
        {"A100-SXM4-40GB", "a100-40gb"},
        {"NVIDIA A10", "a10"},
        {"NVIDIA H200", "h200-sxm"},
        {"NVIDIA L4", "l4"},
        {"gb200", "gb200"},
        {"NVIDIA GeForce RTX 4090", "rtx-4090"},
        {"RTX PRO 6000", "rtx-pro-6000"},
        {"NVIDIA RTX PRO 6000 Blackwell Server Edition", "rtx-pro-6000"},
        {"AMD Instinct MI300X", "mi300x"},
        {"MI355X", "mi355x"},
        {"Tesla V100-SXM2-16GB", "v100-sxm2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_preset(measured_names_system, cases[i][0], cases[i][1]);
    }
}

static void assert_refused(int (*find)(const char *, char *, struct err *),
                           const char *text, const char *expected)
{
    struct err err = {0};
    char preset[MEASURED_NAMES_TEXT];
    assert_int_equal(find(text, preset, &err), -1);
    assert_string_equal(err.text, expected);
}

static void what_is_not_known_is_refused_with_the_nearest_preset(void **state)
{
    (void)state;
    assert_refused(measured_names_model, "deepseek-ai/DeepSeek-R2-Distill-Llama-8B",
                   "model: 'deepseek-ai/DeepSeek-R2-Distill-Llama-8B' is not known: "
                   "there is no configs/models/deepseek-r2-distill-llama-8b.ini (the "
                   "nearest is deepseek-r1)");
    assert_refused(measured_names_model, "/",
                   "model: '/' is not known: there is no configs/models/.ini");
    assert_refused(measured_names_model, "nvidia/Llama-3_3-Nemotron-Super-49B-v1",
                   "model: 'nvidia/Llama-3_3-Nemotron-Super-49B-v1' is not known: "
                   "there is no configs/models/llama-3-3-nemotron-super-49b-v1.ini "
                   "(the nearest is llama-3.1-405b)");
    assert_refused(measured_names_system, "h100-80gb-pcap",
                   "system: 'h100-80gb-pcap' is not known: there is no "
                   "configs/accelerators/h100-80gb-pcap.ini (the nearest is "
                   "h100-nvl)");
}

/* What looks like a preset's other name and is another GPU: A100 PCIe has less memory
 * bandwidth and power, A10G half the FLOPS of A10, V100 of 32 GB more memory. */
static void other_gpus_of_a_name_are_refused(void **state)
{
    (void)state;
    assert_refused(measured_names_system, "A10G",
                   "system: 'A10G' is not known: there is no "
                   "configs/accelerators/a10g.ini (the nearest is a10)");
    assert_refused(measured_names_system, "NVIDIA A100 80GB PCIe",
                   "system: 'NVIDIA A100 80GB PCIe' is not known: there is no "
                   "configs/accelerators/a100-80gb-pcie.ini (the nearest is "
                   "a100-80gb)");
    assert_refused(measured_names_system, "Tesla V100-SXM2-32GB",
                   "system: 'Tesla V100-SXM2-32GB' is not known: there is no "
                   "configs/accelerators/v100-sxm2-32gb.ini (the nearest is "
                   "v100-sxm2)");
}

static void a_checkpoint_says_its_precision(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"x/Llama-3.1-8B-Instruct-FP8-dynamic", "fp8"},
        {"x/Llama-3.1-8B-Instruct-FP8-Static", "fp8"},
        {"amd/Llama-3.1-70B-Instruct-FP8-KV", "fp8"},
        {"nvidia/DeepSeek-R1-NVFP4", "fp4"},
        {"amd/Llama-3.3-70B-Instruct-MXFP4-Preview", "fp4"},
        {"Qwen2.5-7B-Instruct-AWQ", "int4"},
        {"Qwen2.5-7B-Instruct-GPTQ-Int4", "int4"},
        {"Qwen2.5-7B-Instruct-GPTQ-Int8", "int8"},
        {"x/Llama-3.1-8B-Instruct-quantized.w8a8", "int8"},
        {"x/Llama-3.1-8B-Instruct-quantized.w4a16", "int4"},
        {"x/Llama-3.1-8B-Instruct-bnb-4bit", "int4"},
        {"x/Llama-3.1-8B-Instruct-BF16", "bf16"},
        {"Qwen2.5-7B-Instruct", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(measured_names_suffix(cases[i][0]), cases[i][1]);
    }
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
    assert_precisions(moe, "auto", "minimax-m2.5", "fp8 fp8 fp8 bf16");
    assert_precisions(dense, "FP8", "qwen3-32b", "fp8 fp8 fp8 bf16");
    assert_precisions(dense, "w8a8", "qwen3-32b", "int8 int8 int8 bf16");
    assert_precisions(dense, "W4A16", "qwen3-32b", "int4 int4 int4 bf16");
    assert_precisions(dense, "awq", "qwen3-32b", "int4 int4 int4 bf16");
    assert_precisions(oss, "mxfp4", "gpt-oss-120b", "bf16 bf16 mxfp4 fp8");
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
        int64_t n_unknown; /* H100 with a power cap */
        int64_t n;
    } files[] = {{"../shared/validation/closed_loop_train.csv", 0, 1658},
                 {"../shared/validation/open_loop_train.csv", 0, 34},
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
        cmocka_unit_test(a_model_stands_for_others_of_its_dimensions),
        cmocka_unit_test(a_system_is_found),
        cmocka_unit_test(what_is_not_known_is_refused_with_the_nearest_preset),
        cmocka_unit_test(other_gpus_of_a_name_are_refused),
        cmocka_unit_test(a_checkpoint_says_its_precision),
        cmocka_unit_test(
            what_a_checkpoint_leaves_in_16_bits_follows_from_the_kind_of_model),
        cmocka_unit_test(every_name_measured_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
