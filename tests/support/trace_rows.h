/* trace_rows: what a trace file should read as.
 *
 * Every file is x.csv in the folder of files.h, so that messages can be written whole.
 */
#ifndef SERVESIM_TESTS_TRACE_ROWS_H
#define SERVESIM_TESTS_TRACE_ROWS_H

#include "files.h"
#include "input/trace.h"

#define AZURE "TIMESTAMP,ContextTokens,GeneratedTokens\n"
#define PLAIN "arrival_s,prompt_tokens,output_tokens\n"

struct fault {
    const char *text;    /* of the file x.csv */
    const char *message; /* after "x.csv:" */
};

static inline struct trace *must_open(const char *path, bool skip_bad_rows)
{
    struct err err = {0};
    struct trace *trace = trace_open(path, NULL, skip_bad_rows, &err);
    assert_string_equal(err.text, "");
    return trace;
}

static inline struct trace *open_text(const char *text)
{
    write_file("x.csv", text, strlen(text));
    return must_open("x.csv", false);
}

static inline void assert_row(struct trace *trace, struct trace_row expected)
{
    struct err err = {0};
    struct trace_row row;
    if (trace_next(trace, &row, &err) != 1) {
        fail_msg("no row: %s", err.text);
    }
    assert_int_equal(row.line, expected.line);
    assert_int_equal(row.arrival_ns, expected.arrival_ns);
    assert_int_equal(row.prompt_tokens, expected.prompt_tokens);
    assert_int_equal(row.output_tokens, expected.output_tokens);
    assert_int_equal(row.priority, expected.priority);
    assert_int_equal(row.deadline_ns, expected.deadline_ns);
    assert_int_equal(row.n_hash_ids, expected.n_hash_ids);
    for (int64_t i = 0; i < expected.n_hash_ids; i++) {
        assert_int_equal(row.hash_ids[i], expected.hash_ids[i]);
    }
    assert_int_equal(row.prefix_tokens, expected.prefix_tokens);
    assert_int_equal(row.think_ns, expected.think_ns);
    assert_int_equal(row.reasoning_tokens, expected.reasoning_tokens);
    const char *labels[][2] = {
        {row.parent_id, expected.parent_id}, {row.request_id, expected.request_id},
        {row.tenant, expected.tenant},       {row.session_id, expected.session_id},
        {row.prefix, expected.prefix},       {row.model, expected.model},
        {row.class, expected.class},         {row.adapter, expected.adapter}};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        assert_int_equal(labels[i][0] == NULL, labels[i][1] == NULL);
        if (labels[i][1] != NULL) {
            assert_string_equal(labels[i][0], labels[i][1]);
        }
    }
}

static inline void assert_end(struct trace *trace)
{
    struct err err = {0};
    struct trace_row row;
    assert_int_equal(trace_next(trace, &row, &err), 0);
    assert_string_equal(err.text, "");
    trace_close(trace);
}

/* Opens and reads each text up to its fault. */
static inline void assert_faults(const struct fault *faults, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char expected[sizeof(struct err)];
        snprintf(expected, sizeof expected, "x.csv:%s", faults[i].message);
        write_file("x.csv", faults[i].text, strlen(faults[i].text));
        struct err err = {0};
        struct trace *trace = trace_open("x.csv", NULL, false, &err);
        if (trace != NULL) {
            struct trace_row row;
            int result;
            while ((result = trace_next(trace, &row, &err)) == 1) {
            }
            assert_int_equal(result, -1);
            trace_close(trace);
        }
        assert_string_equal(err.text, expected);
    }
}

#define ASSERT_FAULTS(faults) assert_faults(faults, sizeof(faults) / sizeof *(faults))

#endif
