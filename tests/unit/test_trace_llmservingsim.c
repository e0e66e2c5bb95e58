#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"

static struct trace_row expected(int64_t line, int64_t arrival_ns,
                                 int64_t prompt_tokens, int64_t output_tokens)
{
    return (struct trace_row){
        .line = line,
        .arrival_ns = arrival_ns,
        .prompt_tokens = prompt_tokens,
        .output_tokens = output_tokens,
        .deadline_ns = -1,
    };
}

static void a_line_is_a_request_or_a_session_of_calls(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "{\"input_toks\": 4099, \"output_toks\": 17, \"arrival_time_ns\": 13700001}\n"
        "{\"session_id\": \"s\", \"arrival_time_ns\": 13700002, \"sub_requests\": ["
        "{\"input_toks\": 100, \"output_toks\": 20, \"tool_duration_ns\": 500000003}, "
        "{\"tool\": {\"a\": [1]}, \"output_toks\": 7, \"input_toks\": 137}, "
        "{\"input_toks\": 150, \"output_toks\": 3, \"tool_duration_ns\": 9}]}\n"
        "{\"arrival_time_ns\": 13700002, \"sub_requests\": "
        "[{\"input_toks\": 11, \"output_toks\": 5}]}\n"
        "{\"input_toks\": 13, \"output_toks\": 2, \"arrival_time_ns\": 13700003, "
        "\"session_id\": 7}\n");
    assert_row(trace, expected(1, 13700001, 4099, 17));
    struct trace_row call = expected(2, 13700002, 100, 20);
    call.session_id = "s";
    call.request_id = "s:1";
    assert_row(trace, call);
    call.prompt_tokens = 137;
    call.output_tokens = 7;
    call.request_id = "s:2";
    call.parent_id = "s:1";
    call.think_ns = 500000003;
    assert_row(trace, call);
    call.prompt_tokens = 150;
    call.output_tokens = 3;
    call.request_id = "s:3";
    call.parent_id = "s:2";
    call.think_ns = 0;
    assert_row(trace, call);
    call = expected(3, 13700002, 11, 5);
    call.session_id = "line-3";
    call.request_id = "line-3:1";
    assert_row(trace, call);
    call = expected(4, 13700003, 13, 2);
    call.session_id = "7";
    assert_row(trace, call);
    assert_end(trace);
}

/* Prompts of 33, 32 and 17 tokens, and one that differs in its first: their ids. */
static void equal_ids_of_tokens_are_equal_beginnings(void **state)
{
    (void)state;
    static const int lengths[4] = {33, 32, 17, 17};
    int64_t ids[4][3];
    char text[4096];
    int used = 0;
    for (int i = 0; i < 4; i++) {
        used +=
            snprintf(text + used, sizeof text - (size_t)used,
                     "{\"input_toks\": %d, \"output_toks\": 2, \"arrival_time_ns\": 5, "
                     "\"input_tok_ids\": [",
                     lengths[i]);
        for (int k = 0; k < lengths[i]; k++) {
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%d",
                             k > 0 ? "," : "", k == 0 && i == 3 ? 4099 : 13 * k);
        }
        used += snprintf(text + used, sizeof text - (size_t)used, "]}\n");
    }
    struct trace *trace = open_text(text);
    for (int i = 0; i < 4; i++) {
        struct trace_row row;
        struct err err;
        assert_int_equal(trace_next(trace, &row, &err), 1);
        assert_int_equal(row.hash_tokens, 16);
        assert_int_equal(row.n_hash_ids, (lengths[i] + 15) / 16);
        for (int64_t k = 0; k < row.n_hash_ids; k++) {
            ids[i][k] = row.hash_ids[k];
            assert_true(ids[i][k] >= 0);
        }
    }
    assert_end(trace);
    assert_int_equal(ids[0][0], ids[1][0]);
    assert_int_equal(ids[0][1], ids[1][1]);
    assert_int_equal(ids[0][0], ids[2][0]);
    assert_int_not_equal(ids[0][1], ids[2][1]); /* one token, not sixteen */
    assert_int_not_equal(ids[2][0], ids[3][0]);
    assert_int_not_equal(ids[2][1], ids[3][1]); /* the same token after others */
}

