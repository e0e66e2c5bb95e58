#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/workload.h"

#include <fcntl.h>

#define PLAIN "arrival_s,prompt_tokens,output_tokens\n"

/* Arrivals at 10, 10.5 and 13 s: they span 3 s, with a mean gap of 1.5 s. */
#define THREE PLAIN "10,13,7\n10.5,14,8\n13,4099,9\n"

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

/* The arrivals of the text in nanoseconds, and whether each counts ('+' or '-'). */
static void assert_arrivals(const char *text, const struct config_workload *config,
                            const int64_t *expected, int n, const char *counted)
{
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    open_text(&workload, config, text);
    for (int i = 0; i < n; i++) {
        if (workload_next(&workload, &arrival, &err) != 1) {
            fail_msg("no arrival %d: %s", i, err.text);
        }
        assert_int_equal(arrival.arrival_ns, expected[i]);
        if (counted != NULL) {
            assert_int_equal(arrival.counted, counted[i] == '+');
        }
        free(arrival.labels);
    }
    assert_int_equal(workload_next(&workload, &arrival, &err), 0);
    assert_string_equal(err.text, "");
    workload_close(&workload);
}

#define ASSERT_ARRIVALS(text, config, expected, counted)                           \
    assert_arrivals(text, config, expected, sizeof(expected) / sizeof *(expected), \
                    counted)

/* The error when the text is opened or read to its end. */
static void assert_refused(const char *text, const struct config_workload *config,
                           const char *sentence)
{
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    write_file("t.csv", text, strlen(text));
    if (workload_open(&workload, config, 1, NULL, &err) == 0) {
        int got;
        while ((got = workload_next(&workload, &arrival, &err)) == 1) {
            free(arrival.labels);
        }
        assert_int_equal(got, -1);
        workload_close(&workload);
    }
    assert_string_equal(err.text, sentence);
}

static void rate_scale_divides_arrivals_half_up(void **state)
{
    (void)state;
    struct config_workload config = plain;
    static const char text[] = PLAIN "0.000000001,1,1\n0.000000003,1,1\n0.0137,1,1\n"
                                     "4099.000000001,1,1\n";
    config.rate_scale_nano = 2000000000; /* halves round up: 0.5, 1.5 */
    static const int64_t twice[] = {1, 2, 6850000, 2049500000001};
    ASSERT_ARRIVALS(text, &config, twice, NULL);
    config.rate_scale_nano = 3000000000; /* 1/3, 1, 4566666.67, 1366333333333.67 */
    static const int64_t thrice[] = {0, 1, 4566667, 1366333333334};
    ASSERT_ARRIVALS(text, &config, thrice, NULL);
    config.rate_scale_nano = 300000000; /* times 10 / 3: 3.3, 10, 45666666.67 */
    static const int64_t slower[] = {3, 10, 45666667, 13663333333337};
    ASSERT_ARRIVALS(text, &config, slower, NULL);
    config.rate_scale_nano = 1000000000;
    static const int64_t as_it_is[] = {1, 3, 13700000, 4099000000001};
    ASSERT_ARRIVALS(text, &config, as_it_is, NULL);
}

static void rate_rps_brings_the_mean_rate_to_what_is_wanted(void **state)
{
    (void)state;
    struct config_workload config = plain;
    /* 2 gaps in 3 s are 2/3 per second; 7 per second is 10.5 times that */
    config.rate_rps_nano = 7000000000;
    static const int64_t faster[] = {952380952, 1000000000, 1238095238};
    ASSERT_ARRIVALS(THREE, &config, faster, NULL);
    /* of the first two rows alone: 1 gap in 0.5 s is 2 per second */
    config.limit = 2;
    static const int64_t first_two[] = {2857142857, 3000000000};
    ASSERT_ARRIVALS(THREE, &config, first_two, NULL);
}

static void rate_rps_of_one_instant_is_refused(void **state)
{
    (void)state;
    struct config_workload config = plain;
    config.rate_rps_nano = 7000000000;
    static const char sentence[] =
        "t.csv: [workload] rate_rps: the trace's rate is not defined: its requests "
        "arrive at one instant";
    assert_refused(PLAIN "13,1,1\n13,1,1\n", &config, sentence);
    assert_refused(PLAIN "13,1,1\n", &config, sentence);
    config.limit = 1;
    assert_refused(THREE, &config, sentence);
}

static void a_repeated_trace_goes_on_after_its_mean_gap(void **state)
{
    (void)state;
    struct config_workload config = plain;
    config.repeat = 3; /* each copy 3 + 1.5 s after the one before */
    static const int64_t copies[] = {10000000000, 10500000000, 13000000000,
                                     14500000000, 15000000000, 17500000000,
                                     19000000000, 19500000000, 22000000000};
    ASSERT_ARRIVALS(THREE, &config, copies, NULL);
    config.limit = 4;
    assert_arrivals(THREE, &config, copies, 4, NULL);
    /* shifted first, scaled then */
    config.limit = 0;
    config.rate_scale_nano = 3000000000;
    static const int64_t scaled[] = {3333333333, 3500000000, 4333333333,
                                     4833333333, 5000000000, 5833333333,
                                     6333333333, 6500000000, 7333333333};
    ASSERT_ARRIVALS(THREE, &config, scaled, NULL);
}

