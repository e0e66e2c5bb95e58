#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"

#define HEADER                                                                      \
    "request_id,client_id,tenant_id,slo_class,session_id,round_index,prefix_group," \
    "prefix_length,streaming,input_tokens,output_tokens,text_tokens,image_tokens,"  \
    "audio_tokens,video_tokens,reason_ratio,model,deadline_us,server_input_tokens," \
    "arrival_time_us,send_time_us,first_chunk_time_us,last_chunk_time_us,"          \
    "num_chunks,status,error_message,finish_reason\n"
#define YAML                                                       \
    "trace_version: 2\ntime_unit: microseconds\nmode: generated\n" \
    "warm_up_requests: 0\nserver:\n  model: m\n"
#define SHORT "arrival_time_us,input_tokens,output_tokens,"

static void a_request_says_all_that_it_asks_for(void **state)
{
    (void)state;
    static const char *const texts[] = {
        HEADER "7,c0,acme,critical,s1,2,sys,512,true,100,41,90,10,0,0,0.25,org/model,"
               "31000137,0,1000137,1000140,1200000,2500000,41,ok,,stop\n",
        YAML HEADER
        "7,c0,acme,critical,s1,2,sys,512,true,100,41,90,10,0,0,0.25,org/model,"
        "31000137,0,1000137,1000140,1200000,2500000,41,ok,,stop\n",
    };
    for (int i = 0; i < 2; i++) {
        struct trace *trace = open_text(texts[i]);
        assert_row(trace, (struct trace_row){.line = i == 0 ? 2 : 8,
                                             .arrival_ns = INT64_C(1000137000),
                                             .prompt_tokens = 612,
                                             .output_tokens = 41,
                                             .request_id = "7",
                                             .tenant = "acme",
                                             .session_id = "s1",
                                             .prefix = "sys",
                                             .prefix_tokens = 512,
                                             .deadline_ns = INT64_C(30000000000),
                                             .model = "org/model",
                                             .class = "critical",
                                             .reasoning_tokens = 10});
        assert_string_equal(trace_ignored_columns(trace), "");
        assert_end(trace);
    }
}

static void columns_of_later_versions_are_read_or_named(void **state)
{
    (void)state;
    struct trace *trace =
        open_text(SHORT "vllm_priority,slo_target_us,adapter,x_request_id,prefix_group,"
                        "prefix_length,deadline_us,reason_ratio\n"
                        "0,17,4099,3,500000,lora-7,0b1c,sys,0,0,1\n");
    assert_string_equal(trace_ignored_columns(trace), "slo_target_us");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .prompt_tokens = 17,
                                         .output_tokens = 4099,
                                         .priority = 3,
                                         .deadline_ns = -1,
                                         .adapter = "lora-7",
                                         .reasoning_tokens = 4098});
    assert_end(trace);
}

static void times_since_1970_count_from_the_first_row(void **state)
{
    (void)state;
    struct trace *trace = open_text(SHORT "deadline_us\n"
                                          "1700158623979960,17,4099,1700158624979960\n"
                                          "1700158623979973,17,4093,0\n");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .prompt_tokens = 17,
                                         .output_tokens = 4099,
                                         .deadline_ns = 1000000000});
    assert_row(trace, (struct trace_row){.line = 3,
                                         .arrival_ns = 13000,
                                         .prompt_tokens = 17,
                                         .output_tokens = 4093,
                                         .deadline_ns = -1});
    assert_end(trace);
}

static void what_did_not_end_well_is_kept_apart(void **state)
{
    (void)state;
    int64_t line;
    struct trace *trace = open_text(SHORT "status\n"
                                          "5,17,0,ok\n"
                                          "7,17,11,timeout\n"
                                          "7,17,0,error\n"
                                          "7,17,13,incomplete\n"
                                          "9,19,12,ok\n"
                                          "9,19,12,\n");
    static const int64_t outputs[] = {13, 12, 12};
    for (int i = 0; i < 3; i++) {
        assert_row(trace, (struct trace_row){.line = i + 5,
                                             .arrival_ns = i == 0 ? 7000 : 9000,
                                             .prompt_tokens = i == 0 ? 17 : 19,
                                             .output_tokens = outputs[i],
                                             .deadline_ns = -1});
    }
    assert_int_equal(trace_failed(trace, &line), 3);
    assert_int_equal(line, 2);
    assert_end(trace);
}

