#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "output/metrics.h"

static struct metrics metrics; /* large */

static const char *ratio(wide numerator, wide denominator, int decimals)
{
    metrics.n = 0;
    metrics_ratio(&metrics, "ratio", numerator, denominator, decimals, "");
    return metrics_value(&metrics, "ratio");
}

static void ratios_round_half_up(void **state)
{
    (void)state;
    assert_string_equal(ratio(2, 3, 6), "0.666667");
    assert_string_equal(ratio(1, 3, 6), "0.333333");
    assert_string_equal(ratio(1, 2, 0), "1");
    assert_string_equal(ratio(4099, 8000, 3), "0.512");
    assert_string_equal(ratio(4100, 8000, 3), "0.513"); /* 0.5125 */
    assert_string_equal(ratio(999999, 1000000, 3), "1.000");
    assert_string_equal(ratio(1, 2000000, 6), "0.000001");
    assert_string_equal(ratio(1, 2000001, 6), "0.000000");
    assert_string_equal(ratio(4099, 1, 2), "4099.00");
    assert_string_equal(ratio(0, 7, 3), "0.000");
}

static void a_ratio_of_wide_numbers_needs_only_its_result_to_fit(void **state)
{
    (void)state;
    wide large = (wide)1 << 120; /* times 10^9 it would not fit 128 bits */
    assert_string_equal(ratio(large, large, 9), "1.000000000");
    assert_string_equal(ratio(large, 3 * (large / 4), 9), "1.333333333");
    assert_string_equal(ratio(large, 1, 0), "1329227995784915872903807060280344576");
}

static void a_ratio_to_nothing_is_empty(void **state)
{
    (void)state;
    assert_string_equal(ratio(13, 0, 6), "");
}

static void integers_keep_their_sign_and_all_their_digits(void **state)
{
    (void)state;
    metrics.n = 0;
    metrics_integer(&metrics, "a", -4099, "tokens");
    metrics_integer(&metrics, "b", 0, "");
    metrics_integer(&metrics, "c", -((wide)INT64_MAX * 1000), "");
    metrics_real(&metrics, "d", 0.0137, 3, "s");
    metrics_real(&metrics, "e", -2.5, 1, "s");
    assert_string_equal(metrics_value(&metrics, "a"), "-4099");
    assert_string_equal(metrics_value(&metrics, "b"), "0");
    assert_string_equal(metrics_value(&metrics, "c"), "-9223372036854775807000");
    assert_string_equal(metrics_value(&metrics, "d"), "0.014");
    assert_string_equal(metrics_value(&metrics, "e"), "-2.5");
}

static void the_file_has_a_row_per_metric_in_order(void **state)
{
    (void)state;
    struct err err = {""};
    metrics.n = 0;
    metrics_text(&metrics, "verdict", "stable", "");
    metrics_integer(&metrics, "completed", 4099, "requests");
    metrics_ratio(&metrics, "share", 137, 1000, 4, "");
    metrics_ratio(&metrics, "none", 137, 0, 4, "ms");
    assert_int_equal(metrics_write(&metrics, ".", "summary.csv", &err), 0);
    char text[200] = "";
    FILE *file = fopen("summary.csv", "r");
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_string_equal(text, "metric,value,unit\n"
                              "verdict,stable,\n"
                              "completed,4099,requests\n"
                              "share,0.1370,\n"
                              "none,,ms\n");
    assert_int_equal(metrics_write(&metrics, ".", "summary.csv", &err), -1);
    assert_string_equal(err.text, "./summary.csv: cannot create: File exists");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_round_half_up),
        cmocka_unit_test(a_ratio_of_wide_numbers_needs_only_its_result_to_fit),
        cmocka_unit_test(a_ratio_to_nothing_is_empty),
        cmocka_unit_test(integers_keep_their_sign_and_all_their_digits),
        cmocka_unit_test(the_file_has_a_row_per_metric_in_order),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