static void a_mean_gap_rounds_half_up_and_one_row_has_none(void **state)
{
    (void)state;
    struct config_workload config = plain;
    config.repeat = 2; /* 3 ns in 2 gaps: 1.5, so 2; 3 + 2 later */
    static const int64_t copies[] = {0, 1, 3, 5, 6, 8};
    ASSERT_ARRIVALS(PLAIN "0,1,1\n0.000000001,1,1\n0.000000003,1,1\n", &config, copies,
                    NULL);
    static const int64_t one_row[] = {13, 13};
    ASSERT_ARRIVALS(PLAIN "0.000000013,1,1\n", &config, one_row, NULL);
}

static void a_limit_cuts_the_trace(void **state)
{
    (void)state;
    struct config_workload config = plain;
    config.limit = 2;
    static const int64_t two[] = {10000000000, 10500000000};
    ASSERT_ARRIVALS(THREE, &config, two, NULL);
    config.limit = 4099; /* more than there are */
    static const int64_t three[] = {10000000000, 10500000000, 13000000000};
    ASSERT_ARRIVALS(THREE, &config, three, NULL);
}

static void the_window_counts_its_ends_and_nothing_outside(void **state)
{
    (void)state;
    struct config_workload config = plain;
    static const int64_t three[] = {10000000000, 10500000000, 13000000000};
    ASSERT_ARRIVALS(THREE, &config, three, "+++");
    config.warmup_ns = 500000000; /* after the first arrival */
    ASSERT_ARRIVALS(THREE, &config, three, "-++");
    config.warmup_ns = 500000001;
    ASSERT_ARRIVALS(THREE, &config, three, "--+");
    config.warmup_ns = 0;
    config.cooldown_ns = 2500000000; /* 13 - 2.5 s */
    ASSERT_ARRIVALS(THREE, &config, three, "++-");
    config.cooldown_ns = 2500000001;
    ASSERT_ARRIVALS(THREE, &config, three, "+--");
    config.cooldown_ns = 1; /* the last one alone, by a nanosecond */
    ASSERT_ARRIVALS(THREE, &config, three, "++-");
}

static void requests_may_be_counted_by_their_number(void **state)
{
    (void)state;
    struct config_workload config = plain;
    static const int64_t three[] = {10000000000, 10500000000, 13000000000};
    config.count_from = 1;
    ASSERT_ARRIVALS(THREE, &config, three, "-++");
    config.count_to = 2; /* the first that is not counted any more */
    ASSERT_ARRIVALS(THREE, &config, three, "-+-");
    config.count_from = 0;
    ASSERT_ARRIVALS(THREE, &config, three, "++-");
}

static void the_cooldown_ends_with_the_last_scaled_arrival_of_the_last_copy(
    void **state)
{
    (void)state;
    struct config_workload config = plain;
    config.repeat = 2;
    config.rate_scale_nano = 2000000000; /* the last of 17.5 s comes at 8.75 s */
    config.cooldown_ns = 1250000000;     /* from 7.5 s on */
    static const int64_t copies[] = {5000000000, 5250000000, 6500000000,
                                     7250000000, 7500000000, 8750000000};
    ASSERT_ARRIVALS(THREE, &config, copies, "+++++-");
    config.cooldown_ns = 1250000001;
    ASSERT_ARRIVALS(THREE, &config, copies, "++++--");
    config.limit = 3; /* one copy: the last comes at 6.5 s */
    static const int64_t copy[] = {5000000000, 5250000000, 6500000000};
    ASSERT_ARRIVALS(THREE, &config, copy, "+--");
    config.limit = 4;
    assert_refused(THREE, &config,
                   "t.csv: [workload] cooldown: with repeat, limit must be whole "
                   "copies of the trace");
}

static void rows_keep_their_tokens_labels_and_line(void **state)
{
    (void)state;
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    open_text(&workload, &plain,
              "arrival_s,prompt_tokens,output_tokens,request_id,tenant,priority,"
              "session_id\n"
              "0.0137,4099,13,r-1,acme,7,s 9\n"
              "0.0138,137,919,,,,\n"
              "0.0139,138,920,,acme,,\n");
    assert_int_equal(workload_next(&workload, &arrival, &err), 1);
    assert_int_equal(arrival.prompt_tokens, 4099);
    assert_int_equal(arrival.output_tokens, 13);
    assert_int_equal(arrival.priority, 7);
    assert_string_equal(arrival.labels, "r-1\nacme\ns 9");
    assert_string_equal(arrival.file, "t.csv");
    assert_int_equal(arrival.line, 2);
    free(arrival.labels);
    assert_int_equal(workload_next(&workload, &arrival, &err), 1);
    assert_int_equal(arrival.priority, 0);
    free(arrival.labels);
    assert_int_equal(workload_next(&workload, &arrival, &err), 1);
    assert_string_equal(arrival.labels, "\nacme\n");
    free(arrival.labels);
    workload_close(&workload);
    open_text(&workload, &plain, THREE);
    assert_int_equal(workload_next(&workload, &arrival, &err), 1);
    assert_null(arrival.labels);
    workload_close(&workload);
}

