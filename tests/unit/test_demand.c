#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "study/demand.h"

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-12 * expected)) {
        fail_msg("%.17g is not %.17g", found, expected);
    }
}

static const char trace[] = "arrival_s,prompt_tokens,output_tokens,prefix_hash\n"
                            "0,41,7,\n"
                            "13.7,13,3,\n"
                            "36.999,41,7,text 1\n"
                            "37,100,11,\n"
                            "130,4099,137,\n";

/* Intervals of 37 s: 3 requests, 1, 0, 1. */
static void read_trace(struct demand *demand, struct bound_mix *mix)
{
    struct arena arena = {0};
    struct config config;
    struct err err = {""};
    static const char text[] =
        "[workload]\ntrace = trace.csv\n[pool.main]\ncost = linear\nbase_us = 1\n"
        "num_gpu_blocks = 4099\n";
    write_file("trace.csv", trace, sizeof trace - 1);
    write_file("config.ini", text, sizeof text - 1);
    assert_int_equal(config_read(&config, "config.ini", NULL, 0, &arena, &err), 0);
    *demand = (struct demand){.interval_ns = 37000000000};
    if (demand_read(demand, &config.workload, 1, mix, &err) != 0) {
        fail_msg("%s", err.text);
    }
    memory_arena_free(&arena);
}

static void arrivals_are_counted_in_the_interval_that_begins_no_later(void **state)
{
    (void)state;
    struct demand demand;
    struct bound_mix mix = {0};
    read_trace(&demand, &mix);
    assert_int_equal(demand.n_intervals, 4);
    assert_int_equal(demand.intervals[0].n_requests, 3);
    assert_int_equal(demand.intervals[0].prompt_tokens, 95);
    assert_int_equal(demand.intervals[0].output_tokens, 17);
    assert_int_equal(demand.intervals[1].n_requests, 1);
    assert_int_equal(demand.intervals[2].n_requests, 0);
    assert_int_equal(demand.intervals[3].prompt_tokens, 4099);
    assert_int_equal(demand.sum.output_tokens, 165);
    assert_near(demand_rps(&demand, 0), 3.0 / 37);
    assert_near(demand_peak_rps(&demand), 3.0 / 37);
    assert_near(demand_mean_rps(&demand), 5.0 / 148);
    demand_free(&demand);
    assert_int_equal(mix.n_requests, 5);
    assert_false(mix.lengths[0].shares);
    assert_true(mix.lengths[2].shares);
    bound_mix_free(&mix);
}

static void an_ideal_autoscaler_has_what_each_interval_needs_and_no_more(void **state)
{
    (void)state;
    struct demand demand;
    read_trace(&demand, NULL);
    /* replicas of 1.37 / 37 requests per second: 3 / 1.37 and 1 / 1.37, rounded up */
    const double capacity_rps = 1.37 / 37;
    assert_int_equal(demand_replicas(&demand, 0, capacity_rps, 0), 3);
    assert_int_equal(demand_replicas(&demand, 1, capacity_rps, 0), 1);
    assert_int_equal(demand_replicas(&demand, 2, capacity_rps, 0), 0);
    assert_int_equal(demand_replicas(&demand, 2, capacity_rps, 1), 1);
    struct demand_fleet fleet = demand_follow(&demand, capacity_rps, 1, 4);
    assert_int_equal(fleet.peak_replicas, 3);
    assert_near(fleet.mean_replicas, 1.5);
    assert_near(fleet.ideal_gpu_hours, 6 * 4 * 37.0 / 3600);
    assert_near(fleet.static_gpu_hours, 12 * 4 * 37.0 / 3600);
    demand_free(&demand);
}

static void an_arrival_after_millions_of_intervals_is_refused(void **state)
{
    (void)state;
    static const char far[] = "arrival_s,prompt_tokens,output_tokens\n0,41,7\n"
                              "67108864,41,7\n";
    struct config_workload config = {.trace = "far.csv",
                                     .trace_sha256 = "",
                                     .rate_scale_nano = 1000000000,
                                     .repeat = 1};
    struct demand demand = {.interval_ns = 1000000000};
    struct err err = {""};
    write_file("far.csv", far, sizeof far - 1);
    assert_int_equal(demand_read(&demand, &config, 1, NULL, &err), -1);
    assert_string_equal(err.text,
                        "far.csv:3: the arrival is after 67108864 intervals of "
                        "1000000000 ns: expected a longer interval");
    demand_free(&demand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_are_counted_in_the_interval_that_begins_no_later),
        cmocka_unit_test(an_ideal_autoscaler_has_what_each_interval_needs_and_no_more),
        cmocka_unit_test(an_arrival_after_millions_of_intervals_is_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
