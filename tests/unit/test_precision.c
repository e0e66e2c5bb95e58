#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hardware_world.h"

static void bytes_count_the_scales_that_are_stored_with_the_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t bytes; /* of 128,000 numbers */
    } cases[N_PRECISIONS] = {
        [PRECISION_BF16] = {"bf16", 256000},  [PRECISION_FP8] = {"fp8", 128000},
        [PRECISION_INT8] = {"int8", 128000},  [PRECISION_INT4] = {"int4", 66000},
        [PRECISION_FP4] = {"fp4", 64000},     [PRECISION_MXFP4] = {"mxfp4", 68000},
        [PRECISION_NVFP4] = {"nvfp4", 72000},
    };
    for (int i = 0; i < N_PRECISIONS; i++) {
        assert_string_equal(precision_name((enum precision)i), cases[i].name);
        assert_int_equal(precision_bytes((enum precision)i, 128000), cases[i].bytes);
    }
}

static void bytes_are_rounded_half_up_and_never_overflow(void **state)
{
    (void)state;
    assert_int_equal(precision_bytes(PRECISION_INT4, 137), 71);     /* 70.64 */
    assert_int_equal(precision_bytes(PRECISION_MXFP4, 4099), 2178); /* 2,177.59 */
    assert_int_equal(precision_bytes(PRECISION_FP4, 13), 7);        /* 6.5 */
    assert_int_equal(precision_bytes(PRECISION_NVFP4, 0), 0);
    assert_int_equal(precision_bytes(PRECISION_BF16, INT64_C(4000000000000000000)),
                     INT64_C(8000000000000000000));
}

static void products_run_at_the_chips_rate_or_at_that_of_bf16(void **state)
{
    (void)state;
    const int64_t bf16 = 989400000000000;
    struct accelerator gpu = h100;
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_BF16), bf16);
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_FP8), 1978900000000000);
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_INT4), bf16);
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_NVFP4), bf16);
    gpu.fp8_flop_per_s = 0; /* an A100 */
    gpu.int8_flop_per_s = 624000000000000;
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_FP8), bf16);
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_INT8), 624000000000000);
    gpu.fp4_flop_per_s = 4099000000000000;
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_FP4), 4099000000000000);
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_MXFP4), 4099000000000000);
    assert_int_equal(accelerator_flop_per_s(&gpu, PRECISION_INT4), bf16);
}

/* Femtoseconds of one token in the MLP of Llama-3.1-8B, and of reading it. */
static struct cost_term mlp_of(const struct accelerator *gpu, const struct llm *llm)
{
    struct cost cost = must_cost(&by_operation, gpu, llm, &ideal, tensor(1));
    return cost.full[0].terms[0][COST_MLP];
}

static void weights_of_8_bits_halve_the_bytes_and_the_time_where_the_chip_can(
    void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    struct accelerator gpu = h100;
    llm.weight_precision = PRECISION_FP8;
    /* 2 x 5,637,144,576 / 1,978.9e12; 5,637,144,576 / 3.35e12 */
    assert_int_equal(mlp_of(&gpu, &llm).compute_fs, 5697250570);
    assert_int_equal(mlp_of(&gpu, &llm).memory_fs, 1682729724179);
    gpu.fp8_flop_per_s = 0;
    assert_int_equal(mlp_of(&gpu, &llm).compute_fs, 11395076968);
    assert_int_equal(mlp_of(&gpu, &llm).memory_fs, 1682729724179);
    llm.weight_precision = PRECISION_INT4; /* 4.125 / 16 of 3,365,459,448,358 */
    assert_int_equal(mlp_of(&h100, &llm).compute_fs, 11395076968);
    assert_int_equal(mlp_of(&h100, &llm).memory_fs, 867657514030);
    llm.compute_precision = PRECISION_FP8; /* activations in 8 bits, too */
    assert_int_equal(mlp_of(&h100, &llm).compute_fs, 5697250570);
    llm.weight_precision = PRECISION_BF16; /* these do not go down */
    assert_int_equal(mlp_of(&h100, &llm).compute_fs, 11395076968);
}

static void sparsity_speeds_up_only_hardware_that_has_it(void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    struct accelerator gpu = h100;
    llm.sparsity = LLM_TWO_OF_FOUR;
    /* half of 11,395,076,968.4; (5,637,144,576 + 5,637,144,576 / 8) / 3.35e12 */
    assert_int_equal(mlp_of(&gpu, &llm).compute_fs, 5697538484);
    assert_int_equal(mlp_of(&gpu, &llm).memory_fs, 1893070939701);
    gpu.sparse_speedup_nano = 1000000000;
    assert_int_equal(mlp_of(&gpu, &llm).compute_fs, 11395076968);
    assert_int_equal(mlp_of(&gpu, &llm).memory_fs, 1893070939701);
    llm.sparsity = LLM_UNSTRUCTURED; /* no kernel skips these */
    llm.density_nano = 137000000;
    assert_int_equal(mlp_of(&h100, &llm).compute_fs, 11395076968);
    assert_int_equal(mlp_of(&h100, &llm).memory_fs, 3365459448358);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_count_the_scales_that_are_stored_with_the_numbers),
        cmocka_unit_test(bytes_are_rounded_half_up_and_never_overflow),
        cmocka_unit_test(products_run_at_the_chips_rate_or_at_that_of_bf16),
        cmocka_unit_test(
            weights_of_8_bits_halve_the_bytes_and_the_time_where_the_chip_can),
        cmocka_unit_test(sparsity_speeds_up_only_hardware_that_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
