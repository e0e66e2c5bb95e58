#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"

#define BURSTGPT                                                                    \
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total " \
    "tokens,Log Type\n"
#define SHORT_BURSTGPT \
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
#define VIDUR "arrived_at,num_prefill_tokens,num_decode_tokens\n"
#define SPLITWISE                                                          \
    "request_id,request_type,application_id,arrival_timestamp,batch_size," \
    "prompt_size,token_size\n"
#define RESULTS                                                              \
    "request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,status," \
    "pool,replica,finish_s,tenant,priority,session_id,reason\n"

static void burstgpt_has_models_kinds_and_sessions(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        BURSTGPT "5,,2,ChatGPT,472,18,490,Conversation log\n"
                 "45.5,1722ac82-0a46-4bf0-aa08-89794e7a2b3f,43,GPT-4,906,446,1352,"
                 "API log\n");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .arrival_ns = INT64_C(5000000000),
                                         .prompt_tokens = 472,
                                         .output_tokens = 18,
                                         .deadline_ns = -1,
                                         .model = "ChatGPT",
                                         .class = "Conversation log"});
    assert_row(trace,
               (struct trace_row){.line = 3,
                                  .arrival_ns = INT64_C(45500000000),
                                  .prompt_tokens = 906,
                                  .output_tokens = 446,
                                  .deadline_ns = -1,
                                  .session_id = "1722ac82-0a46-4bf0-aa08-89794e7a2b3f",
                                  .model = "GPT-4",
                                  .class = "API log"});
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_end(trace);
}

static void burstgpt_without_sessions_and_in_any_order_is_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SHORT_BURSTGPT "17.25,ChatGPT,4099,13,4112,API log\n",
        "Log Type,Response tokens,Timestamp,Request tokens,Model\r\n"
        "API log,13,17.25,4099,ChatGPT\r\n",
    };
    for (int i = 0; i < 2; i++) {
        struct trace *trace = open_text(texts[i]);
        assert_row(trace, (struct trace_row){.line = 2,
                                             .arrival_ns = INT64_C(17250000000),
                                             .prompt_tokens = 4099,
                                             .output_tokens = 13,
                                             .deadline_ns = -1,
                                             .model = "ChatGPT",
                                             .class = "API log"});
        assert_end(trace);
    }
}

static void whole_days_before_the_first_row_of_burstgpt_are_left_out(void **state)
{
    (void)state;
    struct trace *trace =
        open_text(BURSTGPT "19440110.0,a,43,GPT-4,906,446,1352,API log\n"
                           "19526400.5,a,43,GPT-4,907,446,1353,API log\n");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .arrival_ns = INT64_C(110000000000),
                                         .prompt_tokens = 906,
                                         .output_tokens = 446,
                                         .deadline_ns = -1,
                                         .session_id = "a",
                                         .model = "GPT-4",
                                         .class = "API log"});
    assert_row(trace, (struct trace_row){.line = 3,
                                         .arrival_ns = INT64_C(86400500000000),
                                         .prompt_tokens = 907,
                                         .output_tokens = 446,
                                         .deadline_ns = -1,
                                         .session_id = "a",
                                         .model = "GPT-4",
                                         .class = "API log"});
    assert_end(trace);
}

static int64_t count_rows(struct trace *trace)
{
    struct err err = {0};
    struct trace_row row;
    int64_t n = 0;
    int got;
    while ((got = trace_next(trace, &row, &err)) == 1) {
        n++;
    }
    assert_string_equal(err.text, "");
    assert_int_equal(got, 0);
    return n;
}

static const char with_failures[] = SHORT_BURSTGPT "3,ChatGPT,17,9,26,API log\n"
                                                   "3,ChatGPT,19,0,19,API log\n"
                                                   "86399,GPT-4,0,0,0,API log\n"
                                                   "86401.25,GPT-4,23,7,30,API log\n";

static void requests_that_failed_are_counted_and_kept_apart(void **state)
{
    (void)state;
    int64_t line;
    struct err err = {0};
    struct trace *trace = open_text(with_failures);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(trace_failed(trace, &line), 0);
        assert_int_equal(count_rows(trace), 2);
        assert_int_equal(trace_failed(trace, &line), 2);
        assert_int_equal(line, 3);
        assert_int_equal(trace_rewind(trace, &err), 0);
    }
    trace_close(trace);
}

static void failures_are_counted_within_the_time_that_is_kept(void **state)
{
    (void)state;
    int64_t line;
    struct trace *trace = open_text(with_failures);
    trace_keep(trace, INT64_C(3500000000), 0);
    assert_int_equal(count_rows(trace), 1);
    assert_int_equal(trace_failed(trace, &line), 1);
    assert_int_equal(line, 4);
    trace_close(trace);
}