/* Reads the text from standard input. */
static void assert_stdin_refused(const struct config_workload *config,
                                 const char *sentence)
{
    struct config_workload piped = *config;
    piped.trace = "-";
    write_file("input.csv", THREE, strlen(THREE));
    int before = dup(STDIN_FILENO);
    int file = open("input.csv", O_RDONLY);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    assert_refused(THREE, &piped, sentence);
    dup2(before, STDIN_FILENO);
    close(before);
    close(file);
}

static void what_needs_a_second_reading_refuses_standard_input(void **state)
{
    (void)state;
    struct config_workload config = plain;
    config.rate_rps_nano = 7000000000;
    assert_stdin_refused(&config,
                         "[workload] rate_rps: standard input cannot be read twice: "
                         "give a file");
    config = plain;
    config.cooldown_ns = 13;
    assert_stdin_refused(&config,
                         "[workload] cooldown: standard input cannot be read twice: "
                         "give a file");
    config = plain;
    config.repeat = 2;
    assert_stdin_refused(&config,
                         "[workload] repeat: standard input cannot be read twice: "
                         "give a file");
    config = plain;
    config.detick_ns = 3000000000;
    assert_stdin_refused(&config,
                         "[workload] detick: standard input cannot be read twice: "
                         "give a file");
}

static void a_trace_of_nothing_or_of_the_far_future_is_refused(void **state)
{
    (void)state;
    struct config_workload config = plain;
    assert_refused(PLAIN, &config, "t.csv: the trace holds no requests");
    config.rate_scale_nano = 1000; /* 3e15 ns x 10^6 */
    assert_refused(PLAIN "13,1,1\n3000000,1,1\n", &config,
                   "t.csv:3: the arrival is too late for this clock once it is scaled");
}

static void an_interrupt_stops_the_first_reading(void **state)
{
    (void)state;
    static const volatile sig_atomic_t interrupted = 1;
    struct config_workload config = plain;
    struct workload workload;
    struct err err = {""};
    config.rate_rps_nano = 7000000000;
    write_file("t.csv", THREE, strlen(THREE));
    assert_int_equal(workload_open(&workload, &config, 1, &interrupted, &err), -1);
    assert_string_equal(err.text, "interrupted: nothing was written");
}

static void the_bytes_of_the_trace_are_checked_after_the_last_row(void **state)
{
    (void)state;
    /* of THREE, by sha256sum */
    static const char good[] =
        "577e164bbe52be68aff9a3fcfca4556348980acca4ee9d198133b1402d1f06b3";
    struct config_workload config = plain;
    struct workload workload;
    struct err err = {""};
    char hex[65];
    config.trace_sha256 = good;
    open_text(&workload, &config, THREE);
    assert_int_equal(workload_sha256(&workload, hex, &err), 0);
    assert_string_equal(hex, good);
    workload_close(&workload);
    config.trace_sha256 = "13"; /* no hash at all */
    assert_int_equal(workload_open(&workload, &config, 1, NULL, &err), -1);
    assert_string_equal(
        err.text, "[workload] trace_sha256: '13' is not 64 lower-case hex digits");
    static const char other[] =
        "1313131313131313131313131313131313131313131313131313131313131313";
    config.trace_sha256 = other;
    open_text(&workload, &config, THREE);
    assert_int_equal(workload_sha256(&workload, hex, &err), -1);
    assert_string_equal(
        err.text, "t.csv: its sha256 is "
                  "577e164bbe52be68aff9a3fcfca4556348980acca4ee9d198133"
                  "b1402d1f06b3, and [workload] "
                  "trace_sha256 expects "
                  "1313131313131313131313131313131313131313131313131313131313131313");
    workload_close(&workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_scale_divides_arrivals_half_up),
        cmocka_unit_test(rate_rps_brings_the_mean_rate_to_what_is_wanted),
        cmocka_unit_test(rate_rps_of_one_instant_is_refused),
        cmocka_unit_test(a_repeated_trace_goes_on_after_its_mean_gap),
        cmocka_unit_test(a_mean_gap_rounds_half_up_and_one_row_has_none),
        cmocka_unit_test(a_limit_cuts_the_trace),
        cmocka_unit_test(the_window_counts_its_ends_and_nothing_outside),
        cmocka_unit_test(requests_may_be_counted_by_their_number),
        cmocka_unit_test(
            the_cooldown_ends_with_the_last_scaled_arrival_of_the_last_copy),
        cmocka_unit_test(rows_keep_their_tokens_labels_and_line),
        cmocka_unit_test(what_needs_a_second_reading_refuses_standard_input),
        cmocka_unit_test(a_trace_of_nothing_or_of_the_far_future_is_refused),
        cmocka_unit_test(an_interrupt_stops_the_first_reading),
        cmocka_unit_test(the_bytes_of_the_trace_are_checked_after_the_last_row),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
