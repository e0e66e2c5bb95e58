#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hardware_world.h"

static void parameters_are_those_that_the_models_were_published_with(void **state)
{
    (void)state;
    assert_int_equal(llm_params(&llama_8b), 8030261248);
    assert_int_equal(llm_params(&llama_70b), 70553706496);
}

static void each_class_has_the_parameters_of_its_matrices(void **state)
{
    (void)state;
    /* 32 layers x (2 x 4096 x 4096 + 2 x 4096 x 1024); 32 x 3 x 4096 x 14336; 4096 x
     * 128256 */
    assert_int_equal(llm_attention_params(&llama_8b), 1342177280);
    assert_int_equal(llm_mlp_params(&llama_8b), 5637144576);
    assert_int_equal(llm_head_params(&llama_8b), 525336576);
}

static void a_tied_head_is_counted_once(void **state)
{
    (void)state;
    struct llm tied = llama_8b;
    tied.tied_embeddings = 1;
    assert_int_equal(llm_params(&tied), 8030261248 - 525336576);
}

static void kv_bytes_count_kv_heads_and_stop_shrinking_at_one_per_gpu(void **state)
{
    (void)state;
    /* 2 x 32 layers x 8 heads x 128 x 2 bytes */
    assert_int_equal(llm_kv_bytes_per_token(&llama_8b, 1), 131072);
    assert_int_equal(llm_kv_bytes_per_token(&llama_8b, 2), 65536);
    assert_int_equal(llm_kv_bytes_per_token(&llama_8b, 8), 16384);
    assert_int_equal(llm_kv_bytes_per_token(&llama_8b, 16), 16384);
    assert_int_equal(llm_kv_bytes_per_token(&llama_70b, 1), 327680);
    struct llm quantised = llama_70b;
    quantised.kv_precision = PRECISION_FP8;
    assert_int_equal(llm_kv_bytes_per_token(&quantised, 4), 40960);
}

static void flops_of_a_pair_count_query_heads(void **state)
{
    (void)state;
    /* 4 x 32 heads x 128 and 4 x 64 heads x 128, a layer */
    for (int decode = 0; decode < 2; decode++) {
        assert_int_equal(llm_flops_per_pair(&llama_8b, decode), 16384);
        assert_int_equal(llm_flops_per_pair(&llama_70b, decode), 32768);
    }
}

static void the_ridge_is_flops_per_byte(void **state)
{
    (void)state;
    assert_float_equal(accelerator_ridge(&h100, PRECISION_BF16), 295.3432835820895,
                       1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_those_that_the_models_were_published_with),
        cmocka_unit_test(each_class_has_the_parameters_of_its_matrices),
        cmocka_unit_test(a_tied_head_is_counted_once),
        cmocka_unit_test(kv_bytes_count_kv_heads_and_stop_shrinking_at_one_per_gpu),
        cmocka_unit_test(flops_of_a_pair_count_query_heads),
        cmocka_unit_test(the_ridge_is_flops_per_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
