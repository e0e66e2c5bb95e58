#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "base/rng.h"
#include "output/text.h"

#include <fcntl.h>
#include <inttypes.h>

static struct text *must_open(const char *name)
{
    struct text *text = memory_new(1, sizeof *text);
    struct err err = {""};
    text_open(text, ".", name, &err);
    assert_string_equal(err.text, "");
    return text;
}

static void must_close(struct text *text)
{
    struct err err = {""};
    text_close(text, &err);
    assert_string_equal(err.text, "");
    free(text);
}

/* What was just put, which then is forgotten. */
static void assert_put(struct text *text, const char *expected)
{
    *text->at = '\0';
    assert_string_equal(text->buffer, expected);
    text->at = text->buffer;
}

/* All numbers of digits, both ends of each, powers of two, and random ones. */
static int64_t awkward(struct rng *rng, int64_t i)
{
    int64_t power = 1;
    for (int64_t digit = 0; digit < i % 19; digit++) {
        power *= 10;
    }
    int64_t bits = ((int64_t)rng_bits(rng) << 31 | rng_bits(rng)) & INT64_MAX;
    switch (i / 19) {
    case 0:
        return power;
    case 1:
        return power - 1;
    case 2:
        return power + 1;
    case 3:
        return INT64_MAX - i % 19;
    case 4:
        return i % 19;
    default:
        return i % 3 == 0 ? (INT64_C(1) << (i % 63)) - 1 : bits >> rng_below(rng, 63);
    }
}

enum { N_AWKWARD = 200000 };

static void an_integer_is_what_printf_says(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "integers");
    struct text *text = must_open("integers");
    for (int64_t i = 0; i < N_AWKWARD; i++) {
        char expected[80];
        int64_t value = awkward(&rng, i);
        snprintf(expected, sizeof expected, "%" PRId64 ",%" PRId64, value, -value);
        text_integer(text, value);
        text_comma_integer(text, -value);
        assert_put(text, expected);
    }
    text_integer(text, INT64_MIN);
    assert_put(text, "-9223372036854775808");
    must_close(text);
    rng_free(&rng);
}

static void seconds_have_nine_decimals_and_a_comma(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "seconds");
    struct text *text = must_open("seconds");
    for (int64_t i = 0; i < 10 * N_AWKWARD; i++) {
        char expected[80];
        int64_t ns = i < N_AWKWARD ? awkward(&rng, i) : rng_below(&rng, 1000000000);
        snprintf(expected, sizeof expected, ",%" PRId64 ".%09" PRId64, ns / 1000000000,
                 ns % 1000000000);
        text_comma_seconds(text, ns);
        assert_put(text, expected);
    }
    text_comma_seconds(text, 0);
    assert_put(text, ",0.000000000");
    text_comma_seconds(text, -1);
    assert_put(text, ",");
    must_close(text);
    rng_free(&rng);
}

/* value / 10^decimals, digit by digit. */
static void plain_wide(wide value, int decimals, char expected[64])
{
    char digits[64];
    int n = 0;
    for (; value > 0 || n <= decimals; value /= 10) {
        digits[n++] = (char)('0' + (int)(value % 10));
    }
    int at = 0;
    while (n > 0) {
        expected[at++] = digits[--n];
        if (n == decimals && n > 0) {
            expected[at++] = '.';
        }
    }
    expected[at] = '\0';
}

static void a_decimal_has_exactly_its_decimals(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 13, "decimals");
    struct text *text = must_open("decimals");
    for (int64_t i = 0; i < N_AWKWARD; i++) {
        char expected[80];
        int64_t value = awkward(&rng, i);
        int decimals = (int)rng_below(&rng, 19);
        plain_wide(value, decimals, expected);
        text_decimal(text, value, decimals);
        assert_put(text, expected);
        text_wide(text, value, decimals);
        assert_put(text, expected);
    }
    must_close(text);
    rng_free(&rng);
}

