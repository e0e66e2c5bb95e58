#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/workload.h"

static const struct config_workload plain = {
    .trace = "t.csv", .trace_sha256 = "", .rate_scale_nano = 1000000000, .repeat = 1};

static void open_text(struct workload *workload, const struct config_workload *config,
                      const char *text)
{
    struct err err = {""};
    write_file("t.csv", text, strlen(text));
    workload_open(workload, config, 1, NULL, &err);
    assert_string_equal(err.text, "");
}

/* The texts of the prompts, numbered in the order of first sight; -1: none. */
static void assert_texts(const struct config_workload *config, const char *text,
                         const int64_t *expected, int n)
{
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    int64_t ids[13];
    int n_ids = 0;
    open_text(&workload, config, text);
    for (int i = 0; i < n; i++) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        int at = -1;
        if (arrival.n_parts > 0) {
            assert_int_equal(arrival.n_parts, 1);
            /* what a session says goes on with the answer; row 1 has a label */
            int64_t answer = i % 6 != 1 ? arrival.output_tokens : 0;
            assert_int_equal(arrival.parts->tokens, arrival.prompt_tokens + answer);
            ids[n_ids] = arrival.parts->id;
            for (at = 0; ids[at] != arrival.parts->id; at++) {
            }
            n_ids += at == n_ids;
        }
        assert_int_equal(at, expected[i]);
        free(arrival.labels);
        free(arrival.parts);
    }
    assert_int_equal(workload_next(&workload, &arrival, &err), 0);
    workload_close(&workload);
}

static void prompts_share_what_labels_or_sessions_say(void **state)
{
    (void)state;
    static const char text[] =
        "arrival_s,prompt_tokens,output_tokens,prefix_hash,session_id\n"
        "1,13,7,,s\n2,4099,7,x,s\n3,17,7,,s\n4,17,7,,\n5,24,1,,\n6,25,1,,\n";
    struct config_workload config = plain;
    static const int64_t by_label[] = {-1, 0, -1, -1, -1, -1};
    assert_texts(&config, text, by_label, 6);
    config.session_prefix = 1;
    static const int64_t by_session[] = {0, 1, 0, -1, -1, -1};
    assert_texts(&config, text, by_session, 6);
    config.infer_sessions = 1; /* 24 tokens are no more than 17 + 7, 25 are */
    static const int64_t inferred[] = {0, 1, 0, 2, 3, 2};
    assert_texts(&config, text, inferred, 6);
    config.mode = CONFIG_CLOSED;
    config.concurrency = 7;
    assert_texts(&config, text, inferred, 6);
    config.mode = CONFIG_OPEN;
    config.concurrency = 0;
    config.repeat = 2; /* the second copy goes on where the first one ended */
    static const int64_t twice[] = {0, 1, 0, 2, 3, 2, 0, 1, 0, 4, 5, 4};
    assert_texts(&config, text, twice, 12);
}

static void deadlines_are_not_scaled(void **state)
{
    (void)state;
    struct config_workload config = plain;
    struct workload workload;
    struct sim_arrival arrival;
    struct err err = {""};
    config.rate_scale_nano = 2000000000;
    open_text(&workload, &config,
              "arrival_s,prompt_tokens,output_tokens,deadline_s\n1,13,7,0.0137\n"
              "1,13,7,0\n1,13,7,\n");
    static const int64_t expected[] = {13700000, 0, -1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(workload_next(&workload, &arrival, &err), 1);
        assert_int_equal(arrival.arrival_ns, 500000000);
        assert_int_equal(arrival.deadline_ns, expected[i]);
    }
    workload_close(&workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_share_what_labels_or_sessions_say),
        cmocka_unit_test(deadlines_are_not_scaled),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