#define ROW "\"input_toks\": 13, \"output_toks\": 2, \"arrival_time_ns\": 5"
#define CALLS "\"arrival_time_ns\": 5, \"sub_requests\": "

static void bad_lines_are_refused(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {"{\"input_toks\": 13, \"output_toks\": 2}\n",
         "1: key 'arrival_time_ns' is missing"},
        {"{\"input_toks\": 13, \"arrival_time_ns\": 5}\n",
         "1: key 'output_toks' is missing"},
        {"{" ROW ", \"input_tok_ids\": [1, 2]}\n",
         "1: input_tok_ids: 2 ids, and input_toks is 13"},
        {"{" ROW ", \"input_tok_ids\": \"[1]\"}\n",
         "1: input_tok_ids: '\"[1]\"' is not a list of integers of at least 0"},
        {"{\"input_toks\": 13, \"output_toks\": 2, \"arrival_time_ns\": -5}\n",
         "1: arrival_time_ns: '-5' is not a time in nanoseconds such as 27482000000"},
        {"{\"input_toks\": 13, \"output_toks\": 2, \"arrival_time_ns\": NaN}\n",
         "1: arrival_time_ns: 'NaN' is not a time in nanoseconds such as 27482000000"},
        {"{" ROW
         "}\n{\"input_toks\": 13, \"output_toks\": 2, \"arrival_time_ns\": 4}\n",
         "2: arrival_time_ns: 4 is before the row above (5): rows must be in order of "
         "time"},
        {"{" CALLS "[]}\n", "1: sub_requests: '[]' holds no call"},
        {"{" CALLS "{}}\n", "1: sub_requests: '{}' is not a list"},
        {"{" CALLS "7}\n", "1: sub_requests: '7' is not a list"},
        {"{" CALLS "[7]}\n", "1: byte 41: expected '{'"},
        {"{" CALLS "[{\"input_toks\": 13}]}\n", "1: key 'output_toks' is missing"},
        {"{" CALLS "[{\"input_toks\" 13}]}\n", "1: byte 55: expected a colon"},
        {"{" CALLS "[{\"input_toks\": 13} {}]}\n", "1: byte 60: expected ',' or ']'"},
        {"{" CALLS "[{\"input_toks\": 13, \"output_toks\": 2, \"tool_duration_ns\": "
         "2000000000000000000}]}\n",
         "1: tool_duration_ns: '2000000000000000000' is more than 1000000000000000000"},
        {"{" CALLS
         "[{\"input_toks\": 13, \"output_toks\": 2}], \"session_id\": \"a b\"}\n",
         "1: session_id: '\"a b\"' cannot be part of ids: at most 53 bytes without "
         "blanks"},
        {"{" CALLS "[{\"input_toks\": 0, \"output_toks\": 2}]}\n",
         "1: input_toks: '0' is not a positive integer"},
    };
    ASSERT_FAULTS(faults);
}

static void what_follows_a_bad_call_is_skipped_with_it(void **state)
{
    (void)state;
    static const char text[] =
        "{" CALLS "[{\"input_toks\": 13, \"output_toks\": 2}, {\"input_toks\": 0}, "
        "{\"input_toks\": 13, \"output_toks\": 2}]}\n{" ROW "}\n";
    write_file("x.csv", text, strlen(text));
    struct trace *trace = must_open("x.csv", true);
    struct trace_row call = expected(1, 5, 13, 2);
    call.session_id = "line-1";
    call.request_id = "line-1:1";
    const char *reason;
    int64_t line;
    assert_row(trace, call);
    assert_row(trace, expected(2, 5, 13, 2));
    assert_int_equal(trace_skipped(trace, &line, &reason), 1);
    assert_int_equal(line, 1);
    assert_end(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_request_or_a_session_of_calls),
        cmocka_unit_test(equal_ids_of_tokens_are_equal_beginnings),
        cmocka_unit_test(bad_lines_are_refused),
        cmocka_unit_test(what_follows_a_bad_call_is_skipped_with_it),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
