#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of `text` in units of 10^-decimals; INT64_MIN if there is none. */
static int64_t value_of(const char *text, int decimals)
{
    wide mantissa = 0;
    int exponent = 0;
    int64_t value = 0;
    const char *end = decimal_read(text, &mantissa, &exponent);
    if (end == NULL || *end != '\0' ||
        !decimal_round(mantissa, exponent + decimals, &value)) {
        return INT64_MIN;
    }
    return value;
}

static int64_t scanned(const char *text, int decimals)
{
    int64_t value = 0;
    return decimal_scan(text, strlen(text), decimals, &value) ? value : INT64_MIN;
}

static void a_decimal_is_read_exactly(void **state)
{
    (void)state;
    assert_int_equal(value_of("0.0137", 9), 13700000);
    assert_int_equal(value_of("-4099", 0), -4099);
    assert_int_equal(value_of("+.5", 3), 500);
    assert_int_equal(value_of("7.", 3), 7000);
    assert_int_equal(value_of("1.5e3", 0), 1500);
    assert_int_equal(value_of("137E-4", 9), 13700000);
    assert_int_equal(value_of("9223372036.854775807", 9), INT64_MAX);
    assert_int_equal(value_of("-9223372036854775807", 0), -INT64_MAX);
    assert_int_equal(value_of("0.000000000000000000000000000000000000000000137e45", 0),
                     137);
}

static void reading_stops_at_the_first_byte_that_is_no_decimal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *rest;
    } cases[] = {{"12ms", "ms"}, {"1.2.3", ".3"}, {"5e", "e"},     {"5e+", "e+"},
                 {"5Ex", "Ex"},  {"3-4", "-4"},   {"1e3.5", ".5"}, {"-0.5 s", " s"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wide mantissa = 0;
        int exponent = 0;
        const char *rest = decimal_read(cases[i].text, &mantissa, &exponent);
        assert_non_null(rest);
        assert_string_equal(rest, cases[i].rest);
    }
}

static void what_has_no_digit_is_no_decimal(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "-",   "+",   ".",  "-.",
                                        "e5", "inf", "nan", " 1", "--1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wide mantissa = 0;
        int exponent = 0;
        assert_null(decimal_read(texts[i], &mantissa, &exponent));
    }
}

static void a_decimal_has_at_most_38_digits_after_leading_zeros(void **state)
{
    (void)state;
    wide mantissa = 0;
    int exponent = 0;
    assert_non_null(decimal_read("00099999999999999999999999999999999999999", &mantissa,
                                 &exponent));
    assert_null(
        decimal_read("999999999999999999999999999999999999999", &mantissa, &exponent));
}

static void a_half_rounds_away_from_zero_and_less_does_not(void **state)
{
    (void)state;
    assert_int_equal(value_of("0.0135", 3), 14);
    assert_int_equal(value_of("0.01349999999999999999999999999", 3), 13);
    assert_int_equal(value_of("-0.0135", 3), -14);
    assert_int_equal(value_of("0.5", 0), 1);
    assert_int_equal(value_of("0.05", 0), 0);
    assert_int_equal(value_of("5e-99999999", 9), 0);
}

static void a_value_beyond_64_bits_does_not_fit(void **state)
{
    (void)state;
    assert_int_equal(value_of("9223372036854775807.4", 0), INT64_MAX);
    assert_int_equal(value_of("9223372036854775807.5", 0), INT64_MIN);
    assert_int_equal(value_of("9223372036854775808", 0), INT64_MIN);
    assert_int_equal(value_of("99999999999999999999999999999999999999e1", 0),
                     INT64_MIN);
    assert_int_equal(value_of("1e999999999999", 0), INT64_MIN);
    assert_int_equal(value_of("0e999999999999", 0), 0);
}

