#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"

#include <zstd.h>

#define TRACES "../shared/traces/azure2023/"
#define PLAIN_COLUMNS                                                                  \
    "(needed: arrival_s, prompt_tokens, output_tokens; optional: request_id, tenant, " \
    "priority, session_id, prefix_hash, deadline_s, model, class, adapter, "           \
    "prefix_tokens, reasoning_tokens, parent_id, think_s)"

static void a_first_line_of_no_format_is_refused_with_those_that_are_known(void **state)
{
    (void)state;
#define KNOWN "is of no trace format known here; `servesim list formats` has them all"
    static const struct fault faults[] = {
        {"when,in,out\n0.0137,4099,17\n", "1: the first line 'when,in,out' " KNOWN},
        {"\nwhen,in,out\n", "1: the first line '' " KNOWN},
        {"when,in,out,and,many,more,columns,than,fit,into,one,sentence,of,this,kind\n",
         "1: the first line 'when,in,out,and,many,more,columns,than,fit,into,one,"
         "sentence,of,...' " KNOWN},
        {"0.0137,4099,17\n", "1: the first line '0.0137,4099,17' " KNOWN},
    };
    ASSERT_FAULTS(faults);
}

static void columns_unknown_or_twice_or_missing_are_refused_by_name(void **state)
{
    (void)state;
#define AZURE_COLUMNS "(needed: TIMESTAMP, ContextTokens, GeneratedTokens)"
    static const struct fault faults[] = {
        {"arrival_s,prompt_tokens,output_tokens,models\n",
         "1: column 'models' is not known " PLAIN_COLUMNS},
        {"arrival_s,prompt_tokens, output_tokens\n",
         "1: column ' output_tokens' is not known " PLAIN_COLUMNS},
        {"arrival_s,prompt_tokens,output_tokens,\n",
         "1: column '' is not known " PLAIN_COLUMNS},
        {"arrival_s,prompt_tokens,tenant,output_tokens,tenant\n",
         "1: column 'tenant' is there twice " PLAIN_COLUMNS},
        {"arrival_s,prompt_tokens\n",
         "1: column 'output_tokens' is missing " PLAIN_COLUMNS},
        {"tenant,output_tokens,prompt_tokens\n",
         "1: column 'arrival_s' is missing " PLAIN_COLUMNS},
        {"TIMESTAMP,ContextTokens\n",
         "1: column 'GeneratedTokens' is missing " AZURE_COLUMNS},
        {"TIMESTAMP,TIMESTAMP,GeneratedTokens\n",
         "1: column 'TIMESTAMP' is there twice " AZURE_COLUMNS},
        {"arrival_s,arrival_"
         "s2345678901234567890123456789012345678901234567890123456789\n",
         "1: column "
         "'arrival_s2345678901234567890123456789012345678901234567890123456...' "
         "is not known " PLAIN_COLUMNS},
    };
    ASSERT_FAULTS(faults);
}

static void wrong_numbers_of_columns_are_refused(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {PLAIN "0.0137,4099\n0.0137,4099,17\n",
         "2: the line has 2 columns, line 1 has 3"},
        {PLAIN "0.0137,4099,17\n   \n", "3: the line has 1 column, line 1 has 3"},
        {PLAIN "0.0137,4099,17,\n", "2: the line has 4 columns, line 1 has 3"},
        {PLAIN "0.0137,4099,17,,,,,,,,,,,,,,,,",
         "2: the line has 19 columns, line 1 has 3"},
        {PLAIN "\"0.0137\",4099,17,\"\",,,,,,,,,,,,,,,",
         "2: the line has 19 columns, line 1 has 3"},
        {PLAIN "0.0137,4099,17\n0.0137,40",
         "3: the last line ends after 2 of 3 columns: the file is cut off"},
        {AZURE "2023-11-16 18:17:03,17,4099\r\n2023-11-",
         "3: the last line ends after 1 of 3 columns: the file is cut off"},
        {AZURE "2023-11-16 18:17:03,17,4099\r\n2023-11-\n",
         "3: the line has 1 column, line 1 has 3"},
    };
    ASSERT_FAULTS(faults);
}

static void misplaced_quotes_are_refused(void **state)
{
    (void)state;
#define INSIDE \
    "a double quote stands inside a field (write it twice and quote the whole field)"
    static const struct fault faults[] = {
        {PLAIN "0.0137,4099,1\"7\"\n", "2: column 3: " INSIDE},
        {PLAIN "0.0137,\"4099\" ,17\n", "2: column 2: " INSIDE},
        {PLAIN " \"0.0137\",4099,17\n", "2: column 1: " INSIDE},
        {PLAIN "0.0137,4099,\"17\n0.0139,4099,17\n",
         "2: column 3: the double quote is not closed on this line"},
        {PLAIN "0.0137,4099,17\n\"",
         "3: column 1: the double quote is not closed on this "
         "line"},
        {"\"arrival_s\",\"prompt_tokens\n",
         "1: column 2: the double quote is not closed on this line"},
    };
    ASSERT_FAULTS(faults);
}

