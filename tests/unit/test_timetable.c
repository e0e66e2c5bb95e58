#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/timetable.h"

#include <stdio.h>
#include <string.h>

static const int64_t hour_ns = (int64_t)3600 * 1000000000;
static const int64_t second_ns = 1000000000;

static void assert_refused(const char *text, const char *reason)
{
    struct arena arena = {0};
    struct timetable timetable;
    struct err err = {0};
    assert_int_equal(timetable_read(&timetable, text, 24 * hour_ns, &arena, &err), -1);
    assert_string_equal(err.text, reason);
    memory_arena_free(&arena);
}

static void a_number_holds_from_its_moment_to_the_next(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct timetable timetable;
    struct err err = {0};
    assert_int_equal(
        timetable_read(&timetable, "0:4 8h:16 \t 20h:5", 24 * hour_ns, &arena, &err),
        0);
    assert_int_equal(timetable.n, 3);
    assert_int_equal(timetable_most(&timetable), 16);
    static const int64_t days[] = {0, 1, 2, 137};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        int64_t day_ns = days[i] * 24 * hour_ns;
        assert_int_equal(timetable_at(&timetable, day_ns), 4);
        assert_int_equal(timetable_at(&timetable, day_ns + 8 * hour_ns - 1), 4);
        assert_int_equal(timetable_at(&timetable, day_ns + 8 * hour_ns), 16);
        assert_int_equal(timetable_at(&timetable, day_ns + 20 * hour_ns - 1), 16);
        assert_int_equal(timetable_at(&timetable, day_ns + 20 * hour_ns), 5);
        assert_int_equal(timetable_at(&timetable, day_ns + 24 * hour_ns - 1), 5);
    }
    memory_arena_free(&arena);
}

static void before_its_first_moment_a_period_goes_on_as_the_one_before_ended(
    void **state)
{
    (void)state;
    struct arena arena = {0};
    struct timetable timetable;
    struct err err = {0};
    assert_int_equal(
        timetable_read(&timetable, "0.5:3 13:7 40.25:0", 41 * second_ns, &arena, &err),
        0);
    assert_int_equal(timetable_at(&timetable, 0), 0);
    assert_int_equal(timetable_at(&timetable, second_ns / 2), 3);
    assert_int_equal(timetable_at(&timetable, 13 * second_ns), 7);
    assert_int_equal(timetable_at(&timetable, 40250000000), 0);
    assert_int_equal(timetable_at(&timetable, 41 * second_ns + 499999999), 0);
    assert_int_equal(timetable_at(&timetable, 41 * second_ns + 500000000), 3);
    memory_arena_free(&arena);
}

static void what_is_no_schedule_is_refused_with_its_word(void **state)
{
    (void)state;
    assert_refused("", "'' is not a schedule, such as 0:4 8h:16 20h:4");
    assert_refused("  ", "'  ' is not a schedule, such as 0:4 8h:16 20h:4");
    assert_refused("0:4 8h", "'8h' is not TIME:REPLICAS, such as 8h:16");
    assert_refused("0:4 8q:16",
                   "time '8q' is not a time (a number with ns, us, ms, s, min or h; "
                   "bare numbers are s)");
    assert_refused(
        "0:4 8h:many",
        "replicas 'many' is not a count (a whole number, bare or with k, m, K "
        "or M)");
    assert_refused("0:4 8h:",
                   "replicas '' is not a count (a whole number, bare or with "
                   "k, m, K or M)");
    assert_refused("0:4 8h:100001", "replicas '100001' is greater than 100000");
    assert_refused("0:4 8h:16 480min:4",
                   "'480min:4' is not after the moment before it");
    assert_refused("0:4 24h:16", "'24h:16' is not within the period");
}

static void as_many_points_as_fit_a_line_are_read(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct timetable timetable;
    struct err err = {0};
    char text[256] = "";
    int n = 0;
    for (size_t used = 0; used + 6 < sizeof text; n++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%d:%d ", n, n % 7);
    }
    assert_int_equal(timetable_read(&timetable, text, 24 * hour_ns, &arena, &err), 0);
    assert_int_equal(timetable.n, n);
    assert_int_equal(timetable_at(&timetable, 31 * second_ns), 31 % 7);
    char longer[300];
    memset(longer, '7', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(timetable_read(&timetable, longer, hour_ns, &arena, &err), -1);
    assert_string_equal(err.text, "'7777777777777777777777777777777777777777...' is "
                                  "longer than 255 bytes");
    memory_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_holds_from_its_moment_to_the_next),
        cmocka_unit_test(
            before_its_first_moment_a_period_goes_on_as_the_one_before_ended),
        cmocka_unit_test(what_is_no_schedule_is_refused_with_its_word),
        cmocka_unit_test(as_many_points_as_fit_a_line_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