static void a_long_row_of_zeros_and_its_exponent_cancel(void **state)
{
    (void)state;
    enum { N_ZEROS = 20000 };
    char *text = calloc(N_ZEROS + 64, 1);
    memset(text, '0', N_ZEROS);
    memcpy(text, "0.", 2);
    strcpy(text + N_ZEROS, "137e20001");
    assert_int_equal(value_of(text, 0), 137);
    free(text);
}

static void a_scan_takes_digits_with_an_optional_fraction_only(void **state)
{
    (void)state;
    assert_int_equal(scanned("0.0137", 9), 13700000);
    assert_int_equal(scanned("4099", 0), 4099);
    assert_int_equal(scanned("12.3456785", 6), 12345679);
    assert_int_equal(scanned("12.34567849", 6), 12345678);
    static const char *const bad[] = {"",   "-1", "+1", "1e3",   " 1",
                                      "1 ", "3.", ".5", "1.2.3", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(scanned(bad[i], 9), INT64_MIN);
    }
}

static void a_scan_reaches_the_last_number_of_64_bits(void **state)
{
    (void)state;
    assert_int_equal(scanned("9223372036854775807", 0), INT64_MAX);
    assert_int_equal(scanned("9223372036854775808", 0), INT64_MIN);
    assert_int_equal(scanned("9223372036.854775807", 9), INT64_MAX);
    assert_int_equal(scanned("9223372036.8547758069", 9), INT64_MAX);
    assert_int_equal(scanned("9223372036.8547758075", 9), INT64_MIN);
    assert_int_equal(scanned("9223372037", 9), INT64_MIN);
}

static void a_printed_decimal_has_no_trailing_zeros(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        int decimals;
        const char *text;
    } cases[] = {{13700000, 9, "0.0137"},
                 {85520809984, 9, "85.520809984"},
                 {-13700000, 9, "-0.0137"},
                 {0, 9, "0"},
                 {4100, 0, "4100"},
                 {7000, 3, "7"},
                 {INT64_MAX, 18, "9.223372036854775807"},
                 {INT64_MIN, 0, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[48];
        decimal_print(cases[i].value, cases[i].decimals, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void what_is_printed_reads_back_and_scans_back(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252U;
    for (int i = 0; i < 10000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t value = (int64_t)(random >> (1 + i % 63));
        int decimals = i % 19;
        char text[48];
        decimal_print(value, decimals, text);
        assert_int_equal(value_of(text, decimals), value);
        assert_int_equal(scanned(text, decimals), value);
        decimal_print(-value, decimals, text);
        assert_int_equal(value_of(text, decimals), -value);
    }
}

static void reading_and_scanning_round_alike(void **state)
{
    (void)state;
    uint64_t random = 1099511628211U;
    for (int i = 0; i < 10000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        char text[64];
        snprintf(text, sizeof text, "%llu.%010llu", (unsigned long long)(random >> 30),
                 (unsigned long long)(random % 10000000000U));
        assert_int_equal(scanned(text, i % 12), value_of(text, i % 12));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decimal_is_read_exactly),
        cmocka_unit_test(reading_stops_at_the_first_byte_that_is_no_decimal),
        cmocka_unit_test(what_has_no_digit_is_no_decimal),
        cmocka_unit_test(a_decimal_has_at_most_38_digits_after_leading_zeros),
        cmocka_unit_test(a_half_rounds_away_from_zero_and_less_does_not),
        cmocka_unit_test(a_value_beyond_64_bits_does_not_fit),
        cmocka_unit_test(a_long_row_of_zeros_and_its_exponent_cancel),
        cmocka_unit_test(a_scan_takes_digits_with_an_optional_fraction_only),
        cmocka_unit_test(a_scan_reaches_the_last_number_of_64_bits),
        cmocka_unit_test(a_printed_decimal_has_no_trailing_zeros),
        cmocka_unit_test(what_is_printed_reads_back_and_scans_back),
        cmocka_unit_test(reading_and_scanning_round_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
