#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"
#include "input/prompt_text.h"

#include <stdlib.h>

static void rows_carry_the_ids_of_their_blocks(void **state)
{
    (void)state;
    static const int64_t ids[] = {0, 4099, INT64_MAX};
    struct trace *trace = open_text(
        "\xef\xbb\xbf{\"timestamp\": 0, \"input_length\": 1025, \"output_length\": 17, "
        "\"hash_ids\": [0, 4099, 9223372036854775807]}\r\n"
        "{\"hash_ids\":[4099],\"output_length\":1,\"input_length\":512,"
        "\"timestamp\":13.0000375}\n"
        " { \"timestamp\" : 2999 , \"input_length\" : 513 , \"output_length\" : 7 } \n"
        "{\"timestamp\": 2999, \"input_length\": 513, \"output_length\": 7, "
        "\"hash_ids\": "
        "[ ]}\n"
        "{\"timestamp\": 2999, \"input_length\": 513, \"output_length\": 7, "
        "\"hash_ids\": "
        "null}");
    assert_row(trace, (struct trace_row){.line = 1,
                                         .prompt_tokens = 1025,
                                         .output_tokens = 17,
                                         .deadline_ns = -1,
                                         .hash_ids = ids,
                                         .n_hash_ids = 3});
    assert_row(trace, (struct trace_row){.line = 2,
                                         .arrival_ns = 13000038,
                                         .prompt_tokens = 512,
                                         .output_tokens = 1,
                                         .deadline_ns = -1,
                                         .hash_ids = ids + 1,
                                         .n_hash_ids = 1});
    for (int64_t line = 3; line <= 5; line++) {
        assert_row(trace, (struct trace_row){.line = line,
                                             .arrival_ns = 2999000000,
                                             .prompt_tokens = 513,
                                             .output_tokens = 7,
                                             .deadline_ns = -1});
    }
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_end(trace);
}

#define ROW "\"timestamp\": 7, \"input_length\": 13, \"output_length\": 17"

static void other_keys_are_passed_over_and_named(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "{\"a \\\" b\": \"}\\\\\", \"turns\": [1, {\"timestamp\": \"]\"}], " ROW
        ", \"\x1b[2J\": true}\n{" ROW "}\n");
    assert_string_equal(trace_ignored_columns(trace), "a \\\" b, turns, ?[2J");
    for (int64_t line = 1; line <= 2; line++) {
        assert_row(trace, (struct trace_row){.line = line,
                                             .arrival_ns = 7000000,
                                             .prompt_tokens = 13,
                                             .output_tokens = 17,
                                             .deadline_ns = -1});
    }
    struct err err;
    assert_int_equal(trace_rewind(trace, &err), 0); /* the first line is there again */
    struct trace_row row;
    assert_int_equal(trace_next(trace, &row, &err), 1);
    assert_int_equal(row.line, 1);
    trace_close(trace);
}

static void more_names_than_fit_are_left_out(void **state)
{
    (void)state;
    char text[4096];
    int used = snprintf(text, sizeof text, "{" ROW);
    for (int i = 0; i < 40; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used,
                         ", \"key_%d_of_others\": %d", 100 + i, i);
    }
    snprintf(text + used, sizeof text - (size_t)used, ", \"z\": 1}\n");
    struct trace *trace = open_text(text);
    const char *ignored = trace_ignored_columns(trace);
    assert_int_equal(strlen(ignored), 13 * 19 - 2 + 3); /* and "z", which still fits */
    assert_string_equal(ignored + strlen(ignored) - 20, "key_112_of_others, z");
    trace_close(trace);
}

