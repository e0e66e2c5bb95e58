#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

/* Within 0.04 %, which is what biases and small norms make. */
static void assert_near(int64_t value, int64_t published)
{
    int64_t off = value > published ? value - published : published - value;
    if (off > published / 2500) {
        fail_msg("%lld is not near %lld", (long long)value, (long long)published);
    }
}

static void parameters_follow_from_the_dimensions_of_every_kind_of_model(void **state)
{
    (void)state;
    /* all and active, as counted from the published checkpoints */
    assert_int_equal(llm_params(&llama_2_7b), 6738415616);
    assert_int_equal(llm_params(&mixtral), 46702792704);
    assert_int_equal(llm_active_params(&mixtral), 12879925248);
    assert_near(llm_params(&qwen3_235b), 235093634560);
    assert_near(llm_active_params(&qwen3_235b), 22190763520);
    assert_near(llm_params(&deepseek_v3), 671026419200);
    assert_near(llm_active_params(&deepseek_v3), 37552297472);
    assert_near(llm_params(&gpt_oss_120b), 116829156672);
    assert_near(llm_params(&gemma_3_27b), 27009346304);
    assert_near(llm_active_params(&gemma_3_27b), 27009346304);
    assert_near(llm_params(&glm_4_5), 352797829024);
    assert_near(llm_active_params(&glm_4_5), 33632266144);
}

static void mla_is_five_matrices_and_experts_are_in_all_layers_but_the_first(
    void **state)
{
    (void)state;
    /* 7168 x 1536 + 1536 x 128 x 192 + 7168 x 576 + 512 x 128 x 256 + 16384 x 7168 =
     * 187,105,280, of which 61; 58 x 3 x 7168 x 2048; 3 x 3 x 7168 x 18432, 58 shared
     * experts, 58 routers of 7168 x 256 */
    assert_int_equal(llm_attention_params(&deepseek_v3), 61 * INT64_C(187105280));
    assert_int_equal(llm_moe_layers(&deepseek_v3), 58);
    assert_int_equal(llm_expert_params(&deepseek_v3), 2554331136);
    assert_int_equal(llm_mlp_params(&deepseek_v3), 3849846784);
    /* without a compressed query: 2048 x 16 x 192 + 2048 x 576 + 512 x 16 x 256 +
     * 2048 x 2048 */
    struct llm v2_lite = deepseek_v3;
    v2_lite.n_layers = 27;
    v2_lite.hidden = 2048;
    v2_lite.n_heads = 16;
    v2_lite.q_lora_rank = 0;
    assert_int_equal(llm_attention_params(&v2_lite), 27 * INT64_C(13762560));
}

static void every_so_many_layers_have_experts(void **state)
{
    (void)state;
    struct llm llm = glm_4_5;
    llm.moe_layer_step = 2; /* 89 layers above the dense ones */
    assert_int_equal(llm_moe_layers(&llm), 44);
    llm.first_dense_layers = 0;
    assert_int_equal(llm_moe_layers(&llm), 46);
    assert_int_equal(llm_moe_layers(&llama_8b), 0);
}

static void plain_mlps_gates_indexers_and_linear_layers_have_their_matrices(
    void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    llm.mlp = LLM_PLAIN; /* 32 x 2 x 4096 x 14336 */
    assert_int_equal(llm_mlp_params(&llm), 3758096384);
    llm.output_gate = 1; /* 32 x 4096 x 128 x (3 x 32 + 2 x 8) */
    assert_int_equal(llm_attention_params(&llm), 1879048192);
    llm = llama_8b;
    llm.n_linear_layers = 7;
    llm.linear_params = 4099;
    llm.linear_state = 919; /* 25 x 41,943,040 + 7 x 4,099; 7 x 919 x 4 bytes */
    assert_int_equal(llm_attention_params(&llm), 1048604693);
    assert_int_equal(llm_state_bytes(&llm), 25732);
    assert_int_equal(llm_kv_bytes_per_token(&llm, 1), 25 * 4096);
    /* DeepSeek-V3.2: 61 x (7168 x (128 + 64) + 1536 x 64 x 128) more */
    llm = deepseek_v3;
    llm.index_heads = 64;
    llm.index_head_dim = 128;
    llm.n_window_layers = 61;
    llm.window_tokens = 2048;
    assert_int_equal(llm_attention_params(&llm) - llm_attention_params(&deepseek_v3),
                     61 * INT64_C(13959168));
    assert_int_equal(llm_kv_bytes_per_token(&llm, 8), 70272 + 61 * 128);
}

static void kv_bytes_are_those_of_the_textbook(void **state)
{
    (void)state;
    /* Llama-3-70B at 4,096 tokens: 1.34 GB */
    assert_int_equal(4096 * llm_kv_bytes_per_token(&llama_70b, 1), 1342177280);
    /* 61 layers x 576 numbers x 2 bytes, on each of any number of GPUs */
    assert_int_equal(llm_kv_bytes_per_token(&deepseek_v3, 1), 70272);
    assert_int_equal(llm_kv_bytes_per_token(&deepseek_v3, 8), 70272);
    assert_int_equal(llm_kv_bytes_per_token(&gpt_oss_120b, 1), 73728);
    assert_int_equal(llm_kv_bytes_per_token(&gemma_3_27b, 1), 507904);
    /* 4.5 bits: 61 x 576 x 4.5 / 8 */
    struct llm small = deepseek_v3;
    small.kv_precision = PRECISION_NVFP4;
    assert_int_equal(llm_kv_bytes_per_token(&small, 1), 61 * 324);
}

