#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/field.h"
#include "model/price.h"

static const int64_t nano = 1000000000;

static struct accelerator gpu(void)
{
    return (struct accelerator){
        .gpus_per_node = 8,
        .tdp_mw = 700000,
        .usd_per_hour_nano = 3990000000,
        .usd_per_hour_reserved_nano = 2350000000,
        .usd_per_hour_spot_nano = 0,
        .capex_usd_nano = 31337 * nano,
        .price_source = "Lambda list",
        .reserved_source = "Hyperstack",
        .spot_source = "",
        .capex_source = "a quote",
    };
}

static struct price_config config(enum price_basis basis, enum price_billing billing,
                                  int64_t n_committed)
{
    return (struct price_config){
        .basis = basis,
        .billing = billing,
        .n_committed = n_committed,
        .amortisation_nano_years = 3700000000,
        .hosting_usd_per_kw_month_nano = 137 * nano,
    };
}

static int init(struct price *price, struct price_config config, int64_t gpus,
                int64_t n_places, struct err *err)
{
    static const struct price_terms terms = {0};
    struct accelerator accelerator = gpu();
    struct price_pool pool = {.where = "[pool.main]",
                              .accelerator_name = "h100-sxm",
                              .accelerator = &accelerator,
                              .gpus = gpus,
                              .n_places = n_places,
                              .terms = &terms};
    return price_init(price, &config, &pool, err);
}

static void what_is_owned_costs_its_capital_over_its_life_and_its_hosting(void **state)
{
    (void)state;
    struct price_config owned = config(PRICE_OWNED, PRICE_BY_GPU, 0);
    struct accelerator accelerator = gpu();
    /* 31337 / (3.7 x 8766) + 137 x 0.7 / 730.5 = 0.96617151... + 0.13127994... */
    assert_int_equal(price_owned_nano(&owned, &accelerator), 1097451456);
    accelerator.tdp_mw = 0;
    assert_int_equal(price_owned_nano(&owned, &accelerator), 966171510);
    accelerator.capex_usd_nano = 0;
    assert_int_equal(price_owned_nano(&owned, &accelerator), 0);
}

static void the_first_places_are_paid_at_the_reserved_price(void **state)
{
    (void)state;
    struct price price;
    struct err err;
    assert_int_equal(init(&price, config(PRICE_ON_DEMAND, PRICE_BY_GPU, 3), 2, 7, &err),
                     0);
    assert_true(price_is_committed(&price, 2));
    assert_false(price_is_committed(&price, 3));
    assert_int_equal(price_replica_nano(&price, 2), 4700000000);
    assert_int_equal(price_replica_nano(&price, 3), 7980000000);
    assert_int_equal(price_gpu_nano(&price, 6), 3990000000);
    assert_string_equal(price.committed_source, "Hyperstack");
}

static void what_is_reserved_or_owned_is_paid_for_on_or_off(void **state)
{
    (void)state;
    struct price price;
    struct err err;
    assert_int_equal(init(&price, config(PRICE_RESERVED, PRICE_BY_GPU, 0), 1, 5, &err),
                     0);
    assert_true(price_is_committed(&price, 4));
    assert_int_equal(price_gpu_nano(&price, 4), 2350000000);
    assert_int_equal(init(&price, config(PRICE_OWNED, PRICE_BY_GPU, 0), 1, 5, &err), 0);
    assert_true(price_is_committed(&price, 4));
    assert_int_equal(init(&price, config(PRICE_ON_DEMAND, PRICE_BY_GPU, 0), 1, 5, &err),
                     0);
    assert_false(price_is_committed(&price, 0));
}

static void replicas_fill_nodes_in_order_or_have_nodes_of_their_own(void **state)
{
    (void)state;
    struct price price;
    struct err err;
    const int64_t expected[][3] = {/* gpus, of a unit, its places */
                                   {1, 8, 8},
                                   {3, 8, 2},
                                   {8, 8, 1},
                                   {11, 16, 1},
                                   {24, 24, 1}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(init(&price, config(PRICE_ON_DEMAND, PRICE_BY_NODE, 0),
                              expected[i][0], 41, &err),
                         0);
        assert_int_equal(price.unit_gpus, expected[i][1]);
        assert_int_equal(price.unit_places, expected[i][2]);
    }
    assert_int_equal(
        init(&price, config(PRICE_ON_DEMAND, PRICE_BY_GPU, 0), 3, 41, &err), 0);
    assert_int_equal(price.unit_gpus, 3);
    assert_int_equal(price.unit_places, 1);
}

