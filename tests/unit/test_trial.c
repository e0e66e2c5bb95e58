#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_world.h"
#include "study/capacity.h"
#include "study/trial.h"

/* Seven requests, 41 and 7 tokens but for the last. */
static const char trace[] = "arrival_s,prompt_tokens,output_tokens\n"
                            "0,41,7\n0.5,41,7\n1.37,41,7\n2,41,7\n2.5,41,7\n3,41,7\n"
                            "3.7,55,14\n";

#define SLOW "[pool.main]\ncost = linear\nbase_us = 1000\nnum_gpu_blocks = 4099\n"

static void read_spec(struct config_world *world, struct trial_spec *spec,
                      const char *more)
{
    char text[2000];
    snprintf(text, sizeof text, "%s%s[slo]\nttft_ms = 500\n%s", TRACE_ONLY, SLOW, more);
    write_file("t.csv", trace, sizeof trace - 1);
    config_world_must(world, text, NULL);
    if (trial_spec_init(spec, &world->config, NULL, &world->arena, &world->err) != 0) {
        fail_msg("%s", world->err.text);
    }
}

static void quantiles_are_even_and_symmetric(void **state)
{
    (void)state;
    assert_true(fabs(trial_quantile(0, 5) + 1.2815515655446004) < 1e-12);
    assert_true(fabs(trial_quantile(1, 5) + 0.5244005127080407) < 1e-12);
    assert_true(trial_quantile(2, 5) == 0);
    assert_true(fabs(trial_quantile(4, 5) - 1.2815515655446004) < 1e-12);
    assert_true(trial_quantile(0, 1) == 0);
}

static void a_trace_has_one_seed_and_its_own_rows(void **state)
{
    (void)state;
    struct config_world world;
    struct trial_spec spec;
    read_spec(&world, &spec, "");
    assert_int_equal(spec.n_rows, 7);
    assert_int_equal(spec.n_requests, 7);
    assert_int_equal(spec.n_seeds, 1);
    assert_false(spec.draws);
    assert_true(spec.mean_prompt == 43);
    assert_true(spec.mean_output == 8);
    config_world_free(&world);
    read_spec(&world, &spec, "[route]\npolicy = power_of_two\n");
    assert_int_equal(spec.n_seeds, 3);
    assert_true(spec.draws);
    assert_false(spec.draws_traffic);
    config_world_free(&world);
}

static void a_trial_is_changes_to_the_configuration(void **state)
{
    (void)state;
    struct config_world world;
    struct trial_spec spec;
    read_spec(&world, &spec,
              "[study]\nrequests = 137\nwarmup = 0.2\ncooldown = 0.05\n");
    struct trial trial = {.rate_rps = 4.3137, .z = 1.3};
    struct config config;
    struct pool_config pool;
    trial_config(&spec, &trial, 2, &config, &pool);
    assert_int_equal(config.workload.rate_rps_nano, 4313700000);
    assert_int_equal(config.workload.limit, 137);
    assert_int_equal(config.workload.repeat, 20); /* of 7 rows: 140 */
    assert_int_equal(config.workload.count_from, 27);
    assert_int_equal(config.workload.count_to, 137 - 6);
    assert_int_equal(config.run.seed, world.config.run.seed + 2);
    assert_int_equal(config.slo.ttft_ns,
                     500000000); /* linear costs are what they are */
    assert_ptr_equal(config.pools, &pool);
    config_world_free(&world);
}

static void a_draw_has_longer_steps_and_tighter_first_tokens(void **state)
{
    (void)state;
    struct config_world world;
    struct trial_spec spec;
    read_spec(&world, &spec, "");
    struct pool_config *own = world.config.pools;
    own->cost.kind = COST_ROOFLINE;
    own->constants.tpot_sd_nano = 140000000;
    own->constants.ttft_sd_nano = 400000000;
    struct trial trial = {.z = 1.3};
    struct config config;
    struct pool_config pool;
    trial_config(&spec, &trial, 0, &config, &pool);
    assert_int_equal(pool.cost.scale_nano,
                     llround((double)own->cost.scale_nano * exp(1.3 * 0.14)));
    assert_int_equal(config.slo.ttft_ns, llround(5e8 / exp(1.3 * 0.26)));
    own->constants.ttft_sd_nano = 130000000; /* surer than of the steps: nothing more */
    assert_true(trial_ttft_factor(&world.config, 1.3) == 1);
    config_world_free(&world);
}

/* One request at a time, 41 ms each: 24.39 a second. */
static void what_is_simulated_is_what_was_told(void **state)
{
    (void)state;
    struct config_world world;
    struct trial_spec spec;
    char more[] = "[study]\nrequests = 700\n";
    read_spec(&world, &spec, more);
    struct pool_config *own = world.config.pools;
    own->scheduler.max_num_seqs = 1;
    struct trial trial = {.rate_rps = 13.7};
    struct trial_result result;
    if (trial_run(&spec, &trial, &result, &world.err) != 0) {
        fail_msg("%s", world.err.text);
    }
    assert_true(result.verdict.meets);
    assert_true(result.rate_rps == 13.7);
    assert_true(result.attainment == 1);
    assert_true(fabs(result.output_per_s - 13.7 * 8) < 0.05 * 13.7 * 8);
    trial.rate_rps = 613;
    assert_int_equal(trial_run(&spec, &trial, &result, &world.err), 0);
    assert_false(result.verdict.meets);
    config_world_free(&world);
}

static void several_trials_are_each_what_it_is_alone(void **state)
{
    (void)state;
    enum { N = 5 };
    struct config_world world;
    struct trial_spec spec;
    read_spec(&world, &spec, "[study]\nrequests = 137\n");
    const struct trial_spec *specs[N] = {&spec, &spec, &spec, &spec, &spec};
    struct trial trials[N];
    struct trial_result together[N];
    for (int i = 0; i < N; i++) {
        trials[i] = (struct trial){.rate_rps = 3.7 * (i + 1)};
    }
    assert_int_equal(trial_run_all(specs, trials, together, N, 3, &world.err), 0);
    for (int i = 0; i < N; i++) {
        struct trial_result alone;
        assert_int_equal(trial_run(&spec, &trials[i], &alone, &world.err), 0);
        assert_true(alone.mean_ttft_ms == together[i].mean_ttft_ms);
        assert_true(alone.rate_rps == together[i].rate_rps);
    }
    config_world_free(&world);
}

static void rates_have_six_digits_and_can_be_given_back(void **state)
{
    (void)state;
    char text[CAPACITY_TEXT];
    assert_true(capacity_rate(0.01, 0) == 1);
    assert_true(capacity_rate(0.01, 310) == 21.8588);
    assert_true(capacity_rate(0.01, -310) == 0.0457482);
    capacity_print_rate(capacity_rate(0.01, 310), text);
    assert_string_equal(text, "21.8588");
    capacity_print_rate(1234570000, text);
    assert_string_equal(text, "1234570000");
    capacity_print_rate(0.000012345, text);
    assert_string_equal(text, "0.000012345");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_even_and_symmetric),
        cmocka_unit_test(a_trace_has_one_seed_and_its_own_rows),
        cmocka_unit_test(a_trial_is_changes_to_the_configuration),
        cmocka_unit_test(a_draw_has_longer_steps_and_tighter_first_tokens),
        cmocka_unit_test(what_is_simulated_is_what_was_told),
        cmocka_unit_test(several_trials_are_each_what_it_is_alone),
        cmocka_unit_test(rates_have_six_digits_and_can_be_given_back),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
