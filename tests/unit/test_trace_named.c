#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"
#include "input/trace_format.h"

#include <zstd.h>

#define SHORT_BURSTGPT \
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
#define VIDUR "arrived_at,num_prefill_tokens,num_decode_tokens\n"
#define SPLITWISE                                                          \
    "request_id,request_type,application_id,arrival_timestamp,batch_size," \
    "prompt_size,token_size\n"
#define RESULTS                                                              \
    "request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,status," \
    "pool,replica,finish_s,tenant,priority,session_id,reason\n"

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

static void columns_that_others_add_are_passed_over_and_named(void **state)
{
    (void)state;
    struct trace *trace =
        open_text("TIMESTAMP,Region,ContextTokens,GeneratedTokens,a\x1b[31m\n"
                  "2023-11-16 18:17:03,west,17,4099,\n");
    assert_string_equal(trace_ignored_columns(trace), "Region, a?[31m");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .prompt_tokens = 17,
                                         .output_tokens = 4099,
                                         .deadline_ns = -1});
    assert_end(trace);
}

/* `n` columns of 30 bytes behind those that are needed. */
static void write_wide(char *text, int n)
{
    char *at = text + sprintf(text, "arrived_at,num_prefill_tokens,num_decode_tokens");
    for (int i = 0; i < n; i++) {
        at += sprintf(at, ",a_column_of_some_thirty_byte_%02d", i);
    }
    at += sprintf(at, "\n0.5,17,4099");
    for (int i = 0; i < n; i++) {
        at += sprintf(at, ",%d", i);
    }
    sprintf(at, "\n");
}

static void many_columns_are_named_as_far_as_there_is_room_and_64_are_the_most(
    void **state)
{
    (void)state;
    char text[8192];
    write_wide(text, 61);
    struct trace *trace = open_text(text);
    const char *ignored = trace_ignored_columns(trace);
    assert_int_equal(strncmp(ignored, "a_column_of_some_thirty_byte_00, a_", 35), 0);
    assert_string_equal(ignored + strlen(ignored) - 7, "06, ...");
    assert_row(trace, (struct trace_row){.line = 2,
                                         .arrival_ns = 500000000,
                                         .prompt_tokens = 17,
                                         .output_tokens = 4099,
                                         .deadline_ns = -1});
    assert_end(trace);
    write_wide(text, 62);
    assert_faults(&(struct fault){text, "1: the line names 65 columns, and 64 are the "
                                        "most"},
                  1);
}

static void a_format_may_be_named_and_then_no_other_is_read(void **state)
{
    (void)state;
    struct err err = {0};
    write_file("x.csv", VIDUR "0.5,17,9\n", sizeof VIDUR "0.5,17,9\n" - 1);
    struct trace *trace = trace_open("x.csv", "vidur", false, &err);
    assert_non_null(trace);
    assert_int_equal(count_rows(trace), 1);
    trace_close(trace);
    assert_null(trace_open("x.csv", "azure", false, &err));
    assert_string_equal(err.text, "x.csv:1: column 'TIMESTAMP' is missing (needed: "
                                  "TIMESTAMP, ContextTokens, GeneratedTokens)");
    assert_null(trace_open("x.csv", "blis", false, &err));
    assert_non_null(strstr(err.text, "'blis' is no trace format: give one of auto, "
                                     "azure, burstgpt, vidur, splitwise, tracev2, "));
}

static void every_format_has_a_name_that_finds_it(void **state)
{
    (void)state;
    struct err err;
    const char *first_line;
    const char *name;
    int32_t n = 0;
    while ((name = trace_format_name(n, &first_line)) != NULL) {
        assert_true(trace_format_known(name, &err));
        assert_true(strlen(first_line) > 0);
        n++;
    }
    assert_true(n >= 8);
}

/* Byte order mark, CRLF, no newline at the end: as spreadsheets leave files. */
static void foreign_traces_come_out_of_spreadsheets(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\xef\xbb\xbf" SHORT_BURSTGPT "3,GPT-4,17,9,26,API log\r\n\r\n",
        "\xef\xbb\xbf" VIDUR "0.5,17,9",
        "\xef\xbb\xbf\"arrived_at\",\"num_prefill_tokens\",\"num_decode_tokens\"\r\n"
        "\"0.5\",\"17\",\"9\"",
        "\xef\xbb\xbf" SPLITWISE "7,2,0,0.0137,1,17,9\r\n",
        "\xef\xbb\xbf" RESULTS "a,0.5,17,9,16,completed,main,0,1.5,t,-3,s,\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        struct trace_row row;
        struct trace *trace = open_text(texts[i]);
        if (trace_next(trace, &row, &err) != 1) {
            fail_msg("text %zu: %s", i, err.text);
        }
        assert_int_equal(row.prompt_tokens, 17);
        assert_int_equal(row.output_tokens, 9);
        assert_end(trace);
    }
}

static void every_format_may_be_compressed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        AZURE "2024-05-10 00:00:00+00:00,17,9\n2024-05-10 00:00:01.5+00:00,4099,13\n",
        SHORT_BURSTGPT "3,GPT-4,17,9,26,API log\n4.5,GPT-4,4099,13,4112,API log\n",
        VIDUR "0.0,17,9\n1.5,4099,13\n",
        SPLITWISE "7,2,0,0.0137,1,17,9\n8,2,0,1.5137,1,4099,13\n",
        RESULTS "a,0.5,17,9,16,completed,main,0,1.5,t,-3,s,\n"
                "b,2,4099,13,16,completed,main,0,1.5,t,-3,s,\n",
        ("trace_version: 2\narrival_time_us,input_tokens,output_tokens\n7,17,9\n"
         "1500007,4099,13\n"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t packed[2][1024];
        size_t length = strlen(texts[i]);
        size_t sizes[] = {
            to_gzip(texts[i], length, 1, packed[0], sizeof packed[0]),
            ZSTD_compress(packed[1], sizeof packed[1], texts[i], length, 3)};
        for (int how = 0; how < 2; how++) {
            assert_true(sizes[how] < sizeof packed[how]);
            write_file("x.csv", packed[how], sizes[how]);
            struct err err = {0};
            struct trace_row first;
            struct trace_row second;
            struct trace *trace = must_open("x.csv", false);
            assert_int_equal(trace_next(trace, &first, &err), 1);
            assert_int_equal(trace_next(trace, &second, &err), 1);
            assert_int_equal(second.arrival_ns - first.arrival_ns, 1500000000);
            assert_int_equal(first.prompt_tokens * 10000 + first.output_tokens, 170009);
            assert_int_equal(second.prompt_tokens * 10000 + second.output_tokens,
                             40990013);
            assert_end(trace);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_that_others_add_are_passed_over_and_named),
        cmocka_unit_test(
            many_columns_are_named_as_far_as_there_is_room_and_64_are_the_most),
        cmocka_unit_test(a_format_may_be_named_and_then_no_other_is_read),
        cmocka_unit_test(every_format_has_a_name_that_finds_it),
        cmocka_unit_test(foreign_traces_come_out_of_spreadsheets),
        cmocka_unit_test(every_format_may_be_compressed),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