static void ranks_of_a_replica_stand_in_the_same_nodes(void **state)
{
    (void)state;
    static const struct price_terms terms = {0};
    struct accelerator accelerator = gpu();
    struct price_config by_node = config(PRICE_ON_DEMAND, PRICE_BY_NODE, 0);
    const int64_t expected[][4] = {/* gpus, ranks; of a unit, its places */
                                   {1, 3, 8, 6}, {2, 3, 8, 3},  {3, 2, 8, 2},
                                   {4, 2, 8, 2}, {3, 7, 24, 7}, {8, 3, 24, 3}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct price price;
        struct err err;
        struct price_pool pool = {.where = "[pool.main]",
                                  .accelerator_name = "h100-sxm",
                                  .accelerator = &accelerator,
                                  .gpus = expected[i][0],
                                  .n_ranks = expected[i][1],
                                  .n_places = 42,
                                  .terms = &terms};
        assert_int_equal(price_init(&price, &by_node, &pool, &err), 0);
        assert_int_equal(price.gpus, expected[i][0]);
        assert_int_equal(price.unit_gpus, expected[i][2]);
        assert_int_equal(price.unit_places, expected[i][3]);
    }
}

static void a_basis_without_a_price_is_refused(void **state)
{
    (void)state;
    struct price price;
    struct err err;
    assert_int_equal(init(&price, config(PRICE_SPOT, PRICE_BY_GPU, 0), 1, 5, &err), -1);
    assert_string_equal(err.text,
                        "[pool.main]: price_basis: h100-sxm has no usd_per_hour_spot "
                        "(0: not known); give one");
    assert_int_equal(init(&price, config(PRICE_OWNED, PRICE_BY_GPU, 2), 1, 5, &err),
                     -1);
    assert_string_equal(err.text,
                        "[pool.main]: committed_replicas: all replicas are paid for "
                        "the whole run with price_basis = owned");
    assert_int_equal(init(&price, config(PRICE_ON_DEMAND, PRICE_BY_GPU, 6), 1, 5, &err),
                     -1);
    assert_string_equal(err.text,
                        "[pool.main]: committed_replicas: 6 are more than the 5 that "
                        "the pool may have");
}

static void a_stretch_is_billed_for_the_minimum_and_whole_increments(void **state)
{
    (void)state;
    struct price_terms terms = {0};
    assert_int_equal(price_billed_ns(&terms, 4099), 4099);
    terms.increment_ns = 137;
    assert_int_equal(price_billed_ns(&terms, 1), 137);
    assert_int_equal(price_billed_ns(&terms, 137), 137);
    assert_int_equal(price_billed_ns(&terms, 138), 274);
    terms.minimum_ns = 300;
    assert_int_equal(price_billed_ns(&terms, 138), 411);
    assert_int_equal(price_billed_ns(&terms, 412), 548);
    terms.increment_ns = 0;
    assert_int_equal(price_billed_ns(&terms, 138), 300);
}

static void electricity_is_facility_energy_times_its_price(void **state)
{
    (void)state;
    wide kwh_pj = (wide)3600000 * 1000000000000;
    /* 8.75 kWh x 0.137 = 1.19875 dollars */
    wide usd_ns = price_electricity_usd_ns(137000000, 35 * kwh_pj / 4);
    assert_true(price_pico_usd(usd_ns) == (wide)1198750000000);
}

static void money_is_rounded_half_up_to_picodollars(void **state)
{
    (void)state;
    assert_true(price_pico_usd(1799999999) == 0);
    assert_true(price_pico_usd(1800000000) == 1);
    assert_true(price_pico_usd((wide)3600000000 * 4099 + 1799999999) == 4099);
}

static void the_tables_are_sound(void **state)
{
    (void)state;
    struct field_table terms = {
        .name = "price", .fields = price_terms_fields, .n_fields = PRICE_TERMS_FIELDS};
    field_verify(&price_table);
    field_verify(&terms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_owned_costs_its_capital_over_its_life_and_its_hosting),
        cmocka_unit_test(the_first_places_are_paid_at_the_reserved_price),
        cmocka_unit_test(what_is_reserved_or_owned_is_paid_for_on_or_off),
        cmocka_unit_test(replicas_fill_nodes_in_order_or_have_nodes_of_their_own),
        cmocka_unit_test(ranks_of_a_replica_stand_in_the_same_nodes),
        cmocka_unit_test(a_basis_without_a_price_is_refused),
        cmocka_unit_test(a_stretch_is_billed_for_the_minimum_and_whole_increments),
        cmocka_unit_test(electricity_is_facility_energy_times_its_price),
        cmocka_unit_test(money_is_rounded_half_up_to_picodollars),
        cmocka_unit_test(the_tables_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