static void a_header_without_its_requests_is_refused(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {YAML, " this is the header of a TraceV2 trace without its requests: give the "
               "CSV file that goes with it"},
        {YAML "arrival_time_us,input_tokens\n0,17\n",
         "7: column 'output_tokens' is missing (needed: arrival_time_us, input_tokens, "
         "output_tokens; optional: request_id, tenant_id, slo_class, vllm_priority, "
         "priority, session_id, prefix_group, prefix_length, reason_ratio, model, "
         "adapter, deadline_us, status)"},
        {YAML "arrival_time_us,input_tokens,output_tokens\n0,17\n",
         "8: the line has 2 columns, line 7 has 3"},
    };
    ASSERT_FAULTS(faults);
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {SHORT "model\n-1,17,9,\n",
         "2: arrival_time_us: '-1' is not an integer from 0 to 9223372036854775"},
        {SHORT "model\n1.5,17,9,\n",
         "2: arrival_time_us: '1.5' is not an integer from 0 to 9223372036854775"},
        {SHORT "model\n9223372036854776,17,9,\n",
         "2: arrival_time_us: '9223372036854776' is not an integer from 0 to "
         "9223372036854775"},
        {SHORT "model\n17,17,9,\n1000000000000018,17,9,\n",
         "3: arrival_time_us: '1000000000000018' is more than 1000000000 s after the "
         "first row"},
        {SHORT "model\n17,17,9,\n16,17,9,\n",
         "3: arrival_time_us: 16 is before the row above (17): rows must be in order "
         "of time"},
        {SHORT "model\n17,0,9,\n",
         "2: input_tokens: '0' and prefix_length are not 1 to 1000000000 together"},
        {SHORT "prefix_length\n17,1000000000,9,1\n",
         "2: input_tokens: '1000000000' and prefix_length are not 1 to 1000000000 "
         "together"},
        {SHORT "prefix_length\n17,5,9,-1\n",
         "2: prefix_length: '-1' is not an integer from 0 to 1000000000"},
        {SHORT "model\n17,5,-9,\n", "2: output_tokens: '-9' is not a positive integer"},
        {SHORT "reason_ratio\n17,5,9,1.01\n",
         "2: reason_ratio: '1.01' is not a share from 0 to 1"},
        {SHORT "reason_ratio\n17,5,9,NaN\n",
         "2: reason_ratio: 'NaN' is not a share from 0 to 1"},
        {SHORT "deadline_us\n17,5,9,16\n",
         "2: deadline_us: '16' is not within 1000000000 s after arrival_time_us"},
        {SHORT "vllm_priority\n17,5,9,high\n",
         "2: vllm_priority: 'high' is not an integer from -2147483648 to 2147483647"},
    };
    ASSERT_FAULTS(faults);
}

static void error_messages_may_be_quoted(void **state)
{
    (void)state;
    int64_t line;
    struct trace *trace =
        open_text(SHORT "status,error_message\n"
                        "5,17,3,error,\"read: \"\"reset\"\", code 7\"\n"
                        "6,17,3,ok,\n");
    assert_row(trace, (struct trace_row){.line = 3,
                                         .arrival_ns = 6000,
                                         .prompt_tokens = 17,
                                         .output_tokens = 3,
                                         .deadline_ns = -1});
    assert_int_equal(trace_failed(trace, &line), 1);
    assert_end(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_all_that_it_asks_for),
        cmocka_unit_test(columns_of_later_versions_are_read_or_named),
        cmocka_unit_test(times_since_1970_count_from_the_first_row),
        cmocka_unit_test(what_did_not_end_well_is_kept_apart),
        cmocka_unit_test(a_header_without_its_requests_is_refused),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(error_messages_may_be_quoted),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