static void a_decode_of_mla_works_on_what_is_compressed_and_a_prefill_expands_it(
    void **state)
{
    (void)state;
    /* 2 x 128 heads x (2 x 512 + 64) and x (128 + 64 + 128) */
    assert_int_equal(llm_flops_per_pair(&deepseek_v3, true), 278528);
    assert_int_equal(llm_flops_per_pair(&deepseek_v3, false), 81920);
    /* 64 query heads, 8 KV heads: queries count */
    assert_int_equal(llm_flops_per_pair(&gpt_oss_120b, true), 16384);
}

static void weights_take_the_bytes_of_their_own_precisions(void **state)
{
    (void)state;
    /* gpt-oss-120b: experts 128 x 36 x 3 x 2880 x 2880 at 4.25 bits, the rest BF16 */
    int64_t experts = INT64_C(128) * 36 * 3 * 2880 * 2880;
    int64_t rest = llm_params(&gpt_oss_120b) - experts;
    assert_int_equal(llm_weight_bytes(&gpt_oss_120b), experts / 32 * 17 + 2 * rest);
    /* half of the weights in 8 bits; embeddings, head and norms stay at 16 */
    struct llm llm = llama_8b;
    llm.weight_precision = PRECISION_INT8;
    assert_int_equal(llm_weight_bytes(&llm),
                     6979321856 + 2 * (8030261248 - INT64_C(6979321856)));
    llm.attention_precision = PRECISION_BF16; /* 1,342,177,280 bytes more */
    assert_int_equal(llm_weight_bytes(&llm),
                     6979321856 + 1342177280 + 2 * (8030261248 - INT64_C(6979321856)));
}

static void sparse_weights_are_read_with_their_indexes_or_in_full(void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    llm.sparsity = LLM_TWO_OF_FOUR; /* 500 x 2 bytes and 1000 / 2 x 2 bits */
    assert_int_equal(llm_read_bytes(&llm, PRECISION_BF16, 1000), 1125);
    assert_int_equal(llm_stored_bytes(&llm, PRECISION_BF16, 1000), 1125);
    assert_int_equal(llm_read_bytes(&llm, PRECISION_FP8, 1000), 625);
    llm.sparsity = LLM_UNSTRUCTURED;
    llm.density_nano = 137000000;
    assert_int_equal(llm_read_bytes(&llm, PRECISION_BF16, 1000), 2000);
    assert_int_equal(llm_stored_bytes(&llm, PRECISION_BF16, 1000), 274);
}

static void assert_llm_refused(struct llm llm, const char *sentence)
{
    struct err err = {""};
    assert_int_equal(llm_check(&llm, &err), -1);
    assert_string_equal(err.text, sentence);
}

static void layers_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    llm.n_linear_layers = 32;
    assert_llm_refused(
        llm,
        "linear_layers (32) leave no layer with a KV cache, which is not modelled");
    llm.n_linear_layers = 7;
    assert_llm_refused(
        llm, "linear_layers, linear_params and linear_state must be given together");
    llm.n_window_layers = 26;
    assert_llm_refused(llm,
                       "window_layers (26) and linear_layers (7) are more than the "
                       "32 layers");
    llm.n_linear_layers = 0;
    assert_llm_refused(llm, "window and window_layers must be given together");
    llm = llama_8b;
    llm.index_heads = 7;
    assert_llm_refused(llm,
                       "index_heads, index_head_dim, window and window_layers must "
                       "be given together");
    llm = deepseek_v3;
    llm.v_head_dim = 0;
    assert_llm_refused(llm, "kv_lora_rank: MLA needs qk_nope_head_dim and v_head_dim");
    llm = deepseek_v3;
    llm.kv_lora_rank = 0;
    assert_llm_refused(llm, "kv_lora_rank: must be given with the other keys of MLA");
}

static void experts_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    struct llm llm = mixtral;
    llm.n_experts_active = 9;
    assert_llm_refused(llm, "experts_active (9) is more than the 8 experts");
    llm.n_experts_active = 0;
    assert_llm_refused(
        llm, "experts, experts_active and moe_intermediate must be given together");
    llm = llama_8b;
    llm.shared_intermediate = 137;
    assert_llm_refused(llm, "shared_intermediate and first_dense_layers need experts");
    llm = mixtral;
    llm.first_dense_layers = 33;
    llm.intermediate = 137;
    assert_llm_refused(llm, "first_dense_layers (33) are more than the 32 layers");
    llm.first_dense_layers = 7;
    llm.intermediate = 0;
    assert_llm_refused(llm, "intermediate: 0 leaves layers without an MLP");
    llm = llama_8b;
    llm.density_nano = 137000000;
    assert_llm_refused(llm, "weight_density needs sparsity = unstructured");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_follow_from_the_dimensions_of_every_kind_of_model),
        cmocka_unit_test(
            mla_is_five_matrices_and_experts_are_in_all_layers_but_the_first),
        cmocka_unit_test(every_so_many_layers_have_experts),
        cmocka_unit_test(
            plain_mlps_gates_indexers_and_linear_layers_have_their_matrices),
        cmocka_unit_test(kv_bytes_are_those_of_the_textbook),
        cmocka_unit_test(
            a_decode_of_mla_works_on_what_is_compressed_and_a_prefill_expands_it),
        cmocka_unit_test(weights_take_the_bytes_of_their_own_precisions),
        cmocka_unit_test(sparse_weights_are_read_with_their_indexes_or_in_full),
        cmocka_unit_test(layers_that_contradict_each_other_are_refused),
        cmocka_unit_test(experts_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
