#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "field_sample.h"

static void a_bare_number_is_in_the_unit_of_its_field(void **state)
{
    (void)state;
    assert_int_equal(sample_value("sequences", "4099"), 4099);
    assert_int_equal(sample_value("timeout", "13.7"), 13700000);
    assert_int_equal(sample_value("step", "0.0137"), 13700000);
    assert_int_equal(sample_value("memory", "85.520809984"), 85520809984);
    assert_int_equal(sample_value("link", "3350"), 3350000000000);
    assert_int_equal(sample_value("peak", "989.4"), 989400000000000);
    assert_int_equal(sample_value("idle", "70.5"), 70500);
    assert_int_equal(sample_value("utilization", "0.0137"), 13700000);
}

static void every_suffix_has_its_worth(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *text;
        int64_t value;
    } cases[] = {
        {"sequences", "1.5k", 1500},
        {"sequences", "0.75m", 750000},
        {"sequences", "8K", 8192},
        {"sequences", "0.5M", 524288},
        {"sequences", "0.0625K", 64},
        {"sequences", "41e2", 4100},
        {"timeout", "137ns", 137},
        {"timeout", "13.7us", 13700},
        {"timeout", "500ms", 500000000},
        {"timeout", "0.0137s", 13700000},
        {"timeout", "1.5min", 90000000000},
        {"timeout", "0.75h", 2700000000000},
        {"step", "4099fs", 4099},
        {"step", "1.37ps", 1370},
        {"step", "1.37ns", 1370000},
        {"step", "1.37us", 1370000000},
        {"step", "1.37ms", 1370000000000},
        {"step", "1.37s", 1370000000000000},
        {"memory", "4099000000B", 4099000000},
        {"memory", "4099000kB", 4099000000},
        {"memory", "4099MB", 4099000000},
        {"memory", "40.99GB", 40990000000},
        {"memory", "0.004099TB", 4099000000},
        {"memory", "1048577KiB", 1073742848},
        {"memory", "1025MiB", 1074790400},
        {"memory", "79.6474609375GiB", 85520809984},
        {"memory", "0.5TiB", 549755813888},
        {"link", "137B/s", 137},
        {"link", "13.7kB/s", 13700},
        {"link", "13.7MB/s", 13700000},
        {"link", "13.7GB/s", 13700000000},
        {"link", "3.35TB/s", 3350000000000},
        {"peak", "137FLOPS", 137},
        {"peak", "13.7GFLOPS", 13700000000},
        {"peak", "989TFLOPS", 989000000000000},
        {"peak", "1.979PFLOPS", 1979000000000000},
        {"idle", "137mW", 137},
        {"idle", "13.7W", 13700},
        {"idle", "0.0137kW", 13700},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sample_value(cases[i].key, cases[i].text), cases[i].value);
    }
}

static void blanks_may_stand_before_and_after_a_unit(void **state)
{
    (void)state;
    assert_int_equal(sample_value("timeout", "  13.7 \t ms  "), 13700000);
    assert_int_equal(sample_value("timeout", "13.7   "), 13700000);
}

static void what_is_finer_than_the_small_unit_rounds_half_up(void **state)
{
    (void)state;
    assert_int_equal(sample_value("timeout", "13.5ns"), 14);
    assert_int_equal(sample_value("timeout", "13.4999999999999ns"), 13);
    assert_int_equal(sample_value("utilization", "0.1234567895"), 123456790);
}

static void a_value_out_of_bounds_is_told_the_bound_with_its_unit(void **state)
{
    (void)state;
    sample_refuses("sequences", "-1", "'-1' is less than 1");
    sample_refuses("sequences", "1000.001k", "'1000.001k' is greater than 1m");
    sample_refuses("timeout", "-1ns", "'-1ns' is less than 0 ms");
    sample_refuses("timeout", "61min", "'61min' is greater than 1h");
    sample_refuses("memory", "999999999B", "'999999999B' is less than 1 GB");
    sample_refuses("utilization", "1.000000001", "'1.000000001' is greater than 1");
    assert_int_equal(sample_value("timeout", "60min"), 3600000000000);
    assert_int_equal(sample_value("sequences", "1000k"), 1000000);
}

static void a_count_is_whole_after_its_suffix(void **state)
{
    (void)state;
    sample_refuses("sequences", "13.7", "'13.7' is not a whole number");
    sample_refuses("sequences", "0.0137k", "'0.0137k' is not a whole number");
    sample_refuses("sequences", "0.3K", "'0.3K' is not a whole number");
    assert_int_equal(sample_value("sequences", "256.000"), 256);
    assert_int_equal(sample_value("sequences", "1250e-1"), 125);
}

static void a_number_too_great_too_long_or_lost_to_rounding_is_refused(void **state)
{
    (void)state;
    sample_refuses("step", "9224s", "'9224s' is too large");
    sample_refuses("step", "-1e300", "'-1e300' is too small");
    sample_refuses("sequences", "1e19", "'1e19' is too large");
    sample_refuses("timeout", "0.4ns",
                   "'0.4ns' is so near to 0 that it would be taken as 0");
    sample_refuses("step", "-1e-99",
                   "'-1e-99' is so near to 0 that it would be taken as 0");
    sample_refuses("memory", "1.2345678901234567890123456789012345678TiB",
                   "'1.2345678901234567890123456789012345678TiB' has too many digits");
    assert_int_equal(sample_value("timeout", "0.000"), 0);
}

static void what_no_decimal_of_the_bare_unit_can_say_is_printed_in_a_finer_unit(
    void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *printed;
    } cases[] = {
        {"1.5h", "90min"},          {"2h", "2"},         {"1ns", "1ns"}, {"0", "0"},
        {"3600137us", "3600137us"}, {"-90min", "-90min"}};
    const struct field field = {
        .key = "drain", .type = FIELD_TIME, .unit = "h", .help = ""};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        int64_t again = -1;
        char printed[256];
        struct err err = {""};
        assert_int_equal(field_read(&field, &value, cases[i].text, NULL, &err), 0);
        field_print(&field, &value, printed);
        assert_string_equal(printed, cases[i].printed);
        assert_int_equal(field_read(&field, &again, printed, NULL, &err), 0);
        assert_int_equal(again, value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_number_is_in_the_unit_of_its_field),
        cmocka_unit_test(every_suffix_has_its_worth),
        cmocka_unit_test(blanks_may_stand_before_and_after_a_unit),
        cmocka_unit_test(what_is_finer_than_the_small_unit_rounds_half_up),
        cmocka_unit_test(a_value_out_of_bounds_is_told_the_bound_with_its_unit),
        cmocka_unit_test(a_count_is_whole_after_its_suffix),
        cmocka_unit_test(a_number_too_great_too_long_or_lost_to_rounding_is_refused),
        cmocka_unit_test(
            what_no_decimal_of_the_bare_unit_can_say_is_printed_in_a_finer_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