static void bad_lines_are_refused_with_the_byte(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {"{\"timestamp\": 7, \"input_length\": 13}\n",
         "1: key 'output_length' is missing"},
        {"{\"input_length\": 13, \"output_length\": 17}\n",
         "1: key 'timestamp' is missing"},
        {"{" ROW "}\n\n{" ROW "}\n", "2: the line is empty"},
        {"{" ROW "}\n[1]\n", "2: byte 1: expected '{'"},
        {"{" ROW "}\n{\"timestamp\" 7}\n", "2: byte 14: expected a colon"},
        {"{" ROW "}\n{\"timestamp\": , 7}\n", "2: byte 15: expected a value"},
        {"{" ROW "}\n{\"timestamp\": [7}\n", "2: byte 18: expected ',' or '}'"},
        {"{" ROW "}\n{\"timestamp\": \"7}\n", "2: byte 18: expected a value"},
        {"{" ROW "}\n{\"timestamp: 7}\n",
         "2: byte 16: expected the double quote that closes a key"},
        {"{" ROW "}\n{\"timestamp\": 7 8}\n", "2: byte 17: expected ',' or '}'"},
        {"{" ROW "}\n{,\"timestamp\": 7}\n",
         "2: byte 2: expected a key in double quotes"},
        {"{" ROW ", \"hash_ids\": [1 2]}\n",
         "1: hash_ids: '[1 2]' is not a list of integers of at least 0"},
        {"{" ROW ", \"hash_ids\": [1,]}\n",
         "1: hash_ids: '[1,]' is not a list of integers of at least 0"},
        {"{" ROW ", \"hash_ids\": [1][2]}\n", "1: byte 74: expected ',' or '}'"},
    };
    ASSERT_FAULTS(faults);
}

/* A row without hash ids. */
static struct trace_row expected(int64_t line, int64_t arrival_ns, const char *id,
                                 const char *session, const char *parent,
                                 int64_t think_ns)
{
    return (struct trace_row){
        .line = line,
        .arrival_ns = arrival_ns,
        .prompt_tokens = 13,
        .output_tokens = 17,
        .deadline_ns = -1,
        .request_id = id,
        .session_id = session,
        .parent_id = parent,
        .think_ns = think_ns,
    };
}

#define LENGTHS "\"input_length\": 13, \"output_length\": 17"

static void keys_have_other_names(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "{\"created_time\": 13.7, \"input_tokens\": 13, \"output_tokens\": 17, "
        "\"priority\": -3}\n");
    struct trace_row row = expected(1, 13700000, NULL, NULL, NULL, 0);
    row.priority = -3;
    assert_row(trace, row);
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_end(trace);
}

static void rows_of_a_session_wait_for_the_one_before(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "{" ROW ", \"session_id\": \"a\", \"delay\": 0}\n"
        "{" LENGTHS ", \"session_id\": \"a\", \"delay\": 4099.25}\n"
        "{\"timestamp\": 8, " LENGTHS ", \"session_id\": 4711}\n"
        "{" LENGTHS ", \"session_id\": \"a\", \"delay_ms\": 137, \"tool_wait_ms\": 1}\n"
        "{\"timestamp\": 9, " LENGTHS ", \"session_id\": \"a\"}\n"
        "{" LENGTHS ", \"session_id\": 4711, \"delay\": 13}\n");
    assert_row(trace, expected(1, 7000000, "a:1", "a", NULL, 0));
    assert_row(trace, expected(2, 7000000, "a:2", "a", "a:1", 4099250000));
    assert_row(trace, expected(3, 8000000, "4711:1", "4711", NULL, 0));
    assert_row(trace, expected(4, 8000000, "a:3", "a", "a:2", 138000000));
    assert_row(trace, expected(5, 9000000, "a:4", "a", NULL, 0));
    assert_row(trace, expected(6, 9000000, "4711:2", "4711", "4711:1", 13000000));
    assert_end(trace);
}

static void a_call_waits_for_those_it_names_and_for_tools(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "{" ROW ", \"request_id\": \"r1\", \"wait_for\": []}\n"
        "{" ROW ", \"request_id\": \"r2\", \"session_id\": \"b\"}\n"
        "{\"timestamp\": 4099, " LENGTHS ", \"request_id\": \"r3\", \"wait_for\": "
        "[\"r1\" , \"r2\"], \"delay\": 137, \"tool_wait_ms\": 13}\n"
        "{" LENGTHS ", \"request_id\": \"r\\\\4\", \"wait_for\": \"r3\"}\n"
        "{" LENGTHS
        ", \"request_id\": 5, \"session_id\": \"b\", \"tool_wait_ms\": 7}\n");
    assert_row(trace, expected(1, 7000000, "r1", NULL, NULL, 0));
    assert_row(trace, expected(2, 7000000, "r2", "b", NULL, 0));
    assert_row(trace, expected(3, 4099000000, "r3", NULL, "r1 r2", 150000000));
    assert_row(trace, expected(4, 4099000000, "r\\4", NULL, "r3", 0));
    assert_row(trace, expected(5, 4099000000, "5", "b", "r2", 7000000));
    assert_end(trace);
}

