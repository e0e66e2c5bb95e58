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
        {"{}\n", "1: key 'timestamp' is missing"},
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
        cmocka_unit_test(the_last_id_stands_for_the_rest_of_the_prompt),
        cmocka_unit_test(a_label_comes_before_a_session),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
