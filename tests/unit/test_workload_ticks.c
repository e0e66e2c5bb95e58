#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/workload.h"

#include <stdlib.h>

#define PLAIN "arrival_s,prompt_tokens,output_tokens\n"

static const struct config_workload plain = {
    .trace = "t.csv", .trace_sha256 = "", .rate_scale_nano = 1000000000, .repeat = 1};

static void open_text(struct workload *workload, const struct config_workload *config,
                      const char *text)
{
    struct err err = {""};
    write_file("t.csv", text, strlen(text));
    workload_open(workload, config, 1, NULL, &err);
    assert_string_equal(err.text, "");
}

/* Ticks of 3 s with three, one and two requests. */
#define TICKS PLAIN "0,13,1\n0,13,1\n0,13,1\n3,13,1\n6,13,1\n6,13,1\n"

static void ticks_are_spread_before_arrivals_are_repeated_and_scaled(void **state)
{
    (void)state;
    enum { N = 6 };
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    int64_t moved[3 * N];
    struct config_workload config = plain;
    config.detick_ns = 3000000000;
    config.repeat = 3;
    open_text(&workload, &config, TICKS);
    for (int i = 0; i < 3 * N; i++) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        moved[i] = arrival.arrival_ns;
        assert_true(i == 0 || moved[i] >= moved[i - 1]);
    }
    assert_int_equal(workload_next(&workload, &arrival, &err), 0);
    workload_close(&workload);
    assert_true(moved[2] > 0 && moved[2] < 3000000000);
    assert_true(moved[5] >= 6000000000 && moved[5] < 9000000000);
    int64_t span = moved[N - 1] - moved[0];
    int64_t period = span + (span + (N - 1) / 2) / (N - 1);
    for (int i = 0; i < 2 * N; i++) { /* every copy is moved alike */
        assert_int_equal(moved[i + N] - moved[i], period);
    }
    config.repeat = 1;
    config.rate_rps_nano = 1000000000; /* a mean gap of 1 s: the span becomes 5 s */
    open_text(&workload, &config, TICKS);
    for (int i = 0; i < N; i++) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        double expected = (double)moved[i] * 5e9 / (double)span;
        assert_true(llabs(arrival.arrival_ns - (int64_t)expected) < 10);
    }
    workload_close(&workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_spread_before_arrivals_are_repeated_and_scaled),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