#define LABEL "is not a label (at most 64 bytes without comma, double quote or control "
#define A53 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void rows_that_wait_for_nothing_known_are_refused(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {"{" LENGTHS ", \"session_id\": \"a\", \"delay\": 7}\n",
         "1: key 'timestamp' is missing"},
        {"{" ROW ", \"delay\": 7}\n",
         "1: delay: there is neither wait_for nor session_id to count from"},
        {"{" ROW ", \"tool_wait_ms\": 7}\n",
         "1: tool_wait_ms: there is neither wait_for nor session_id to count from"},
        {"{" ROW ", \"session_id\": \"a\", \"delay\": -7}\n",
         "1: delay: '-7' is not a time in milliseconds such as 27482"},
        {"{" ROW ", \"session_id\": \"a\", \"delay\": 1e3}\n",
         "1: delay: '1e3' is not a time in milliseconds such as 27482"},
        {"{" ROW ", \"wait_for\": 7, \"tool_wait_ms\": 1000000000001}\n",
         "1: tool_wait_ms: '1000000000001' is more than 1000000000000"},
        {"{" ROW ", \"wait_for\": 7, \"delay\": 1e12}\n",
         "1: delay: '1e12' is not a time in milliseconds such as 27482"},
        {"{" ROW ", \"wait_for\": 7, \"delay\": 999999999999, \"tool_wait_ms\": 13}\n",
         "1: delay: '999999999999' and tool_wait_ms are more than 1000000000000"},
        {"{" ROW ", \"session_id\": abc}\n",
         "1: session_id: 'abc' is not a text or a number"},
        {"{" ROW ", \"wait_for\": [\"a\", \"\"]}\n",
         "1: wait_for: '\"\"' is not an id without blanks"},
        {"{" ROW ", \"wait_for\": \"a b\"}\n",
         "1: wait_for: '\"a b\"' is not an id without blanks"},
        {"{" ROW ", \"wait_for\": {\"a\": 1}}\n",
         "1: wait_for: '{\"a\": 1}' is not a text or a number"},
        {"{" ROW ", \"wait_for\": [[\"a\"]]}\n",
         "1: wait_for: '[\"a\"]' is not a text or a number"},
        {"{" ROW ", \"wait_for\": [\"a\" \"b\"]}\n", "1: byte 76: expected ',' or ']'"},
        {"{" ROW ", \"wait_for\": [\"a\",]}\n", "1: byte 76: expected a value"},
        {"{" ROW ", \"session_id\": \"a,b\"}\n",
         "1: session_id: 'a,b' " LABEL "character)"},
        {"{" ROW ", \"session_id\": \"a\\u0041\"}\n",
         "1: session_id: '\"a\\u0041\"' is not a label (it has escapes)"},
        {"{" ROW ", \"session_id\": true}\n",
         "1: session_id: 'true' is not a text or a number"},
        {"{" ROW ", \"session_id\": \"" A53 "a\"}\n",
         "1: session_id: '\"" A53 "a\"' is too long to make ids of: give request_id"},
        {"{" ROW ", \"request_id\": \"" A53 "aaaaaaaaaaaa\"}\n",
         "1: request_id: '" A53 "aaaaaaaaaaa...' " LABEL "character)"},
        {"{" ROW ", \"priority\": 1.5}\n",
         "1: priority: '1.5' is not an integer from -2147483648 to 2147483647"},
        {"{" ROW ", \"input_tokens\": 13}\n", "1: key 'input_length' is there twice"},
    };
    ASSERT_FAULTS(faults);
}