static void failures_do_not_stand_out_of_order(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {SHORT_BURSTGPT "30,ChatGPT,17,9,26,API log\n29,ChatGPT,19,0,19,API log\n",
         "3: Timestamp: 29 is before the row above (30): rows must be in order of "
         "time"},
        {SHORT_BURSTGPT "86400,ChatGPT,17,0,17,API log\n29,ChatGPT,19,3,22,API log\n",
         "3: Timestamp: 29 is before the row above (86400): rows must be in order of "
         "time"},
    };
    ASSERT_FAULTS(faults);
}

static void vidur_times_are_rounded_half_up_to_a_nanosecond(void **state)
{
    (void)state;
    struct trace *trace = open_text(VIDUR "0.0,374,44\n"
                                          "5.8926549999999995,396,109\n"
                                          "5.8926550005,397,110\n"
                                          "1e+1,17,4099\n");
    static const struct {
        int64_t ns;
        int64_t prompt;
        int64_t output;
    } rows[] = {{0, 374, 44},
                {INT64_C(5892655000), 396, 109},
                {INT64_C(5892655001), 397, 110},
                {INT64_C(10000000000), 17, 4099}};
    for (int i = 0; i < 4; i++) {
        assert_row(trace, (struct trace_row){.line = i + 2,
                                             .arrival_ns = rows[i].ns,
                                             .prompt_tokens = rows[i].prompt,
                                             .output_tokens = rows[i].output,
                                             .deadline_ns = -1});
    }
    assert_true(trace_has_arrivals(trace));
    assert_end(trace);
}

static void lengths_without_arrivals_all_arrive_at_zero(void **state)
{
    (void)state;
    struct trace *trace =
        open_text("num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n"
                  "3772,54,3826,69.85185185185185\n2015,156,2171,12.9\n");
    assert_false(trace_has_arrivals(trace));
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .prompt_tokens = 3772,
                                         .output_tokens = 54,
                                         .deadline_ns = -1});
    assert_row(trace, (struct trace_row){.line = 3,
                                         .prompt_tokens = 2015,
                                         .output_tokens = 156,
                                         .deadline_ns = -1});
    assert_end(trace);
}

static void splitwise_rows_are_single_requests(void **state)
{
    (void)state;
    struct trace *trace = open_text(SPLITWISE "7,2,0,0.0137,1,4099,17\n");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .arrival_ns = 13700000,
                                         .prompt_tokens = 4099,
                                         .output_tokens = 17,
                                         .deadline_ns = -1,
                                         .request_id = "7"});
    assert_end(trace);
    static const struct fault faults[] = {
        {SPLITWISE "7,2,0,0.0137,2,4099,17\n",
         "2: batch_size: '2' is not 1, and a row is one request here"},
        {SPLITWISE "7,2,0,-1,1,4099,17\n",
         "2: arrival_timestamp: '-1' is not a time in seconds such as 12.0375"},
    };
    ASSERT_FAULTS(faults);
}

static void the_requests_of_a_run_can_be_asked_again(void **state)
{
    (void)state;
    struct trace *trace =
        open_text(RESULTS "a,0.013700001,4099,17,16,completed,main,0,1.5,t,-3,s,\n"
                          "1,0.013700001,5,6,,rejected,,,,,0,,it cannot fit\n");
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .arrival_ns = 13700001,
                                         .prompt_tokens = 4099,
                                         .output_tokens = 17,
                                         .priority = -3,
                                         .deadline_ns = -1,
                                         .request_id = "a",
                                         .tenant = "t",
                                         .session_id = "s"});
    assert_row(trace, (struct trace_row){.line = 3,
                                         .arrival_ns = 13700001,
                                         .prompt_tokens = 5,
                                         .output_tokens = 6,
                                         .deadline_ns = -1,
                                         .request_id = "1"});
    assert_end(trace);
}

