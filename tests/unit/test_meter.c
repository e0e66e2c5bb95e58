#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hardware_world.h"
#include "model/meter.h"

static const int64_t nano = 1000000000;

/* As the defaults of [power] have it. */
static const struct meter_config nothing = {
    .pue_nano = 1000000000,
    .ambient_nano = 25000000000,
    .cooling_efficiency_nano = 1000000000,
};

static int64_t limit_of(const struct meter_config *config, enum meter_limit expected)
{
    struct err err = {""};
    enum meter_limit limit = METER_NO_LIMIT;
    int64_t mw = 0;
    assert_int_equal(meter_limit_mw(config, &mw, &limit, &err), 0);
    assert_int_equal(limit, expected);
    return mw;
}

/* Of a Llama-3.1-8B on `n` H100s. */
static struct power metered(const struct meter_config *config, const struct cost *cost,
                            struct layout layout)
{
    struct power power;
    struct power drafter = {0};
    struct err err = {""};
    power_init(&power, cost, &h100, &llama_8b, &ideal, &layout);
    meter_apply(config, layout_gpus(&layout), h100.tdp_mw, "[pool.main]", &power,
                &drafter, &err);
    assert_string_equal(err.text, "");
    return power;
}

static void without_keys_there_is_no_limit(void **state)
{
    (void)state;
    assert_true(limit_of(&nothing, METER_NO_LIMIT) == INT64_MAX);
}

static void the_thermal_limit_is_the_rise_times_efficiency_over_resistance(void **state)
{
    (void)state;
    struct meter_config config = nothing;
    /* (83.7 - 31.4) C x 0.81 / (0.0937 C/W) = 452.1131... W */
    config.ambient_nano = 31400000000;
    config.max_temperature_nano = 83700000000;
    config.thermal_resistance_nano = 93700000;
    config.cooling_efficiency_nano = 810000000;
    assert_int_equal(limit_of(&config, METER_THERMAL), 452113);
}

static void the_lower_of_cap_and_thermal_limit_holds(void **state)
{
    (void)state;
    struct meter_config config = nothing;
    config.max_temperature_nano = 85000000000;
    config.thermal_resistance_nano = 100000000; /* 60 C / 0.1 = 600 W */
    config.power_cap_mw = 599999;
    assert_int_equal(limit_of(&config, METER_POWER_CAP), 599999);
    config.power_cap_mw = 600001;
    assert_int_equal(limit_of(&config, METER_THERMAL), 600000);
}

static void hosts_draw_beside_every_gpu(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(2));
    struct meter_config config = nothing;
    struct power bare = metered(&config, &cost, tensor(2));
    config.host_idle_mw = 41370;
    config.host_active_mw = 13700;
    struct power power = metered(&config, &cost, tensor(2));
    assert_int_equal(power.idle_mw, bare.idle_mw + 82740);
    assert_int_equal(power.busy_mw, bare.busy_mw + 82740 + 27400);
    assert_int_equal(power.host_idle_mw, 82740);
    assert_int_equal(power.host_active_mw, 27400);
    assert_false(power.limited);
    cost_free(&cost);
}

/* The duration that price and limit give together. */
static int64_t duration_of(const struct cost *cost, const struct power *power,
                           const struct step_counts *counts)
{
    struct step_price price;
    cost_price(cost, counts, &price);
    struct work work = power_work(cost, counts);
    wide fs = cost_sum_fs(&price);
    wide least_fs = power_sum(&power->least_fs, &work);
    return cost_duration_ns(power->limited && least_fs > fs ? least_fs : fs);
}

static void a_limited_step_lasts_as_long_as_its_work_takes_at_the_limit(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    struct meter_config config = nothing;
    config.power_cap_mw = 413700;
    config.host_idle_mw = 90000; /* not the GPU's: the cap does not see it */
    config.host_active_mw = 137000;
    struct power power = metered(&config, &cost, tensor(1));
    assert_true(power.limited);
    /* the energy of test_power.c's step beyond 231.25 W, over 413.7 - 231.25 W */
    struct step_counts counts = {
        .n_decodes = 7, .decode_context = 4099, .n_emitting = 7};
    wide pj = INT64_C(781267371940) + 58806333134 +
              7 * (INT64_C(3967928587) + 298667702) +
              4099 * (INT64_C(149036) + 7336119);
    int64_t expected_ns = (int64_t)((pj + 182450 - 1) / 182450);
    assert_int_equal(expected_ns, 4936265);
    int64_t ns = duration_of(&cost, &power, &counts);
    /* every coefficient is rounded up to a femtosecond: 4099 + 7 + ... of them */
    assert_true(ns == expected_ns || ns == expected_ns + 1);
    cost_free(&cost);
}

