#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "input/config.h"
#include "study/bound.h"
#include "study/run.h"

/* A pool of its keys; to be freed with run_free_pools(). */
static struct pool *pool_of(struct config *config, struct arena *arena,
                            const char *keys)
{
    struct err err = {""};
    FILE *out = fopen("config.ini", "w");
    assert_non_null(out);
    fprintf(out, "[workload]\ntrace = t.csv\n[pool.main]\n%s", keys);
    assert_int_equal(fclose(out), 0);
    if (config_read(config, "config.ini", NULL, 0, arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
    struct pool *pools = memory_new((size_t)config->n_pools, sizeof *pools);
    if (run_pools(config, pools, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return pools;
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-6 * expected)) {
        fail_msg("%.12g is not %.12g", found, expected);
    }
}

/* Steps of 1 ms and 0.1 ms per prompt token; the gap to the bound is its rounding. */
static const char linear[] =
    "engine = ideal\ncost = linear\nbase_us = 1000\nprefill_token_us = "
    "100\ndecode_seq_us = 10\n"
    "num_gpu_blocks = 4099\nblock_size = 16\nmax_num_seqs = 5\n"
    "max_num_batched_tokens = 41\n";

static void a_linear_step_by_hand(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct config config;
    struct pool *pools = pool_of(&config, &arena, linear);
    struct bound_mix mix = {0};
    struct bound_result bound;
    for (int i = 0; i < 10; i++) {
        bound_mix_add(&mix, 37, 8, false);
    }
    bound_of(pools, &mix, &bound);
    /* 8 sequences in steps each, 5 to a step: 16 steps; 370 tokens of prompts and 70
     * decodes; 440 tokens, 41 to a step, are fewer steps; half a ns of a step of 1 ms */
    double rounded = 1 - 0.5e-6;
    assert_near(bound.busy_s_per_request,
                (16 * 1e-3 + 370 * 1e-4 + 70 * 1e-5) / 10 * rounded);
    assert_near(bound.most_rps, 1 / bound.busy_s_per_request);
    assert_near(bound.least_ttft_s, 1e-3 + 37 * 1e-4);
    assert_near(bound.least_tpot_s, 1e-3 + 1e-5);
    bound_mix_free(&mix);
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
}

static void few_blocks_are_few_sequences(void **state)
{
    (void)state;
    char keys[400];
    struct arena arena = {0};
    struct config config;
    struct bound_mix mix = {0};
    struct bound_result bound;
    snprintf(keys, sizeof keys, "%smax_num_seqs = 99\n", linear);
    /* a key given twice is an error: the limit is in the other place */
    char *limit = strstr(keys, "max_num_seqs = 5\n");
    memset(limit, '\n', strlen("max_num_seqs = 5\n"));
    char *blocks = strstr(keys, "4099");
    memcpy(blocks, "0007", 4);
    struct pool *pools = pool_of(&config, &arena, keys);
    for (int i = 0; i < 10; i++) {
        bound_mix_add(&mix, 37, 8, false);
    }
    bound_of(pools, &mix, &bound);
    /* contexts of 37 to 44 tokens are 3 blocks of 16 each, 8 times; 6 there are, so
     * two requests to a step: 10 x 8 / 2 steps */
    assert_near(bound.busy_s_per_request,
                (40 * 1e-3 + 370 * 1e-4 + 70 * 1e-5) / 10 * (1 - 0.5e-6));
    bound_mix_free(&mix);
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
}

static void prompts_that_a_cache_may_hold_are_not_counted(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct config config;
    struct pool *pools = pool_of(&config, &arena, linear);
    struct bound_length length = {37, 1, 1, true};
    assert_near(bound_ttft_s(pools, &length), 1e-3 + 1e-4);
    config.pools[0].scheduler.enable_prefix_caching = 0;
    assert_near(bound_ttft_s(pools, &length), 1e-3 + 37 * 1e-4);
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
}

static void who_cannot_meet_the_slo_alone_is_counted(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct config config;
    struct pool *pools = pool_of(&config, &arena, linear);
    struct bound_mix mix = {0};
    /* TTFT 4.7 ms, 11.3 ms in three chunks; then 1.01 ms a token */
    bound_mix_add(&mix, 37, 8, false);
    bound_mix_add(&mix, 37, 1, false);
    bound_mix_add(&mix, 37, 8, false);
    bound_mix_add(&mix, 83, 3, false);
    struct slo none = {.ttft_ns = 0};
    struct slo ttft = {.ttft_ns = 4700000};
    struct slo tpot = {.tpot_ns = 1009000};
    struct slo itl = {.itl_ns = 1011000};
    struct slo e2e = {.e2e_ns = 11000000};
    assert_true(bound_unmet_share(pools, &mix, &none) <= 0);
    assert_near(bound_unmet_share(pools, &mix, &ttft), 0.25);
    assert_near(bound_unmet_share(pools, &mix, &tpot), 0.75);
    assert_true(bound_unmet_share(pools, &mix, &itl) <= 0);
    assert_near(bound_unmet_share(pools, &mix, &e2e), 0.75);
    bound_mix_free(&mix);
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
}

/* One request's steps are what cost_price() says of them. */
static void a_request_alone_costs_what_its_steps_do(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct config config;
    struct pool *pools =
        pool_of(&config, &arena,
                "accelerator = h100-sxm\nmodel = llama-3.1-8b\n"
                "max_num_batched_tokens = 4099\nnum_gpu_blocks = 4099\n");
    const struct cost *cost = &pools->cost;
    const struct constants *constants = &config.pools[0].constants;
    struct bound_length length = {1370, 2, 1, false};
    struct step_counts chunk = {.n_emitting = 1};
    struct step_counts decode = {.n_decodes = 0};
    struct step_price price;
    cost_count_chunk(cost, &chunk, 0, 1370);
    cost_count_decode(cost, &decode, 1370, 1);
    cost_price(cost, &chunk, &price);
    double frontend_s =
        (double)(constants->frontend_ns + constants->frontend_request_ns) * 1e-9 +
        (double)constants->frontend_token_fs * 1370 * 1e-15;
    assert_near(bound_ttft_s(pools, &length),
                frontend_s + (double)cost_sum_fs(&price) * 1e-15);
    cost_price(cost, &decode, &price);
    assert_near(bound_output_s(pools, &length), (double)cost_sum_fs(&price) * 1e-15);
    run_free_pools(&config, pools);
    memory_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linear_step_by_hand),
        cmocka_unit_test(few_blocks_are_few_sequences),
        cmocka_unit_test(prompts_that_a_cache_may_hold_are_not_counted),
        cmocka_unit_test(who_cannot_meet_the_slo_alone_is_counted),
        cmocka_unit_test(a_request_alone_costs_what_its_steps_do),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