static void wrong_values_of_foreign_traces_are_refused_by_their_own_names(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {SHORT_BURSTGPT "nan,GPT-4,17,9,26,API log\n",
         "2: Timestamp: 'nan' is not a time in seconds such as 12.0375"},
        {SHORT_BURSTGPT "3,GPT-4,0,9,9,API log\n",
         "2: Request tokens: '0' is not a positive integer"},
        {SHORT_BURSTGPT "3,GPT-4,17,-9,8,API log\n",
         "2: Response tokens: '-9' is not a positive integer"},
        {SHORT_BURSTGPT "3,GPT-4,17,,8,API log\n",
         "2: Response tokens: '' is not a positive integer"},
        {SHORT_BURSTGPT "3,GPT-4,17,9.0,26,API log\n",
         "2: Response tokens: '9.0' is not a positive integer"},
        {SHORT_BURSTGPT "3,GPT-4,17,99999999999999999999,26,API log\n",
         "2: Response tokens: '99999999999999999999' is more than 1000000000"},
        {SHORT_BURSTGPT "3,\"a,b\",17,9,26,API log\n",
         "2: Model: 'a,b' is not a label (at most 64 bytes without comma, double quote "
         "or control character)"},
        {SHORT_BURSTGPT "3,GPT-4,17,9\n", "2: the line has 4 columns, line 1 has 6"},
        {SHORT_BURSTGPT "3,GPT-4,17,9",
         "2: the last line ends after 4 of 6 columns: the file is cut off"},
        {"Timestamp,Request tokens\n",
         "1: column 'Response tokens' is missing (needed: Timestamp, Request tokens, "
         "Response tokens; optional: Session ID, Model, Log Type)"},
        {VIDUR "-0.5,17,9\n",
         "2: arrived_at: '-0.5' is not a time in seconds such as 12.0375"},
        {VIDUR "inf,17,9\n",
         "2: arrived_at: 'inf' is not a time in seconds such as 12.0375"},
        {VIDUR "1e300,17,9\n", "2: arrived_at: '1e300' is more than 1000000000"},
        {VIDUR "0.5,17,0\n", "2: num_decode_tokens: '0' is not a positive integer"},
        {VIDUR "7,17,9\n6.9,17,9\n",
         "3: arrived_at: 6.9 is before the row above (7): rows must be in order of "
         "time"},
        {"arrived_at,num_prefill_tokens\n",
         "1: column 'num_decode_tokens' is missing (needed: num_prefill_tokens, "
         "num_decode_tokens; optional: arrived_at)"},
        {RESULTS "a,0.5,0,17,16,completed,main,0,1.5,t,-3,s,\n",
         "2: prompt_tokens: '0' is not a positive integer"},
        {RESULTS "a,0.5,17,17,16,completed,main,0,1.5,t,1.5,s,\n",
         "2: priority: '1.5' is not an integer from -2147483648 to 2147483647"},
    };
    ASSERT_FAULTS(faults);
}

/* Sums worked out from the file with another program. */
static void the_published_lengths_of_vidur_read_whole(void **state)
{
    (void)state;
    struct err err = {0};
    struct trace_row row;
    struct trace *trace =
        trace_open("../shared/traces/vidur/"
                   "arxiv_summarization_stats_llama2_tokenizer_filtered_v2.csv",
                   NULL, false, &err);
    assert_non_null(trace);
    int64_t n = 0;
    int64_t prompts = 0;
    int64_t outputs = 0;
    while (trace_next(trace, &row, &err) == 1) {
        assert_int_equal(row.arrival_ns, 0);
        n++;
        prompts += row.prompt_tokens;
        outputs += row.output_tokens;
    }
    assert_int_equal(n, 28257);
    assert_int_equal(prompts, 73131321);
    assert_int_equal(outputs, 8234948);
    assert_false(trace_has_arrivals(trace));
    assert_end(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burstgpt_has_models_kinds_and_sessions),
        cmocka_unit_test(burstgpt_without_sessions_and_in_any_order_is_the_same),
        cmocka_unit_test(whole_days_before_the_first_row_of_burstgpt_are_left_out),
        cmocka_unit_test(requests_that_failed_are_counted_and_kept_apart),
        cmocka_unit_test(failures_are_counted_within_the_time_that_is_kept),
        cmocka_unit_test(failures_do_not_stand_out_of_order),
        cmocka_unit_test(vidur_times_are_rounded_half_up_to_a_nanosecond),
        cmocka_unit_test(lengths_without_arrivals_all_arrive_at_zero),
        cmocka_unit_test(splitwise_rows_are_single_requests),
        cmocka_unit_test(the_requests_of_a_run_can_be_asked_again),
        cmocka_unit_test(wrong_values_of_foreign_traces_are_refused_by_their_own_names),
    };
    const struct CMUnitTest published[] = {
        cmocka_unit_test(the_published_lengths_of_vidur_read_whole),
    };
    int failed = 0;
    if (access("../shared/traces/vidur", R_OK) == 0) {
        failed = cmocka_run_group_tests(published, NULL, NULL);
    } else {
        print_message("skipped: no published lengths in ../shared/traces/vidur\n");
    }
    return failed + cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