/* Ids of 64 bytes with blanks between them: 15 are 974 bytes, 16 are too many. */
static void a_row_waits_for_so_many_and_no_more(void **state)
{
    (void)state;
    for (int n = 15; n <= 16; n++) {
        char text[4096];
        int used = snprintf(text, sizeof text, "{" ROW ", \"wait_for\": [");
        for (int i = 0; i < n; i++) {
            used += snprintf(text + used, sizeof text - (size_t)used,
                             "%s\"" A53 "%011d\"", i > 0 ? ", " : "", i);
        }
        snprintf(text + used, sizeof text - (size_t)used, "]}\n");
        write_file("x.csv", text, strlen(text));
        struct trace *trace = must_open("x.csv", false);
        struct trace_row row;
        struct err err;
        assert_int_equal(trace_next(trace, &row, &err), n == 15 ? 1 : -1);
        if (n == 15) {
            assert_int_equal(strlen(row.parent_id), 15 * 64 + 14);
        } else {
            assert_string_equal(err.text,
                                "x.csv:1: wait_for: more than 1024 bytes of ids");
        }
        trace_close(trace);
    }
}

static void a_row_that_is_skipped_is_not_waited_for(void **state)
{
    (void)state;
    static const char text[] = "{" ROW ", \"session_id\": \"a\"}\n"
                               "{" ROW ", \"session_id\": \"a\", \"priority\": x}\n"
                               "{" ROW ", \"session_id\": \"a\", \"delay\": 13}\n";
    write_file("x.csv", text, strlen(text));
    struct trace *trace = must_open("x.csv", true);
    assert_row(trace, expected(1, 7000000, "a:1", "a", NULL, 0));
    assert_row(trace, expected(3, 7000000, "a:2", "a", "a:1", 13000000));
    assert_end(trace);
}

static void the_last_id_stands_for_the_rest_of_the_prompt(void **state)
{
    (void)state;
    static const int64_t ids[] = {7, 4099, 13};
    struct trace_row row = {.prompt_tokens = 1037,
                            .prefix = "x",
                            .session_id = "s",
                            .hash_ids = ids,
                            .n_hash_ids = 3,
                            .hash_tokens = 512};
    int64_t n;
    struct prefix_part *parts = prompt_text_parts(&row, true, &n);
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(parts[i].id, ids[i]);
        assert_int_equal(parts[i].tokens, i < 2 ? 512 : 13);
    }
    free(parts);
}

/* The text that the row's prompt begins, which must be all of it; 0 if it does not tell. */
static int64_t text_of(const char *prefix, const char *session_id, bool session_prefix)
{
    struct trace_row row = {
        .prompt_tokens = 4099, .prefix = prefix, .session_id = session_id};
    int64_t n;
    struct prefix_part *parts = prompt_text_parts(&row, session_prefix, &n);
    assert_int_equal(n, parts != NULL);
    int64_t id = parts != NULL ? parts->id : 0;
    assert_true(parts == NULL || parts->tokens == 4099);
    free(parts);
    return id;
}

static void a_label_comes_before_a_session(void **state)
{
    (void)state;
    assert_int_equal(text_of(NULL, "s", false), 0);
    assert_int_equal(text_of(NULL, NULL, true), 0);
    assert_int_equal(text_of("x", "s", true), text_of("x", NULL, false));
    assert_int_not_equal(text_of(NULL, "s", true), 0);
    assert_int_not_equal(text_of(NULL, "s", true), text_of(NULL, "t", true));
    assert_int_not_equal(text_of(NULL, "s", true), text_of("s", NULL, true));
    assert_int_not_equal(text_of(NULL, "s", true), text_of("session s", NULL, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_carry_the_ids_of_their_blocks),
        cmocka_unit_test(other_keys_are_passed_over_and_named),
        cmocka_unit_test(more_names_than_fit_are_left_out),
        cmocka_unit_test(bad_lines_are_refused_with_the_byte),
        cmocka_unit_test(keys_have_other_names),
        cmocka_unit_test(rows_of_a_session_wait_for_the_one_before),
        cmocka_unit_test(a_call_waits_for_those_it_names_and_for_tools),
        cmocka_unit_test(rows_that_wait_for_nothing_known_are_refused),
        cmocka_unit_test(a_row_waits_for_so_many_and_no_more),
        cmocka_unit_test(a_row_that_is_skipped_is_not_waited_for),
        cmocka_unit_test(the_last_id_stands_for_the_rest_of_the_prompt),
        cmocka_unit_test(a_label_comes_before_a_session),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
