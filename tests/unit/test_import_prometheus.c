#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/importing.h"
#include "input/measured.h"

#define HEADER                                                                     \
    "t_s,running,waiting,kv_used_fraction,preemptions,prefix_hits,prefix_queries," \
    "prompt_tokens,generation_tokens,ttft_mean_ms,itl_mean_ms,e2e_mean_ms,n_"      \
    "requests\n"

/* Two engines of one server at two times; the second engine's lines come last. */
#define SCRAPES                                                              \
    "# HELP vllm:num_requests_running Requests running.\n"                   \
    "# TYPE vllm:num_requests_running gauge\n"                               \
    "vllm:num_requests_running{engine=\"0\",model_name=\"a } \\\" b\"} 3.0 " \
    "1750000000500\n"                                                        \
    "vllm:kv_cache_usage_perc{engine=\"0\"} 0.25 1750000000500\n"            \
    "vllm:kv_cache_usage_perc{engine=\"1\"} 0.5 1750000000500\n"             \
    "vllm:gpu_cache_usage_perc{engine=\"0\"} 0.9 1750000000500\n"            \
    "vllm:prompt_tokens_total{engine=\"0\"} 1000 1750000000500\n"            \
    "vllm:prompt_tokens_total{engine=\"1\"} 500 1750000000500\n"             \
    "vllm:num_preemptions_total 7 1750000000500\n"                           \
    "vllm:time_to_first_token_seconds_sum 1.5 1750000000500\n"               \
    "vllm:time_to_first_token_seconds_count 10 1750000000500\n"              \
    "vllm:time_to_first_token_seconds_bucket{le=\"0.1\"} 10 1750000000500\n" \
    "vllm:e2e_request_latency_seconds_count 4 1750000000500\n"               \
    "process_cpu_seconds_total 12.5\n"                                       \
    "\n"                                                                     \
    "vllm:num_requests_running 4 1750000015750\n"                            \
    "vllm:prompt_tokens_total{engine=\"0\"} 1.5e3 1750000015750\n"           \
    "vllm:prompt_tokens_total{engine=\"1\"} 537 1750000015750\n"             \
    "vllm:num_preemptions_total 3 1750000015750\n"                           \
    "vllm:time_to_first_token_seconds_sum 2.0 1750000015750\n"               \
    "vllm:time_to_first_token_seconds_count 14 1750000015750\n"              \
    "vllm:kv_cache_usage_perc NaN 1750000015750\n"                           \
    "vllm:e2e_request_latency_seconds_count 9 1750000015750\n"               \
    "vllm:num_requests_running{engine=\"1\"} 13 1750000015750\r\n"

#define ROWS HEADER "0,3,,0.375,,,,,,,,,\n15.25,17,,,,,,537,,125,,,5\n"

#define SERIES(name, values) \
    "{\"metric\": {\"__name__\": \"" name "\"}, \"values\": [" values "]}"
#define WAITING                                                                   \
    SERIES("vllm:num_requests_waiting", "[1750000000.5, \"3\"], [1750000015.75, " \
                                        "\"4\"]")
#define UP SERIES("up", "[1750000000.5, \"1\"]")
#define GENERATED                          \
    SERIES("vllm:generation_tokens_total", \
           "[1750000000.5, \"100\"], [1750000015.75, \"4199\"]")
#define MATRIX "{\"data\": {\"resultType\": \"matrix\", \"result\": ["
#define ANSWER MATRIX WAITING ", " UP ", " GENERATED "]}}"

static void text_with_timestamps_becomes_intervals(void **state)
{
    (void)state;
    assert_imports("prometheus", SCRAPES, ROWS);
}

static void an_answer_to_query_range_becomes_intervals(void **state)
{
    (void)state;
    assert_imports("prometheus", ANSWER,
                   HEADER "0,,3,,,,,,,,,,\n15.25,,4,,,,,,4099,,,,\n");
}

static void intervals_are_read_as_measurements(void **state)
{
    (void)state;
    struct err err;
    struct measured_row row;
    write_file("m.csv", ROWS, strlen(ROWS));
    struct measured *measured = measured_open("m.csv", &err);
    assert_non_null(measured);
    assert_int_equal(measured_kind(measured), MEASURED_SERVER);
    assert_int_equal(measured_next(measured, &row, &err), 1);
    assert_int_equal(measured_next(measured, &row, &err), 1);
    assert_int_equal(row.interval.t_ns, 15250000000);
    assert_int_equal(row.interval.running_nano, 17000000000);
    assert_int_equal(row.interval.kv_used_nano, MEASURED_NONE);
    assert_int_equal(row.interval.prompt_tokens, 537);
    assert_int_equal(row.interval.ttft_mean_ns, 125000000);
    assert_int_equal(row.interval.n_requests, 5);
    measured_close(measured);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"up 1 1750000000500\n",
         "f: holds no metric of vLLM's that is known here, such as "
         "vllm:num_requests_running"},
        {"vllm:num_requests_running 3 1750000000500\n",
         "f: holds one scrape: intervals need two or more, each with its time"},
        {"up 1\nvllm:num_requests_running 3\n",
         "f:2: the sample has no timestamp, so the scrapes cannot be put in order "
         "(export "
         "them with timestamps, or save a query_range)"},
        {"vllm:num_requests_running{a=\"}\" 3\n",
         "f:1: the labels are not closed with a "
         "'}'"},
        {"vllm:num_requests_running\n",
         "f:1: expected a value behind the metric's name and labels"},
        {"vllm:num_requests_running 3 x\n",
         "f:1: expected a timestamp in milliseconds at the end"},
        {"vllm:num_requests_running 3 1e300\n",
         "f:1: expected a timestamp in milliseconds at the end"},
        {"{}", "f: data: is missing"},
        {"{\"data\": {\"resultType\": \"vector\"}}",
         "f: data.resultType: 'vector' is not matrix: ask query_range, which answers "
         "with "
         "series over time"},
        {"{\"data\": {\"resultType\": \"matrix\", \"result\": [{\"metric\": {}}]}}",
         "f: data.result: the series have no __name__: query metrics by name, such as "
         "{__name__=~\"vllm:.*\"}, without functions"},
        {"{\"data\": {\"resultType\": \"matrix\", \"result\": [" SERIES(
             "vllm:num_requests_running", "[7, 3]") "]}}",
         "f: data.result[0].values[0]: expected a time in seconds and a number in "
         "quotes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_import_refuses("prometheus", cases[i][0], cases[i][1]);
    }
}

static void files_cut_off_anywhere_are_survived(void **state)
{
    (void)state;
    assert_survives_truncation("prometheus", SCRAPES);
    assert_survives_truncation("prometheus", ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_with_timestamps_becomes_intervals),
        cmocka_unit_test(an_answer_to_query_range_becomes_intervals),
        cmocka_unit_test(intervals_are_read_as_measurements),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(files_cut_off_anywhere_are_survived),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