static void no_step_draws_more_than_the_limit(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "limits");
    int64_t n_limited = 0;
    static const struct power_weights once = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    for (int world = 0; world < 1000; world++) {
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
        struct power drafter = {0};
        struct err err = {""};
        power_init(&power, &cost, &gpu, &llm, &constants, &layout);
        struct meter_config config = nothing;
        int64_t busy_mw = power.busy_mw;
        config.power_cap_mw = busy_mw / n_gpus + 1 + some(&rng, 1000, 300000);
        assert_int_equal(meter_apply(&config, n_gpus, gpu.tdp_mw, "[pool.main]", &power,
                                     &drafter, &err),
                         0);
        for (int i = 0; i < 20 && power.limited; i++) {
            struct step_counts counts = random_step(&rng, &cost);
            struct step_price price;
            cost_price(&cost, &counts, &price);
            int64_t free_ns = cost_duration_ns(cost_sum_fs(&price));
            int64_t ns = duration_of(&cost, &power, &counts);
            struct work work = power_work(&cost, &counts);
            wide pj = power_energy_pj(&power, &work, ns);
            assert_true(ns >= free_ns);
            assert_true(pj <= (wide)config.power_cap_mw * n_gpus * ns);
            if (ns > free_ns) { /* and no longer than it must */
                /* a femtosecond of rounding in each of the coefficients */
                int64_t slack_ns = 1 + (int64_t)(power_sum(&once, &work) / 1000000) + 1;
                assert_true(power_energy_pj(&power, &work, ns - slack_ns) >
                            (wide)config.power_cap_mw * n_gpus * (ns - slack_ns));
                n_limited++;
            }
        }
        cost_free(&cost);
    }
    assert_true(n_limited > 1370);
    rng_free(&rng);
}

static void a_limit_at_tdp_changes_nothing(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    struct meter_config config = nothing;
    config.power_cap_mw = 700000;
    assert_false(metered(&config, &cost, tensor(1)).limited);
    config.power_cap_mw = 699999;
    assert_true(metered(&config, &cost, tensor(1)).limited);
    cost_free(&cost);
}

static void assert_refused(const struct meter_config *config, const char *expected)
{
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(2));
    struct layout layout = tensor(2);
    struct power power;
    struct power drafter = {0};
    struct err err = {""};
    power_init(&power, &cost, &h100, &llama_8b, &ideal, &layout);
    assert_int_equal(
        meter_apply(config, 2, h100.tdp_mw, "[pool.main]", &power, &drafter, &err), -1);
    assert_string_equal(err.text, expected);
    cost_free(&cost);
}

static void limits_that_leave_no_room_are_refused(void **state)
{
    (void)state;
    struct meter_config config = nothing;
    config.power_cap_mw = 232249;
    assert_refused(&config,
                   "[power] power_cap: a limit of 232.249 W is not 1 W above the "
                   "231.250 W that a GPU of [pool.main] draws whenever a step runs");
    config.max_temperature_nano = 37000000000; /* 12 C / 0.1 C/W */
    config.thermal_resistance_nano = 100000000;
    assert_refused(
        &config, "[power] max_temperature_c: a limit of 120.000 W is not 1 W above "
                 "the 231.250 W that a GPU of [pool.main] draws whenever a step runs");
    config.ambient_nano = config.max_temperature_nano;
    assert_refused(&config, "[power] max_temperature_c: is not above ambient_c");
    config.max_temperature_nano = 0;
    assert_refused(&config,
                   "[power] max_temperature_c: a thermal limit needs it beside "
                   "thermal_resistance_c_per_w");
    config.max_temperature_nano = 90 * nano;
    config.thermal_resistance_nano = 0;
    assert_refused(&config, "[power] thermal_resistance_c_per_w: a thermal limit needs "
                            "it beside max_temperature_c");
}

static void a_kilowatt_hour_costs_its_price_and_emits_its_carbon(void **state)
{
    (void)state;
    struct meter_config config = nothing;
    config.pue_nano = 1370000000;
    config.carbon_g_per_kwh_nano = 409900000000; /* 409.9 g */
    config.usd_per_kwh_nano = 137000000;         /* 0.137 dollars */
    wide kwh_pj = (wide)3600000 * 1000000000000;
    wide facility_pj = meter_facility_pj(&config, 7 * kwh_pj);
    assert_true(facility_pj * 100 == 959 * kwh_pj);
    assert_wide_equal(meter_carbon_nano(&config, facility_pj), "3930941000000");
    assert_wide_equal(meter_usd_nano(&config, facility_pj), "1313830000");
}

static void a_year_of_a_gigawatt_fits(void **state)
{
    (void)state;
    struct meter_config config = nothing;
    config.pue_nano = 10 * nano;
    config.carbon_g_per_kwh_nano = 10000 * nano;
    wide year_pj = (wide)1000000000 * 31557600 * 1000000000000;
    wide facility_pj = meter_facility_pj(&config, year_pj);
    /* 10 GW x 8766 h = 8.766e10 kWh, of 10 kg each */
    assert_wide_equal(meter_carbon_nano(&config, facility_pj),
                      "876600000000000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_keys_there_is_no_limit),
        cmocka_unit_test(
            the_thermal_limit_is_the_rise_times_efficiency_over_resistance),
        cmocka_unit_test(the_lower_of_cap_and_thermal_limit_holds),
        cmocka_unit_test(hosts_draw_beside_every_gpu),
        cmocka_unit_test(a_limited_step_lasts_as_long_as_its_work_takes_at_the_limit),
        cmocka_unit_test(no_step_draws_more_than_the_limit),
        cmocka_unit_test(a_limit_at_tdp_changes_nothing),
        cmocka_unit_test(limits_that_leave_no_room_are_refused),
        cmocka_unit_test(a_kilowatt_hour_costs_its_price_and_emits_its_carbon),
        cmocka_unit_test(a_year_of_a_gigawatt_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
