#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"
#include "input/trace_write.h"

#include <stdlib.h>

static const int64_t hash_ids[] = {0, 4099, INT64_MAX};

/* Everything that a row can tell. */
static const struct trace_row full = {
    .line = 3,
    .arrival_ns = 13700500,
    .prompt_tokens = 1037,
    .output_tokens = 17,
    .priority = -3,
    .request_id = "r\\7",
    .tenant = "t",
    .session_id = "s",
    .prefix = "p",
    .prefix_tokens = 137,
    .deadline_ns = 41000000000,
    .hash_ids = hash_ids,
    .n_hash_ids = 3,
    .hash_tokens = 512,
    .model = "m",
    .class = "c",
    .adapter = "a",
    .parent_id = "q1 q2",
    .think_ns = 1499999,
    .reasoning_tokens = 13,
};

static const struct trace_row bare = {
    .line = 2,
    .arrival_ns = 13700499,
    .prompt_tokens = 13,
    .output_tokens = 1,
    .deadline_ns = -1,
};

/* What is written of the two rows; free() it. */
static char *written(const struct trace_write_format *format, uint32_t columns)
{
    char *text;
    size_t length;
    struct err err;
    struct trace_writer writer;
    FILE *out = open_memstream(&text, &length);
    assert_int_equal(trace_write_begin(&writer, format, columns, out, &err), 0);
    assert_int_equal(trace_write_row(&writer, &bare, &err), 0);
    assert_int_equal(trace_write_row(&writer, &full, &err), 0);
    assert_int_equal(trace_write_end(&writer, &err), 0);
    fclose(out);
    return text;
}

