#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hardware_world.h"

/* Of a Llama-3.1-8B on H100s. */
static void init_power(struct power *power, const struct cost *cost,
                       struct layout layout)
{
    power_init(power, cost, &h100, &llama_8b, &ideal, &layout);
}

static wide energy_of(const struct power *power, const struct cost *cost,
                      const struct step_counts *counts, int64_t ns)
{
    struct work work = power_work(cost, counts);
    return power_energy_pj(power, &work, ns);
}

static void a_step_draws_between_idle_and_tdp(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "power");
    for (int world = 0; world < 2000; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        random_kinds(&rng, &llm);
        struct layout layout = random_layout(&rng, &llm);
        int64_t n_gpus = layout_gpus(&layout);
        struct cost cost = must_cost(world % 2 == 0 ? &by_operation : &by_step, &gpu,
                                     &llm, &constants, layout);
        struct power power;
        power_init(&power, &cost, &gpu, &llm, &constants, &layout);
        for (int i = 0; i < 20; i++) {
            struct step_counts counts = random_step(&rng, &cost);
            struct step_price price;
            cost_price(&cost, &counts, &price);
            int64_t ns = cost_duration_ns(cost_sum_fs(&price));
            wide pj = energy_of(&power, &cost, &counts, ns);
            /* half a nanosecond of rounding in the duration, half a picojoule in each
             * of the coefficients */
            struct work work = power_work(&cost, &counts);
            static const struct power_weights once = {1, 1, 1, 1, 1, 1, 1,
                                                      1, 1, 1, 1, 1, 1, 1};
            wide rounding = gpu.tdp_mw * n_gpus / 2 + power_sum(&once, &work);
            assert_true(pj >= (wide)gpu.idle_mw * n_gpus * ns);
            assert_true(pj <= (wide)gpu.tdp_mw * n_gpus * ns + rounding);
        }
        cost_free(&cost);
    }
    rng_free(&rng);
}

static void a_step_that_keeps_everything_busy_draws_tdp(void **state)
{
    (void)state;
    /* On an H100 296 decodes keep the matrices' compute just busy, and at 295.3 FLOP
     * per byte their memory too; the rest adds little.  All shares sum to 1. */
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    struct power power;
    init_power(&power, &cost, tensor(1));
    struct step_counts counts = {
        .n_decodes = 296, .decode_context = 296, .n_emitting = 296};
    struct step_price price;
    cost_price(&cost, &counts, &price);
    int64_t ns = cost_duration_ns(cost_sum_fs(&price));
    wide pj = energy_of(&power, &cost, &counts, ns);
    assert_true(pj <= (wide)h100.tdp_mw * ns);
    assert_true(pj * 1000 >= (wide)h100.tdp_mw * ns * 997);
}

static void energy_is_a_form_of_the_counts_worked_out_by_hand(void **state)
{
    (void)state;
    /* 625 W between idle and TDP: 156.25 W busy, 281.25 W compute, 187.5 W memory.
     * A memory femtosecond is 187,500 mW x 1e-6 = 0.1875 pJ, a compute one 0.28125 pJ:
     *   weights   4,166,759,317,015 fs x 0.1875   = 781,267,371,940.3 pJ a step
     *   head      313,633,776,716 fs x 0.1875     = 58,806,333,134.25 pJ
     *   token     14,108,190,532 fs x 0.28125     = 3,967,928,587.125 pJ
     *   emission  1,061,929,606 fs x 0.28125      = 298,667,701.7 pJ
     *   pair      529,905 fs x 0.28125            = 149,035.8 pJ
     *   context   39,125,970 fs x 0.1875          = 7,336,119.4 pJ */
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    struct power power;
    init_power(&power, &cost, tensor(1));
    assert_int_equal(power.idle_mw, 75000);
    assert_int_equal(power.busy_mw, 231250);
    assert_int_equal(power.pj.step, 781267371940);
    assert_int_equal(power.pj.emitting_step, 58806333134);
    assert_int_equal(power.pj.token, 3967928587);
    assert_int_equal(power.pj.emission, 298667702);
    assert_int_equal(power.pj.decode_context, 149036 + 7336119);
    assert_int_equal(power.pj.prefill_pair, 149036);
    assert_int_equal(power.pj.prefill_context, 7336119);
    struct step_counts counts = {
        .n_decodes = 7, .decode_context = 4099, .n_emitting = 7};
    assert_true(energy_of(&power, &cost, &counts, 4640770) ==
                INT64_C(231250) * 4640770 + 781267371940 + 58806333134 +
                    7 * (INT64_C(3967928587) + 298667702) +
                    4099 * (INT64_C(149036) + 7336119));
}