static void values_beyond_64_bits_are_written_whole(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 919, "wide");
    struct text *text = must_open("wide");
    const wide most = (wide)1000000000000000000 * 1000000000000000000 - 1;
    for (int64_t i = 0; i < N_AWKWARD; i++) {
        wide value = (wide)awkward(&rng, i) * awkward(&rng, rng_below(&rng, 100000));
        value = i % 1000 == 0 ? most - i : value % most;
        int decimals = (int)rng_below(&rng, 19);
        char expected[64];
        plain_wide(value, decimals, expected);
        text_wide(text, value, decimals);
        assert_put(text, expected);
    }
    text_wide(text, most, 18);
    assert_put(text, "999999999999999999.999999999999999999");
    text_wide(text, most, 0);
    assert_put(text, "999999999999999999999999999999999999");
    text_wide(text, (wide)INT64_MAX + 1, 9);
    assert_put(text, "9223372036.854775808");
    must_close(text);
    rng_free(&rng);
}

static void more_than_a_buffer_reaches_the_file_in_order(void **state)
{
    (void)state;
    struct text *text = must_open("long");
    char longest[TEXT_MOST_PIECE + 1];
    memset(longest, 'x', TEXT_MOST_PIECE);
    longest[TEXT_MOST_PIECE] = '\0';
    enum { N_LINES = 1000 };
    for (int i = 0; i < N_LINES; i++) {
        text_string(text, longest);
        text_printf(text, "|%d|%s", i, "y");
        text_decimal(text, i, 3);
        text_wide(text, i, 0);
        text_comma_integer(text, i);
        text_string(text, "\n");
        text_flush_if_full(text);
    }
    must_close(text);
    FILE *file = fopen("long", "r");
    static char line[TEXT_MOST_PIECE + 100];
    for (int i = 0; i < N_LINES; i++) {
        char expected[100];
        assert_non_null(fgets(line, sizeof line, file));
        assert_int_equal(strspn(line, "x"), TEXT_MOST_PIECE);
        snprintf(expected, sizeof expected, "|%d|y%d.%03d%d,%d\n", i, i / 1000,
                 i % 1000, i, i);
        assert_string_equal(line + TEXT_MOST_PIECE, expected);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

static void a_file_that_cannot_be_created_is_an_error(void **state)
{
    (void)state;
    struct text *text = memory_new(1, sizeof *text);
    struct err err;
    write_file("taken", "", 0);
    assert_int_equal(text_open(text, ".", "taken", &err), -1);
    assert_string_equal(err.text, "./taken: cannot create: File exists");
    assert_int_equal(text_open(text, "no/where", "rows.csv", &err), -1);
    assert_string_equal(err.text,
                        "no/where/rows.csv: cannot create: No such file or directory");
    char folder[504];
    memset(folder, 'f', sizeof folder);
    folder[503] = '\0';
    char expected[sizeof(struct err)];
    snprintf(expected, sizeof expected,
             "%s/rows.csv: the path is longer than 511 bytes", folder);
    assert_int_equal(text_open(text, folder, "rows.csv", &err), -1);
    assert_string_equal(err.text, expected);
    free(text);
}

static void assert_full_disk(int64_t n_pieces)
{
    struct text *text = must_open("full");
    int full = open("/dev/full", O_WRONLY);
    assert_int_equal(dup2(full, text->fd), text->fd);
    close(full);
    for (int64_t i = 0; i < n_pieces; i++) {
        text_string(text, "0123456789abcdef\n");
    }
    struct err err = {""};
    assert_int_equal(text_close(text, &err), -1);
    assert_string_equal(err.text, "./full: cannot write: No space left on device");
    unlink("full");
    free(text);
}

static void a_full_disk_is_told_at_the_end_however_much_was_written(void **state)
{
    (void)state;
    assert_full_disk(1);
    assert_full_disk(100003); /* several buffers */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_integer_is_what_printf_says),
        cmocka_unit_test(seconds_have_nine_decimals_and_a_comma),
        cmocka_unit_test(a_decimal_has_exactly_its_decimals),
        cmocka_unit_test(values_beyond_64_bits_are_written_whole),
        cmocka_unit_test(more_than_a_buffer_reaches_the_file_in_order),
        cmocka_unit_test(a_file_that_cannot_be_created_is_an_error),
        cmocka_unit_test(a_full_disk_is_told_at_the_end_however_much_was_written),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
