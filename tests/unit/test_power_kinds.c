#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

static struct power work_of(const struct llm *llm, struct layout layout)
{
    struct power power = {0};
    power_init_work(&power, llm, &ideal, &layout);
    return power;
}

static void a_moe_step_does_the_products_of_active_experts_and_reads_visited_ones(
    void **state)
{
    (void)state;
    /* 2 x (1,342,177,280 + 1,048,576 + 2 x 5,637,144,576) FLOPs a token; one expert of
     * every layer has 11,274,289,152 bytes; 7 tokens visit 6.932 of 8 */
    struct power power = work_of(&mixtral, tensor(1));
    assert_int_equal(power.flops.token, 25235030016);
    assert_int_equal(power.bytes.step, 2686451712);
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &ideal, tensor(1));
    struct step_counts counts = {
        .n_decodes = 7, .decode_context = 4099, .n_emitting = 7};
    struct work work = power_work(&cost, &counts);
    assert_int_equal(wide_narrow(work.expert_milli), 6932);
    assert_true(power_sum(&power.flops, &work) ==
                7 * (INT64_C(25235030016) + 262144000) + 4099 * INT64_C(524288));
    assert_true(power_sum(&power.bytes, &work) == INT64_C(2686451712) + 262144000 +
                                                      6932 * INT64_C(11274289) +
                                                      4099 * INT64_C(131072));
    cost_free(&cost);
}

static void work_of_mla_windows_and_linear_layers_follows_their_dimensions(void **state)
{
    (void)state;
    struct power power = work_of(&deepseek_v3, tensor(1));
    assert_int_equal(power.flops.decode_context, 61 * 278528);
    assert_int_equal(power.flops.prefill_pair, 61 * 81920);
    assert_int_equal(power.bytes.decode_context, 70272);
    /* every GPU reads the whole compressed cache */
    assert_int_equal(work_of(&deepseek_v3, tensor(8)).bytes.decode_context, 562176);
    power = work_of(&gemma_3_27b, tensor(2));
    assert_int_equal(power.flops.decode_context, 10 * 16384);
    assert_int_equal(power.flops.decode_window, 52 * 16384);
    assert_int_equal(power.flops.window_pair, 52 * 16384);
    assert_int_equal(power.bytes.prefill_context, 10 * 8192);
    assert_int_equal(power.bytes.window_context, 52 * 8192);
    struct llm llm = llama_8b;
    llm.n_linear_layers = 7;
    llm.linear_params = 41943040;
    llm.linear_state = 65537;
    power = work_of(&llm, tensor(1));
    assert_int_equal(power.flops.token, 2 * INT64_C(6979321856) + 8 * 7 * 65537);
    assert_int_equal(power.bytes.sequence, 2 * 4 * 7 * 65537);
}

static void stages_and_ranks_read_weights_once_per_micro_batch_and_rank(void **state)
{
    (void)state;
    struct layout layout = {.tp = 2, .pp = 3, .dp = 2};
    struct power power = work_of(&mixtral, layout);
    assert_int_equal(power.bytes.step, 2 * 3 * INT64_C(2686451712));
    assert_int_equal(power.bytes.emitting_step, 2 * 3 * INT64_C(262144000));
    assert_int_equal(power.flops.token, 25235030016);
}

static void activations_are_counted_on_every_gpu_that_moves_them(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.activation_traffic_nano = 8200000000;
    constants.expert_activation_traffic_nano = 3700000000;
    struct layout layout = {.tp = 2, .pp = 1, .dp = 2};
    struct power power = {0};
    /* 2 x 4096 x 32 x (8.2 x 2 + 3.7 x 2 x 4) = 12,058,624; whole experts: x 1 for x 4 */
    power_init_work(&power, &mixtral, &constants, &layout);
    assert_int_equal(power.bytes.token, 12058624);
    layout.expert_parallel = 1;
    power_init_work(&power, &mixtral, &constants, &layout);
    assert_int_equal(power.bytes.token, 6239027);
}

static void no_step_moves_more_bytes_or_does_more_products_than_its_gpus_can(
    void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "utilisation");
    for (int world = 0; world < 2000; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        random_kinds(&rng, &llm);
        struct layout layout = random_layout(&rng, &llm);
        struct cost cost = must_cost(world % 2 == 0 ? &by_operation : &by_step, &gpu,
                                     &llm, &constants, layout);
        struct power power;
        power_init(&power, &cost, &gpu, &llm, &constants, &layout);
        for (int i = 0; i < 20; i++) {
            struct step_counts counts = random_step(&rng, &cost);
            struct step_price price;
            cost_price(&cost, &counts, &price);
            double s = (double)cost_sum_fs(&price) * 1e-15 * 1.0001; /* rounding */
            double gpus = (double)layout_gpus(&layout);
            struct work work = power_work(&cost, &counts);
            assert_true((double)power_sum(&power.bytes, &work) <=
                        s * gpus * (double)gpu.memory_bytes_per_s);
            assert_true((double)power_sum(&power.flops, &work) <=
                        s * gpus * (double)power_peak_flop_per_s(&gpu, &llm));
        }
        cost_free(&cost);
    }
    rng_free(&rng);
}

static void sums_of_steps_are_their_work_added_up_in_every_kind_of_model(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 919, "sums of kinds");
    for (int world = 0; world < 200; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        random_kinds(&rng, &llm);
        struct layout layout = random_layout(&rng, &llm);
        struct cost cost = must_cost(&by_operation, &gpu, &llm, &constants, layout);
        struct power power;
        power_init(&power, &cost, &gpu, &llm, &constants, &layout);
        struct work sum = {0};
        wide totals[3] = {0};
        for (int i = 0; i < 50; i++) {
            struct step_counts counts = random_step(&rng, &cost);
            struct work work = power_work(&cost, &counts);
            power_work_add(&sum, &work);
            totals[0] += power_sum(&power.pj, &work);
            totals[1] += power_sum(&power.flops, &work);
            totals[2] += power_sum(&power.bytes, &work);
        }
        assert_true(power_sum(&power.pj, &sum) == totals[0]);
        assert_true(power_sum(&power.flops, &sum) == totals[1]);
        assert_true(power_sum(&power.bytes, &sum) == totals[2]);
        cost_free(&cost);
    }
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_moe_step_does_the_products_of_active_experts_and_reads_visited_ones),
        cmocka_unit_test(
            work_of_mla_windows_and_linear_layers_follows_their_dimensions),
        cmocka_unit_test(stages_and_ranks_read_weights_once_per_micro_batch_and_rank),
        cmocka_unit_test(activations_are_counted_on_every_gpu_that_moves_them),
        cmocka_unit_test(
            no_step_moves_more_bytes_or_does_more_products_than_its_gpus_can),
        cmocka_unit_test(sums_of_steps_are_their_work_added_up_in_every_kind_of_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
