#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/roofline.h"
#include "study/run.h"
#include "study/textbook.h"

/* The demo's server with other settings. */
struct world {
    struct arena arena;
    struct config config;
    struct pool *pools;
    struct roofline roofline;
};

static void open_world(struct world *world, const char *const *settings, int32_t n)
{
    struct err err;
    *world = (struct world){0};
    assert_int_equal(config_read(&world->config, "configs/examples/azure-code-h100.ini",
                                 settings, n, &world->arena, &err),
                     0);
    world->pools = memory_new((size_t)world->config.n_pools, sizeof *world->pools);
    assert_int_equal(run_pools(&world->config, world->pools, &err), 0);
    assert_int_equal(roofline_init(&world->roofline, &world->pools[0], &err), 0);
}

static void close_world(struct world *world)
{
    roofline_free(&world->roofline);
    run_free_pools(&world->config, world->pools);
    memory_arena_free(&world->arena);
}

static const char *const ideal[] = {"pool.main.engine=ideal"};

static void assert_near(double value, double expected, double relative)
{
    assert_true(value > expected * (1 - relative) && value < expected * (1 + relative));
}

static void one_decode_of_llama_8b_takes_its_weights_over_the_bandwidth(void **state)
{
    (void)state;
    struct world world;
    struct roofline_step step;
    open_world(&world, ideal, 1);
    roofline_decode(&world.roofline, 1, 1, &step);
    /* 8,030,261,248 parameters less the input embedding and 65 norms, 131,072 B of KV */
    double bytes = 2.0 * (8030261248.0 - 128256.0 * 4096 - 65 * 4096) + 131072;
    assert_near(step.bytes, bytes, 1e-12);
    assert_near(step.s[ROOFLINE_STEP], bytes / 3.35e12, 1e-9);
    assert_int_equal(roofline_regime(&step), BOUND_WEIGHT);
    close_world(&world);
}

static void a_step_per_operation_lies_between_the_one_over_the_step_and_the_sum(
    void **state)
{
    (void)state;
    struct world world;
    open_world(&world, NULL, 0);
    for (int64_t batch = 1; batch < 3000; batch = batch * 3 + 1) {
        for (int64_t context = 7; context < 100000; context *= 11) {
            struct roofline_step step;
            roofline_decode(&world.roofline, batch, context, &step);
            const double *s = step.s;
            assert_true(s[ROOFLINE_STEP] <= s[ROOFLINE_OPERATION]);
            assert_true(s[ROOFLINE_OPERATION] <= s[ROOFLINE_SUM]);
            assert_true(s[ROOFLINE_SUM] <= 2 * s[ROOFLINE_STEP]);
        }
    }
    close_world(&world);
}

/* The conventions' arithmetic and the price of a step must not drift apart. */
static void a_textbook_step_under_physics_costs_what_the_model_says(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, ideal, 1);
    const struct llm *llm = &world.config.pools[0].llm;
    int64_t params =
        llm_attention_params(llm) + llm_mlp_params(llm) + llm_head_params(llm);
    for (int64_t batch = 1; batch < 3000; batch = batch * 4 + 3) {
        struct textbook given = {.params = (double)params,
                                 .layers = 32,
                                 .heads = 32,
                                 .kv_heads = 8,
                                 .head_dim = 128,
                                 .batch = (double)batch,
                                 .context = 4099,
                                 .tflops = 989.4,
                                 .tbytes = 3.35};
        struct roofline_step step;
        struct textbook_step told =
            textbook_decode(&roofline_convention_all[0], &given);
        roofline_decode(&world.roofline, batch, 4099, &step);
        assert_near(told.flops, step.flops, 1e-6);
        assert_near(told.bytes, step.bytes, 1e-6);
        assert_near(told.s, step.s[ROOFLINE_STEP], 1e-6);
    }
    close_world(&world);
}

static void seven_billion_parameters_take_4_2_ms_on_an_h100(void **state)
{
    (void)state;
    struct textbook given = {
        .params = 7e9, .batch = 1, .tflops = 989.4, .tbytes = 3.35};
    assert_near(textbook_decode(&roofline_convention_all[0], &given).s, 4.179e-3, 1e-4);
}

/* Of one H100, however the model is laid out. */
static void kernels_reach_the_engines_share_of_the_peak(void **state)
{
    (void)state;
    struct world world;
    const char *const layouts[] = {"pool.main.model=llama-3.1-70b",
                                   "pool.main.tensor_parallel=4",
                                   "pool.main.pipeline_parallel=3"};
    open_world(&world, NULL, 0);
    double share =
        (double)world.config.pools[0].constants.compute_efficiency_nano / 1e9;
    assert_near(roofline_reached_flop_per_s(&world.roofline), 989.4e12 * share, 1e-6);
    close_world(&world);
    open_world(&world, layouts, 3);
    assert_near(roofline_reached_flop_per_s(&world.roofline), 989.4e12 * share, 1e-6);
    close_world(&world);
}

static void without_kv_decode_is_compute_bound_from_the_ridge(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, ideal, 1);
    assert_near(roofline_weights_batch(&world.roofline), 295.343, 1e-5);
    assert_int_equal(roofline_critical_batch(&world.roofline, 0), 296);
    close_world(&world);
}