static void empty_lines_are_fine_at_the_end_only(void **state)
{
    (void)state;
    struct trace *trace = open_text(PLAIN "0.0137,4099,17\r\n\r\n\n\n");
    assert_row(trace, (struct trace_row){2, 13700000, 4099, 17, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_end(trace);
    static const struct fault faults[] = {
        {PLAIN "0.0137,4099,17\n\n\n0.0139,4099,17\n", "3: the line is empty"},
        {PLAIN "\r\n0.0139,4099,17\n", "2: the line is empty"},
    };
    ASSERT_FAULTS(faults);
}

static void a_file_without_rows_has_no_requests_and_an_empty_one_is_refused(
    void **state)
{
    (void)state;
    assert_end(open_text(PLAIN));
    assert_end(open_text("TIMESTAMP,ContextTokens,GeneratedTokens"));
    static const struct fault empty = {"", " the file is empty"};
    assert_faults(&empty, 1);
}

static void a_nul_byte_is_refused_and_so_is_utf_16(void **state)
{
    (void)state;
    struct err err = {0};
    write_file("x.csv", "a\0r\0r\0i\0v\0a\0l\0_\0s\0\n\0", 20);
    assert_null(trace_open("x.csv", NULL, false, &err));
    assert_string_equal(err.text,
                        "x.csv:1: the line holds a NUL byte: this is no text in UTF-8");
    write_file("x.csv", PLAIN "0.0137,4\0,17\n", sizeof PLAIN - 1 + 13);
    struct trace *trace = must_open("x.csv", false);
    struct trace_row row;
    assert_int_equal(trace_next(trace, &row, &err), -1);
    assert_string_equal(err.text,
                        "x.csv:2: the line holds a NUL byte: this is no text in UTF-8");
    trace_close(trace);
}

static void rows_that_cannot_be_read_are_counted_when_asked_for(void **state)
{
    (void)state;
    static const char text[] = PLAIN "0.0137,4099,-3\n"
                                     "0.0137,4099,17\n"
                                     "0.0136,4099,17\n"
                                     "\n\r\n"
                                     "0.0\0,4099,17\n"
                                     "0.0137,4093,17\n"
                                     "0.0141,4099,17,1\n"
                                     "0.0141\n"
                                     "\n\n";
    write_file("x.csv", text, sizeof text - 1);
    struct trace *trace = must_open("x.csv", true);
    for (int pass = 0; pass < 2; pass++) {
        struct err err = {0};
        struct trace_row row;
        int64_t line;
        const char *reason;
        assert_int_equal(trace_skipped(trace, &line, &reason), 0);
        assert_row(trace, (struct trace_row){3, 13700000, 4099, 17, 0, NULL, NULL, NULL,
                                             NULL, .deadline_ns = -1});
        assert_int_equal(trace_skipped(trace, &line, &reason), 1);
        assert_row(trace, (struct trace_row){8, 13700000, 4093, 17, 0, NULL, NULL, NULL,
                                             NULL, .deadline_ns = -1});
        assert_int_equal(trace_next(trace, &row, &err), 0);
        assert_int_equal(trace_skipped(trace, &line, &reason), 7);
        assert_int_equal(line, 2);
        assert_string_equal(reason,
                            "x.csv:2: output_tokens: '-3' is not a positive integer");
        assert_int_equal(trace_rewind(trace, &err), 0);
    }
    trace_close(trace);
}

static void skipping_rows_does_not_hide_a_file_that_is_cut_off(void **state)
{
    (void)state;
    uint8_t bytes[256];
    static const char text[] = PLAIN "0.0137,4099,17\nbad\n";
    size_t length = to_gzip(text, strlen(text), 1, bytes, sizeof bytes);
    write_file("x.csv", bytes, length - 1);
    struct trace *trace = must_open("x.csv", true);
    struct err err = {0};
    struct trace_row row;
    while (trace_next(trace, &row, &err) == 1) {
    }
    char expected[256];
    snprintf(
        expected, sizeof expected,
        "x.csv: the gzip data breaks off at byte %zu, the end of the file: the file is "
        "cut off",
        length - 1);
    assert_string_equal(err.text, expected);
    assert_int_equal(trace_next(trace, &row, &err), -1);
    trace_close(trace);
}

static void rewinding_gives_the_same_rows_again(void **state)
{
    (void)state;
    static const char text[] = AZURE "2023-11-16 23:59:59.5,17,4099\n"
                                     "2023-11-17 00:00:00.0137,17,4093\n";
    uint8_t bytes[256];
    write_file("x.csv", bytes,
               ZSTD_compress(bytes, sizeof bytes, text, strlen(text), 3));
    struct trace *trace = must_open("x.csv", false);
    struct err err = {0};
    for (int pass = 0; pass < 3; pass++) {
        assert_row(trace, (struct trace_row){2, 0, 17, 4099, 0, NULL, NULL, NULL, NULL,
                                             .deadline_ns = -1});
        if (pass != 1) {
            assert_row(trace, (struct trace_row){3, 513700000, 17, 4093, 0, NULL, NULL,
                                                 NULL, NULL, .deadline_ns = -1});
        }
        assert_int_equal(trace_rewind(trace, &err), 0);
    }
    remove("x.csv");
    assert_int_equal(trace_rewind(trace, &err), -1);
    assert_string_equal(err.text, "x.csv: cannot be opened: No such file or directory");
    trace_close(trace);
}

/* What the published traces hold; the sums are those of the files' columns. */
static void check_azure(const char *path, const char *hash, struct trace_row first,
                        struct trace_row last, int64_t n_prompt, int64_t n_output)
{
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    struct trace *trace = must_open(path, false);
    struct err err = {0};
    char hex[65];
    for (int pass = 0; pass < 2; pass++) {
        assert_row(trace, first);
        int64_t prompt = first.prompt_tokens;
        int64_t output = first.output_tokens;
        struct trace_row row;
        struct trace_row before = first;
        for (; trace_next(trace, &row, &err) == 1; before = row) {
            prompt += row.prompt_tokens;
            output += row.output_tokens;
        }
        assert_string_equal(err.text, "");
        assert_memory_equal(&before, &last, sizeof last);
        assert_int_equal(prompt, n_prompt);
        assert_int_equal(output, n_output);
        assert_int_equal(trace_sha256(trace, hex, &err), 0);
        assert_string_equal(hex, hash);
        assert_int_equal(trace_rewind(trace, &err), 0);
    }
    trace_close(trace);
}

static void the_azure_conversation_trace_reads_whole(void **state)
{
    (void)state;
    check_azure(
        TRACES "AzureLLMInferenceTrace_conv.csv",
        "2f1e5b666d4e3055fdbba98598ce2ec307767b9064e03e2fa46676dbcc7d0bf8",
        (struct trace_row){2, 0, 374, 44, 0, NULL, NULL, NULL, NULL, .deadline_ns = -1},
        (struct trace_row){19367, 3501721937000, 197, 183, 0, NULL, NULL, NULL, NULL,
                           .deadline_ns = -1},
        22361870, 4088665);
}

static void the_azure_code_trace_reads_whole(void **state)
{
    (void)state;
    check_azure(TRACES "AzureLLMInferenceTrace_code.csv",
                "54e9a6d2a4bd06ba1e060304b900abbc74cbea53de96506e60fe5bb4f2277fb6",
                (struct trace_row){2, 0, 4808, 10, 0, NULL, NULL, NULL, NULL,
                                   .deadline_ns = -1},
                (struct trace_row){8820, 3435948056000, 549, 173, 0, NULL, NULL, NULL,
                                   NULL, .deadline_ns = -1},
                18059974, 245896);
}

int main(void)
{
    const struct CMUnitTest published[] = {
        cmocka_unit_test(the_azure_conversation_trace_reads_whole),
        cmocka_unit_test(the_azure_code_trace_reads_whole),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_first_line_of_no_format_is_refused_with_those_that_are_known),
        cmocka_unit_test(columns_unknown_or_twice_or_missing_are_refused_by_name),
        cmocka_unit_test(wrong_numbers_of_columns_are_refused),
        cmocka_unit_test(misplaced_quotes_are_refused),
        cmocka_unit_test(empty_lines_are_fine_at_the_end_only),
        cmocka_unit_test(
            a_file_without_rows_has_no_requests_and_an_empty_one_is_refused),
        cmocka_unit_test(a_nul_byte_is_refused_and_so_is_utf_16),
        cmocka_unit_test(rows_that_cannot_be_read_are_counted_when_asked_for),
        cmocka_unit_test(skipping_rows_does_not_hide_a_file_that_is_cut_off),
        cmocka_unit_test(rewinding_gives_the_same_rows_again),
    };
    int failed = cmocka_run_group_tests(published, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