static void a_linear_cost_draws_tdp_of_every_gpu(void **state)
{
    (void)state;
    struct cost_config config = {.kind = COST_LINEAR, .base_fs = 1137};
    struct cost cost = must_cost(&config, NULL, NULL, NULL, tensor(3));
    struct power power;
    init_power(&power, &cost, tensor(3));
    struct step_counts counts = {
        .n_decodes = 7, .decode_context = 4099, .n_emitting = 7};
    assert_int_equal(power.idle_mw, 225000);
    assert_true(energy_of(&power, &cost, &counts, 4099) == INT64_C(2100000) * 4099);
}

static void energy_adds_up_over_steps(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 13, "sums of work");
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    struct power power;
    init_power(&power, &cost, tensor(1));
    struct work sum = {0};
    wide pj = 0;
    wide ns_sum = 0;
    for (int i = 0; i < 1000; i++) {
        struct step_counts counts = random_step(&rng, &cost);
        struct work work = power_work(&cost, &counts);
        int64_t ns = some(&rng, 1, 90000001);
        power_work_add(&sum, &work);
        ns_sum += ns;
        pj += power_energy_pj(&power, &work, ns);
    }
    assert_int_equal(sum.steps, 1000);
    assert_true(power_energy_pj(&power, &sum, ns_sum) == pj);
    rng_free(&rng);
}

static wide flops_of(const struct constants *constants, struct layout layout,
                     const struct work *work)
{
    struct power power = {0};
    power_init_work(&power, &llama_8b, constants, &layout);
    return power_sum(&power.flops, work);
}

static wide bytes_of(const struct constants *constants, struct layout layout,
                     const struct work *work)
{
    struct power power = {0};
    power_init_work(&power, &llama_8b, constants, &layout);
    return power_sum(&power.bytes, work);
}

static void flops_and_bytes_are_those_of_the_whole_replica(void **state)
{
    (void)state;
    struct work work = {.steps = 3,
                        .emitting_steps = 2,
                        .tokens = 137,
                        .emissions = 13,
                        .decode_context = 700,
                        .prefill_pairs = 3399,
                        .prefill_context = 219};
    /* 2 x 6,979,321,856 x 137 + 2 x 525,336,576 x 13 + 524,288 x 4,099 */
    assert_true(flops_of(&ideal, tensor(1), &work) == 1928141996032);
    assert_true(flops_of(&ideal, tensor(8), &work) == 1928141996032);
    /* 2 x 6,979,321,856 x 3 + 2 x 525,336,576 x 2 + 131,072 x 919 on any number of GPUs
     * that share the 8 KV heads, 131,072 x 2 x 919 on 16 */
    assert_true(bytes_of(&ideal, tensor(1), &work) == 44097732608);
    assert_true(bytes_of(&ideal, tensor(8), &work) == 44097732608);
    assert_true(bytes_of(&ideal, tensor(16), &work) == 44097732608 + 120455168);
    /* activations, 8.2 x 2 x 4096 x 32 = 2,149,580.8 bytes a token, on each of two GPUs
     * 4,299,161.6 together */
    struct constants constants = ideal;
    constants.activation_traffic_nano = 8200000000;
    assert_true(bytes_of(&constants, tensor(2), &work) ==
                44097732608 + INT64_C(4299162) * 137);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_draws_between_idle_and_tdp),
        cmocka_unit_test(a_step_that_keeps_everything_busy_draws_tdp),
        cmocka_unit_test(energy_is_a_form_of_the_counts_worked_out_by_hand),
        cmocka_unit_test(a_linear_cost_draws_tdp_of_every_gpu),
        cmocka_unit_test(energy_adds_up_over_steps),
        cmocka_unit_test(flops_and_bytes_are_those_of_the_whole_replica),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