static void every_format_writes_what_it_has_a_place_for(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain",
         "arrival_s,prompt_tokens,output_tokens,request_id,tenant,priority,session_id,"
         "parent_id,think_s,prefix_hash,prefix_tokens,deadline_s,model,class,adapter,"
         "reasoning_tokens\n"
         "0.013700499,13,1,,,0,,,,,,,,,,0\n"
         "0.013700500,1037,17,r\\7,t,-3,s,q1 q2,0.001499999,p,137,41.000000000,m,c,a,"
         "13\n"},
        {"azure",
         "TIMESTAMP,ContextTokens,GeneratedTokens\n"
         "1970-01-01 00:00:00.0137005,13,1\n1970-01-01 00:00:00.0137005,1037,17\n"},
        {"burstgpt",
         "Timestamp,Session ID,Model,Request tokens,Response tokens,Total tokens,Log "
         "Type\n0.013700499,,,13,1,14,\n0.0137005,s,m,1037,17,1054,c\n"},
        {"llmservingsim",
         "{\"input_toks\": 13, \"output_toks\": 1, \"arrival_time_ns\": 13700499}\n"
         "{\"input_toks\": 1037, \"output_toks\": 17, \"arrival_time_ns\": 13700500, "
         "\"session_id\": \"s\"}\n"},
        {"mooncake",
         "{\"timestamp\": 14, \"input_length\": 13, \"output_length\": 1}\n"
         "{\"timestamp\": 14, \"input_length\": 1037, \"output_length\": 17, "
         "\"hash_ids\": [0, 4099, 9223372036854775807], \"request_id\": \"r\\\\7\", "
         "\"session_id\": \"s\", \"wait_for\": [\"q1\", \"q2\"], \"delay\": 1, "
         "\"priority\": -3}\n"},
        {"splitwise",
         "request_id,request_type,application_id,arrival_timestamp,batch_size,"
         "prompt_size,token_size\n0,2,0,0.013700499,1,13,1\n1,2,0,0.0137005,1,1037,"
         "17\n"},
        {"vidur", "arrived_at,num_prefill_tokens,num_decode_tokens\n0.013700499,13,1\n"
                  "0.0137005,1037,17\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err;
        const struct trace_write_format *format = trace_write_find(cases[i][0], &err);
        assert_non_null(format);
        char *text = written(format, trace_write_columns(&full));
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

static void a_column_that_no_row_has_is_not_written(void **state)
{
    (void)state;
    char *text = written(&trace_write_plain, trace_write_columns(&bare));
    assert_string_equal(text, "arrival_s,prompt_tokens,output_tokens\n"
                              "0.013700499,13,1\n0.013700500,1037,17\n");
    free(text);
}

/* All but hash ids, which have no place there. */
static void what_is_written_reads_as_the_same_row(void **state)
{
    (void)state;
    char *text = written(&trace_write_plain, trace_write_columns(&full));
    struct trace *trace = open_text(text);
    assert_row(trace, bare);
    struct trace_row row = full;
    row.n_hash_ids = 0;
    assert_row(trace, row);
    assert_end(trace);
    free(text);
}

static void times_are_rounded_half_up(void **state)
{
    (void)state;
    assert_int_equal(trace_write_units(13700500, 1000), 13701);
    assert_int_equal(trace_write_units(13700499, 1000), 13700);
    assert_int_equal(trace_write_units(49, 100), 0);
    assert_int_equal(trace_write_units(50, 100), 1);
    assert_int_equal(trace_write_units(4099, 1), 4099);
}

static void days_are_those_of_the_calendar(void **state)
{
    (void)state;
    static const int64_t second_ns = 1000000000;
    struct trace_row row = bare;
    row.arrival_ns = (INT64_C(11016) * 86400 + 3661) * second_ns + 50; /* a leap day */
    char *text;
    size_t length;
    struct err err;
    struct trace_writer writer;
    FILE *out = open_memstream(&text, &length);
    assert_int_equal(trace_write_begin(&writer, &trace_write_azure, 0, out, &err), 0);
    assert_int_equal(trace_write_row(&writer, &row, &err), 0);
    fclose(out);
    assert_non_null(strstr(text, "\n2000-02-29 01:01:01.0000001,13,1\n"));
    free(text);
}

static void what_is_lost_is_named(void **state)
{
    (void)state;
    char names[TRACE_WRITE_NAMES];
    trace_write_names(UINT32_MAX, names);
    assert_string_equal(
        names, "request_id, tenant, priority, session_id, parent_id, prefix, "
               "deadline_s, model, class, adapter, reasoning_tokens, hash_ids, "
               "hash_ids of other than 512 tokens");
    struct trace_row row = bare;
    assert_int_equal(trace_write_columns(&row), 0);
    row.hash_ids = hash_ids;
    row.hash_tokens = 16;
    trace_write_names(trace_write_columns(&row), names);
    assert_string_equal(names, "hash_ids of other than 512 tokens");
}

static void a_format_that_is_none_is_refused_with_those_there_are(void **state)
{
    (void)state;
    struct err err;
    assert_null(trace_write_find("csv", &err));
    assert_string_equal(
        err.text, "'csv' is no trace format that can be written: give one of plain, "
                  "azure, burstgpt, llmservingsim, mooncake, splitwise, vidur");
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct err err;
    struct trace_writer writer;
    FILE *out = fopen("/dev/full", "w");
    assert_int_equal(trace_write_begin(&writer, &trace_write_plain, 0, out, &err), 0);
    assert_int_equal(trace_write_end(&writer, &err), -1);
    assert_string_equal(err.text,
                        "the trace cannot be written: No space left on device");
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_writes_what_it_has_a_place_for),
        cmocka_unit_test(a_column_that_no_row_has_is_not_written),
        cmocka_unit_test(what_is_written_reads_as_the_same_row),
        cmocka_unit_test(times_are_rounded_half_up),
        cmocka_unit_test(days_are_those_of_the_calendar),
        cmocka_unit_test(what_is_lost_is_named),
        cmocka_unit_test(a_format_that_is_none_is_refused_with_those_there_are),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
