#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/workload.h"

#define PLAIN "arrival_s,prompt_tokens,output_tokens\n"

/* Five requests over 3.7 s, a mean gap of 0.925 s: 4.625 s round. The prompts tell them
 * apart. */
static const char five[] =
    PLAIN "10,1,7\n10.137,2,8\n10.137,3,9\n12.9,4,13\n13.7,5,11\n";
static const int64_t at_ns[] = {0, 137000000, 137000000, 2900000000, 3700000000};
static const int64_t round_ns = 4625000000;

static const struct config_workload plain = {.trace = "t.csv",
                                             .trace_sha256 = "",
                                             .rate_scale_nano = 1000000000,
                                             .repeat = 1,
                                             .resample_ns = 1370000000};

static void must_open(struct workload *workload, const struct config_workload *config,
                      uint64_t seed, const char *text)
{
    struct err err = {""};
    write_file("t.csv", text, strlen(text));
    workload_open(workload, config, seed, NULL, &err);
    assert_string_equal(err.text, "");
}

static bool next(struct workload *workload, struct sim_arrival *arrival)
{
    struct err err = {""};
    int got = workload_next(workload, arrival, &err);
    assert_string_equal(err.text, "");
    return got == 1;
}

/* Arrivals and prompts of the draw of that seed; how many there are. */
static int64_t draw(const struct config_workload *config, uint64_t seed,
                    struct sim_arrival *arrivals, int64_t room)
{
    struct workload workload;
    struct sim_arrival arrival;
    int64_t n = 0;
    must_open(&workload, config, seed, five);
    while (next(&workload, &arrival)) {
        assert_true(n < room);
        arrivals[n++] = arrival;
    }
    workload_close(&workload);
    return n;
}

static bool is_same(const struct sim_arrival *one, const struct sim_arrival *other,
                    int64_t n)
{
    int64_t i = 0;
    while (i < n && one[i].arrival_ns == other[i].arrival_ns &&
           one[i].prompt_tokens == other[i].prompt_tokens) {
        i++;
    }
    return i == n;
}

/* Of each block it is clear from one request where in the trace it began, and with it
 * which requests must come when. */
static void blocks_keep_all_that_is_between_their_ends(void **state)
{
    (void)state;
    struct config_workload config = plain;
    static struct sim_arrival arrivals[4099];
    config.limit = 4099;
    int64_t n = draw(&config, 41, arrivals, 4099);
    assert_int_equal(n, 4099);
    int64_t n_wrapped = 0;
    for (int64_t i = 1; i < n; i++) {
        int64_t block = arrivals[i].arrival_ns / config.resample_ns;
        int64_t row = arrivals[i].prompt_tokens - 1;
        int64_t gap_ns = arrivals[i].arrival_ns - arrivals[i - 1].arrival_ns;
        assert_true(gap_ns >= 0);
        if (arrivals[i - 1].arrival_ns / config.resample_ns != block) {
            /* whoever comes before it in the trace must be before the block */
            int64_t offset_ns = arrivals[i].arrival_ns - block * config.resample_ns;
            int64_t before_ns =
                row > 0 ? at_ns[row] - at_ns[row - 1] : round_ns - at_ns[4];
            assert_true(offset_ns <= before_ns);
            continue;
        }
        assert_int_equal(row, arrivals[i - 1].prompt_tokens % 5);
        assert_int_equal(gap_ns,
                         row > 0 ? at_ns[row] - at_ns[row - 1] : round_ns - at_ns[4]);
        n_wrapped += row == 0;
    }
    assert_true(n_wrapped > 100);
}

static void a_seed_draws_the_same_and_another_does_not(void **state)
{
    (void)state;
    struct sim_arrival one[5];
    struct sim_arrival again[5];
    struct sim_arrival other[5];
    assert_int_equal(draw(&plain, 41, one, 5), 5); /* as many as the trace has */
    assert_int_equal(draw(&plain, 41, again, 5), 5);
    assert_int_equal(draw(&plain, 42, other, 5), 5);
    assert_true(is_same(one, again, 5));
    assert_false(is_same(one, other, 5));
}

static void a_block_as_long_as_the_trace_has_every_row_once(void **state)
{
    (void)state;
    struct config_workload config = plain;
    struct sim_arrival arrivals[35];
    config.resample_ns = round_ns;
    config.limit = 35;
    assert_int_equal(draw(&config, 41, arrivals, 35), 35);
    for (int64_t i = 0; i < 35; i++) {
        assert_int_equal(arrivals[i].arrival_ns / round_ns, i / 5);
        if (i % 5 > 0) {
            assert_int_equal(arrivals[i].prompt_tokens,
                             arrivals[i - 1].prompt_tokens % 5 + 1);
        }
    }
}

