#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/calibrated.h"

static struct pool_config server(const char *accelerator)
{
    return (struct pool_config){
        .name = "main",
        .accelerator_name = accelerator,
        .model_name = "llama-3.1-8b",
        .engine_name = "vllm",
        .layout = {.tp = 2, .pp = 1, .dp = 1},
        .constants = {.tpot_sd_nano = 160000000, .ttft_sd_nano = 500000000},
        .cost = {.kind = COST_ROOFLINE, .scale_nano = 1000000000},
    };
}

static void assert_says(struct pool_config *pool, const char *expected)
{
    struct config config = {.pools = pool, .n_pools = 1};
    char text[CALIBRATED_TEXT];
    calibrated_print(config.pools, config.n_pools, text);
    assert_string_equal(text, expected);
}

static void a_server_like_those_measured_is_fitted_on_others(void **state)
{
    (void)state;
    static const char *const names[] = {"h100-sxm", "h200-sxm", "b200-sxm",
                                        "configs/accelerators/h100-sxm.ini"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pool_config pool = server(names[i]);
        assert_says(&pool, "fitted on other deployments (TPOT +-17 %)");
        assert_false(calibrated_is_doubtful(&pool));
    }
    struct pool_config unsure = server("h100-sxm");
    unsure.constants.tpot_sd_nano = 1370000000;
    assert_says(&unsure, "fitted on other deployments (TPOT +-294 %)");
}

static void a_scale_is_a_measurement_of_this_deployment(void **state)
{
    (void)state;
    struct pool_config pool = server("mi300x");
    pool.layout.pp = 4;
    pool.cost.scale_nano = 1073700000;
    assert_says(&pool, "this deployment (scale = 1.0737)");
    assert_true(calibrated_has_scale(&pool));
    assert_false(calibrated_is_doubtful(&pool));
}

static void what_was_never_measured_is_named(void **state)
{
    (void)state;
    struct pool_config pool = server("h100-sxm");
    pool.constants.tpot_sd_nano = 0;
    assert_says(&pool, "uncalibrated: an engine never fitted");
    pool = server("h100");
    assert_says(&pool, "uncalibrated: not calibrated on this accelerator");
    pool = server("h100-sxm-7");
    assert_says(&pool, "uncalibrated: not calibrated on this accelerator");
    pool = server("h200-sxm");
    pool.layout.pp = 2;
    assert_says(&pool, "uncalibrated: pipeline stages");
    pool = server("h200-sxm");
    pool.layout.dp = 7;
    assert_says(&pool, "uncalibrated: data parallel ranks");
    pool = server("b200-sxm");
    pool.llm.n_linear_layers = 41;
    assert_says(&pool, "uncalibrated: linear layers");
    pool = server("b200-sxm");
    pool.llm.index_heads = 64;
    assert_says(&pool, "uncalibrated: an indexer");
    pool = server("b200-sxm");
    pool.adapters.max_loras = 3;
    assert_says(&pool,
                "fitted on other deployments (TPOT +-17 %)"); /* not in this pool */
    pool.lora = 1;
    assert_says(&pool, "uncalibrated: LoRA adapters");
    pool.cost.scale_nano = 1073700000;
    assert_says(&pool, "uncalibrated: LoRA adapters");
    assert_true(calibrated_is_doubtful(&pool));
}

static void an_engine_of_ones_own_is_what_it_says(void **state)
{
    (void)state;
    struct pool_config pool = server("mi300x");
    pool.layout.dp = 8;
    pool.engine_name = "./ours.ini";
    assert_says(&pool, "as the engine file of your own says (TPOT +-17 %)");
    pool.constants.tpot_sd_nano = 0;
    assert_says(&pool, "uncalibrated: an engine never fitted");
    pool = server("mi300x");
    pool.engine_name = "configs/engines/vllm.ini";
    assert_says(&pool, "uncalibrated: not calibrated on this accelerator");
}

static void a_linear_cost_knows_no_scale(void **state)
{
    (void)state;
    struct pool_config pool = server("");
    pool.cost.kind = COST_LINEAR;
    pool.cost.scale_nano = 4099000000;
    assert_says(&pool, "uncalibrated: cost = linear");
    assert_false(calibrated_has_scale(&pool));
}

static void all_reasons_fit_in_one_line(void **state)
{
    (void)state;
    struct pool_config pools[2] = {server(""), server("tpu-v7")};
    pools[0].cost.kind = COST_LINEAR;
    pools[1].constants.tpot_sd_nano = 0;
    pools[1].layout = (struct layout){.tp = 1, .pp = 2, .dp = 4};
    pools[1].llm.n_linear_layers = 7;
    pools[1].llm.index_heads = 7;
    pools[1].speculative.method = SPECULATIVE_NGRAM;
    pools[1].lora = 1;
    pools[1].adapters.max_loras = 41;
    struct config config = {.pools = pools, .n_pools = 2};
    char text[CALIBRATED_TEXT];
    calibrated_print(config.pools, config.n_pools, text);
    assert_string_equal(
        text, "uncalibrated: cost = linear; an engine never fitted; not "
              "calibrated on this accelerator; pipeline stages; data parallel ranks; "
              "linear layers; an indexer; speculation; LoRA adapters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_like_those_measured_is_fitted_on_others),
        cmocka_unit_test(a_scale_is_a_measurement_of_this_deployment),
        cmocka_unit_test(what_was_never_measured_is_named),
        cmocka_unit_test(an_engine_of_ones_own_is_what_it_says),
        cmocka_unit_test(a_linear_cost_knows_no_scale),
        cmocka_unit_test(all_reasons_fit_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