static void eight_bit_weights_halve_the_critical_batch_only_at_a_16_bit_rate(
    void **state)
{
    (void)state;
    struct world world;
    const char *const weights[] = {"pool.main.engine=ideal",
                                   "pool.main.weight_precision=int8",
                                   "pool.main.compute_precision=bf16"};
    open_world(&world, weights, 3);
    assert_near(roofline_weights_batch(&world.roofline), 147.67, 1e-4);
    close_world(&world);
    open_world(&world, weights, 2);
    double own_rate = roofline_weights_batch(&world.roofline);
    assert_true(own_rate > 147 && own_rate < 296);
    close_world(&world);
}

/* Every sequence brings a cache of its own: beyond some 393 tokens of context its bytes
 * outweigh the FLOPs of its token, whatever the batch. */
static void decode_with_long_contexts_is_never_compute_bound(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, ideal, 1);
    assert_true(roofline_critical_batch(&world.roofline, 380) > 296);
    assert_int_equal(roofline_critical_batch(&world.roofline, 4096), -1);
    assert_near(roofline_intensity_limit(&world.roofline, 4096), 31.95, 1e-2);
    close_world(&world);
}

static void the_largest_batch_in_time_is_just_in_time(void **state)
{
    (void)state;
    struct world world;
    struct roofline_step step;
    const int64_t bound_ns = 23700000;
    open_world(&world, NULL, 0);
    int64_t most = roofline_most_in_time(&world.roofline, 2053, bound_ns);
    roofline_decode(&world.roofline, most, 2053, &step);
    assert_true(step.s[ROOFLINE_OPERATION] * 1e9 < (double)bound_ns + 1);
    roofline_decode(&world.roofline, most + 1, 2053, &step);
    assert_true(step.s[ROOFLINE_OPERATION] * 1e9 > (double)bound_ns);
    assert_int_equal(roofline_most_in_time(&world.roofline, 2053, 1000), 0);
    close_world(&world);
}

static void memory_holds_as_many_sequences_as_it_has_blocks_for(void **state)
{
    (void)state;
    struct world world;
    const char *const blocks[] = {"pool.main.num_gpu_blocks=1025"};
    open_world(&world, blocks, 1);
    assert_int_equal(roofline_most_in_memory(&world.roofline, 16 * 64), 16);
    assert_int_equal(roofline_most_in_memory(&world.roofline, 16 * 64 + 1), 15);
    close_world(&world);
}

static void an_h200_is_the_better_bargain_below_batch_211_by_weights_alone(void **state)
{
    (void)state;
    struct textbook h100 = {
        .params = 7e9, .tflops = 989.4, .tbytes = 3.35, .usd_per_hour = 2.5};
    struct textbook h200 = {
        .params = 7e9, .tflops = 989.4, .tbytes = 4.8, .usd_per_hour = 3.5};
    assert_near(textbook_crossover(&roofline_convention_all[0], &h100, &h200), 210.959,
                1e-5);
    const struct roofline_convention *seed = roofline_convention_find("s003_intensity");
    assert_near(textbook_crossover(seed, &h100, &h200), 843.84, 1e-5);
}

static void a_batch_visits_fewer_experts_than_it_asks_for(void **state)
{
    (void)state;
    assert_near(textbook_experts(8, 2, 1), 2, 1e-9);
    assert_near(textbook_experts(8, 2, 4), 5.46875, 1e-3);
    assert_near(textbook_experts(256, 8, 64), 222.44, 1e-3);
}

static void a_linear_cost_has_no_roofline(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct config config;
    struct roofline roofline;
    struct err err;
    assert_int_equal(
        config_read(&config, "configs/examples/linear.ini", NULL, 0, &arena, &err), 0);
    struct pool *pools = memory_new((size_t)config.n_pools, sizeof *pools);
    assert_int_equal(run_pools(&config, pools, &err), 0);
    assert_int_equal(roofline_init(&roofline, &pools[0], &err), -1);
    assert_string_equal(err.text,
                        "[pool.main]: cost: linear has no roofline; expected cost = "
                        "roofline, an accelerator and a model");
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_decode_of_llama_8b_takes_its_weights_over_the_bandwidth),
        cmocka_unit_test(
            a_step_per_operation_lies_between_the_one_over_the_step_and_the_sum),
        cmocka_unit_test(a_textbook_step_under_physics_costs_what_the_model_says),
        cmocka_unit_test(seven_billion_parameters_take_4_2_ms_on_an_h100),
        cmocka_unit_test(kernels_reach_the_engines_share_of_the_peak),
        cmocka_unit_test(without_kv_decode_is_compute_bound_from_the_ridge),
        cmocka_unit_test(
            eight_bit_weights_halve_the_critical_batch_only_at_a_16_bit_rate),
        cmocka_unit_test(decode_with_long_contexts_is_never_compute_bound),
        cmocka_unit_test(the_largest_batch_in_time_is_just_in_time),
        cmocka_unit_test(memory_holds_as_many_sequences_as_it_has_blocks_for),
        cmocka_unit_test(
            an_h200_is_the_better_bargain_below_batch_211_by_weights_alone),
        cmocka_unit_test(a_batch_visits_fewer_experts_than_it_asks_for),
        cmocka_unit_test(a_linear_cost_has_no_roofline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
