#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"

#include <stdlib.h>

#define HEAD "\"tokenizer_id\": \"m\", \"request_rate\": "
#define LENGTHS "\"input_lens\": [10, 4099, 30], \"output_lens\": [3, 17, 5]"

static struct trace_row expected(int64_t arrival_ns, int64_t prompt_tokens,
                                 int64_t output_tokens)
{
    return (struct trace_row){
        .line = 1,
        .arrival_ns = arrival_ns,
        .prompt_tokens = prompt_tokens,
        .output_tokens = output_tokens,
        .deadline_ns = -1,
    };
}

static void requests_come_in_the_order_in_which_they_were_sent(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "{" HEAD "4.3, " LENGTHS ", \"start_times\": [1000.5137, 1000.5, 1000.5137]}");
    struct err err;
    struct trace_row row;
    for (int pass = 0; pass < 2; pass++) {
        assert_row(trace, expected(0, 4099, 17));
        assert_row(trace, expected(13700000, 10, 3)); /* and ties as in the file */
        assert_row(trace, expected(13700000, 30, 5));
        assert_int_equal(trace_next(trace, &row, &err), 0);
        assert_int_equal(trace_rewind(trace, &err), 0);
    }
    trace_close(trace);
}

static void requests_that_failed_are_kept_apart(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "{" HEAD
        "4.3,\n \"input_lens\": [10, 4099, 30, 0],\n \"output_lens\": [3, 17, 0, 5],\n"
        " \"errors\": [\"\", \"Timeout\", \"\", \"\"],\n \"start_times\": [7, 8.25, 9, "
        "10]\n}\n");
    struct err err;
    struct trace_row row;
    int64_t line;
    assert_row(trace, expected(0, 10, 3));
    assert_int_equal(trace_next(trace, &row, &err), 0);
    assert_int_equal(trace_failed(trace, &line), 3);
    trace_close(trace);
}

static void without_start_times_they_come_at_once_if_they_were_sent_at_once(
    void **state)
{
    (void)state;
    struct trace *trace = open_text("{" HEAD "\"inf\", " LENGTHS "}");
    assert_row(trace, expected(0, 10, 3));
    assert_row(trace, expected(0, 4099, 17));
    assert_row(trace, expected(0, 30, 5));
    assert_end(trace);
}

/* 0: lengths alone. */
static void where_it_is_not_known_when_they_were_sent_that_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has_arrivals;
    } cases[] = {
        {"{" HEAD "\"inf\", " LENGTHS "}", true},
        {"{" HEAD "\"inf\", \"max_concurrency\": null, " LENGTHS "}", true},
        {"{" HEAD "\"inf\", \"max_concurrency\": 64, " LENGTHS "}", false},
        {"{" HEAD "4.3, " LENGTHS "}", false},
        {"{" HEAD "4.3, \"max_concurrency\": 64, " LENGTHS
         ", \"start_times\": [1, 2, 3]}",
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trace *trace = open_text(cases[i].text);
        assert_int_equal(trace_has_arrivals(trace), cases[i].has_arrivals);
        assert_row(trace, expected(0, 10, 3));
        trace_close(trace);
    }
}

/* Some megabytes of text in one line, which is more than lines may have. */
static void a_file_may_be_one_line_of_megabytes(void **state)
{
    (void)state;
    const size_t most = 3 << 20;
    char *text = malloc(most + 200);
    int used = sprintf(text, "{" HEAD "\"inf\", \"generated_texts\": [\"");
    memset(text + used, 'x', most);
    strcpy(text + used + most, "\", \"\", \"\"], " LENGTHS "}");
    struct trace *trace = open_text(text);
    assert_row(trace, expected(0, 10, 3));
    assert_row(trace, expected(0, 4099, 17));
    assert_row(trace, expected(0, 30, 5));
    assert_end(trace);
    free(text);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {"{" HEAD "4.3}", " input_lens: is missing: save it with --save-detailed"},
        {"{" HEAD "4.3, \"input_lens\": [1]}",
         " output_lens: is missing: save it with --save-detailed"},
        {"{" HEAD "4.3, \"input_lens\": 1}",
         " input_lens: expected an array, is an integer"},
        {"{" HEAD "4.3, \"input_lens\": [1, 2], \"output_lens\": [1]}",
         " output_lens: has 1 elements, input_lens has 2"},
        {"{" HEAD "4.3, " LENGTHS ", \"errors\": []}",
         " errors: has 0 elements, input_lens has 3"},
        {"{" HEAD "4.3, " LENGTHS ", \"start_times\": [1, 2, \"3\"]}",
         " start_times[2]: expected seconds"},
        {"{" HEAD "4.3, " LENGTHS ", \"start_times\": [1, 2, 2e9]}",
         " start_times[2]: is more than 1000000000 s after the first one"},
        {"{" HEAD "4.3, \"input_lens\": [1.5], \"output_lens\": [1]}",
         " input_lens[0]: expected a number of tokens"},
        {"{" HEAD "4.3, \"input_lens\": [1], \"output_lens\": [-1]}",
         " output_lens[0]: expected a number of tokens"},
        {"{" HEAD "4.3, \"input_lens\": [1], \"output_lens\": [1000000001]}",
         " output_lens[0]: expected a number of tokens"},
        {"{" HEAD "4.3, \"tokenizer_id\": 1}",
         "1:57: not JSON: duplicate object key near "
         "'\"tokenizer_id\"'"},
        {"{" HEAD "4.3, " LENGTHS, "1:98: not JSON: '}' expected near end of file"},
        {"{" HEAD "NaN}", "1:41: not JSON: invalid token near 'NaN'"},
    };
    ASSERT_FAULTS(faults);
}

static void a_file_that_nests_without_end_is_refused(void **state)
{
    (void)state;
    char text[8192] = "{" HEAD "1, \"input_lens\": ";
    memset(text + strlen(text), '[', 5000);
    write_file("x.csv", text, strlen(text));
    struct err err;
    assert_null(trace_open("x.csv", NULL, false, &err));
    assert_non_null(strstr(err.text, "maximum parsing depth reached"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_in_the_order_in_which_they_were_sent),
        cmocka_unit_test(requests_that_failed_are_kept_apart),
        cmocka_unit_test(
            without_start_times_they_come_at_once_if_they_were_sent_at_once),
        cmocka_unit_test(where_it_is_not_known_when_they_were_sent_that_is_told),
        cmocka_unit_test(a_file_may_be_one_line_of_megabytes),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(a_file_that_nests_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