static void rates_scale_what_was_drawn_by_the_rate_of_the_trace(void **state)
{
    (void)state;
    struct config_workload config = plain;
    struct sim_arrival as_is[137];
    struct sim_arrival scaled[137];
    config.limit = 137;
    draw(&config, 41, as_is, 137);
    config.rate_rps_nano = 40000000000; /* 4 gaps in 3.7 s: 37 times as fast */
    assert_int_equal(draw(&config, 41, scaled, 137), 137);
    for (int64_t i = 0; i < 137; i++) {
        assert_int_equal(scaled[i].arrival_ns, (2 * as_is[i].arrival_ns + 37) / 74);
        assert_int_equal(scaled[i].prompt_tokens, as_is[i].prompt_tokens);
    }
    config.rate_rps_nano = 0;
    config.rate_scale_nano = 37000000000;
    struct sim_arrival by_scale[137];
    draw(&config, 41, by_scale, 137);
    assert_true(is_same(scaled, by_scale, 137));
}

static void the_cooldown_ends_with_the_last_that_is_drawn(void **state)
{
    (void)state;
    struct config_workload config = plain;
    for (int64_t limit = 3; limit < 42; limit += 38) { /* fewer than rows, and more */
        struct sim_arrival *all = memory_new((size_t)limit, sizeof *all);
        config.limit = limit;
        config.cooldown_ns = 0;
        draw(&config, 41, all, limit);
        config.cooldown_ns = 1;
        struct workload workload;
        struct sim_arrival arrival;
        must_open(&workload, &config, 41, five);
        for (int64_t i = 0; i < limit; i++) {
            assert_true(next(&workload, &arrival));
            assert_int_equal(arrival.arrival_ns, all[i].arrival_ns);
            assert_int_equal(arrival.counted,
                             arrival.arrival_ns < all[limit - 1].arrival_ns);
        }
        assert_false(next(&workload, &arrival));
        workload_close(&workload);
        free(all);
    }
}

static void rows_keep_what_they_say(void **state)
{
    (void)state;
    struct config_workload config = plain;
    struct workload workload;
    struct sim_arrival arrival;
    config.limit = 41;
    config.resample_ns = 3700000000;
    must_open(&workload, &config, 41,
              "arrival_s,prompt_tokens,output_tokens,request_id,tenant,priority,"
              "session_id,deadline_s,adapter\n"
              "1,13,7,r-1,acme,3,s 9,0.0137,x\n3.7,4099,9,,acme,,,,\n");
    int64_t n[2] = {0};
    while (next(&workload, &arrival)) {
        bool first = arrival.prompt_tokens == 13;
        n[first]++;
        assert_string_equal(arrival.labels, first ? "r-1\nacme\ns 9" : "\nacme\n");
        assert_int_equal(arrival.output_tokens, first ? 7 : 9);
        assert_int_equal(arrival.priority, first ? 3 : 0);
        assert_int_equal(arrival.deadline_ns, first ? 13700000 : -1);
        assert_int_equal(arrival.adapter, first ? 1 : 0);
        assert_int_equal(arrival.session != 0, first);
        assert_int_equal(arrival.line, first ? 2 : 3);
        assert_string_equal(arrival.file, "t.csv");
        free(arrival.labels);
    }
    assert_true(n[0] > 5 && n[1] > 5);
    workload_close(&workload);
}

static void an_interrupt_stops_the_reading(void **state)
{
    (void)state;
    static const volatile sig_atomic_t interrupted = 1;
    struct workload workload;
    struct err err = {""};
    write_file("t.csv", five, sizeof five - 1);
    assert_int_equal(workload_open(&workload, &plain, 1, &interrupted, &err), -1);
    assert_string_equal(err.text, "interrupted: nothing was written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_all_that_is_between_their_ends),
        cmocka_unit_test(a_seed_draws_the_same_and_another_does_not),
        cmocka_unit_test(a_block_as_long_as_the_trace_has_every_row_once),
        cmocka_unit_test(rates_scale_what_was_drawn_by_the_rate_of_the_trace),
        cmocka_unit_test(the_cooldown_ends_with_the_last_that_is_drawn),
        cmocka_unit_test(rows_keep_what_they_say),
        cmocka_unit_test(an_interrupt_stops_the_reading),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
