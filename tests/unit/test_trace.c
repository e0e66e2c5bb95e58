#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/trace_rows.h"

static void azure_rows_are_shifted_to_the_first_one(void **state)
{
    (void)state;
    struct trace *trace =
        open_text("\xef\xbb\xbf" AZURE "2023-11-16 18:17:03.9799600,4808,10\r\n"
                  "2023-11-16 18:17:04,3180,8\n"
                  "2023-11-16 18:17:04.000000000,110,27\r\n"
                  "2023-11-16 18:17:04.123456789+00:00,7433,14\n"
                  "2023-11-17 00:00:00.1,34,12");
    assert_row(trace, (struct trace_row){2, 0, 4808, 10, 0, NULL, NULL, NULL, NULL,
                                         .deadline_ns = -1});
    assert_row(trace, (struct trace_row){3, 20040000, 3180, 8, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){4, 20040000, 110, 27, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){5, 143496789, 7433, 14, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){6, 20576120040000, 34, 12, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_end(trace);
}

static void azure_days_follow_the_calendar(void **state)
{
    (void)state;
    static const struct {
        const char *days[2];
        int64_t n;
    } cases[] = {
        {{"2024-02-28", "2024-03-01"}, 2},   {{"2023-02-28", "2023-03-01"}, 1},
        {{"2000-02-29", "2000-03-01"}, 1},   {{"2100-02-28", "2100-03-01"}, 1},
        {{"1999-12-31", "2000-01-01"}, 1},   {{"1970-01-01", "2000-01-01"}, 10957},
        {{"2023-01-01", "2024-01-01"}, 365}, {{"2199-12-30", "2199-12-31"}, 1},
        {{"2024-01-31", "2024-12-31"}, 335},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, AZURE "%s 07:09:11,17,4099\n%s 07:09:11,17,4099\n",
                 cases[i].days[0], cases[i].days[1]);
        struct trace *trace = open_text(text);
        assert_row(trace, (struct trace_row){2, 0, 17, 4099, 0, NULL, NULL, NULL, NULL,
                                             .deadline_ns = -1});
        int64_t ns = cases[i].n * 86400 * 1000000000;
        assert_row(trace, (struct trace_row){3, ns, 17, 4099, 0, NULL, NULL, NULL, NULL,
                                             .deadline_ns = -1});
        assert_end(trace);
    }
}

static void azure_columns_may_stand_in_any_order(void **state)
{
    (void)state;
    struct trace *trace = open_text("GeneratedTokens,TIMESTAMP,ContextTokens\n"
                                    "10,2023-11-16 18:17:03.9799600,4808\n");
    assert_row(trace, (struct trace_row){2, 0, 4808, 10, 0, NULL, NULL, NULL, NULL,
                                         .deadline_ns = -1});
    assert_end(trace);
}

/* As the week of 2024 has them: UTC is told, and as many digits as are needed. */
static void azure_times_may_tell_utc_and_have_any_precision(void **state)
{
    (void)state;
    static const char *const texts[] = {
        AZURE "2024-05-10 00:00:00+00:00,17,4099\n"
              "2024-05-10 00:00:00.00993+00:00,17,4099\n"
              "2024-05-10 00:00:00.009930123+00:00,17,4099\n",
        AZURE "2024-05-10T00:00:00Z,17,4099\n"
              "2024-05-10T00:00:00.0099300Z,17,4099\n"
              "2024-05-10 00:00:00.009930123,17,4099\n",
    };
    for (int i = 0; i < 2; i++) {
        struct trace *trace = open_text(texts[i]);
        static const int64_t ns[] = {0, 9930000, 9930123};
        for (int k = 0; k < 3; k++) {
            assert_row(trace, (struct trace_row){.line = k + 2,
                                                 .arrival_ns = ns[k],
                                                 .prompt_tokens = 17,
                                                 .output_tokens = 4099,
                                                 .deadline_ns = -1});
        }
        assert_end(trace);
    }
}

static void bad_timestamps_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0.0137",
        "2023-11-16",
        "2023-11-16 18:17",
        "2023-11-16t18:17:03",
        "2023-11-16 18:17:03z",
        "2023-11-16 18:17:03ZZ",
        "2023-11-16 18:17:03Z+00:00",
        "2023-11-16 18:17:03-00:00",
        "Z",
        "+00:00",
        " 2023-11-16 18:17:03",
        "2023-11-16 18:17:03 ",
        "2023-11-16 18:17:03.",
        "2023-11-16 18:17:03.0123456789",
        "2023-11-16 18:17:03.01x",
        "2023-11-16 18:17:03+01:00",
        "2023-11-16 18:17:03+00:00+00:00",
        "2023/11/16 18:17:03",
        "2023-02-29 18:17:03",
        "2100-02-29 18:17:03",
        "2023-04-31 18:17:03",
        "2023-00-16 18:17:03",
        "2023-13-16 18:17:03",
        "2023-11-00 18:17:03",
        "1969-12-31 18:17:03",
        "2200-01-01 18:17:03",
        "2023-11-16 24:00:00",
        "2023-11-16 18:60:03",
        "2023-11-16 18:17:60",
        "2023-11-16 18:-7:03",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        char message[256];
        snprintf(text, sizeof text, AZURE "%s,17,4099\n", bad[i]);
        snprintf(message, sizeof message,
                 "2: TIMESTAMP: '%s' is not a time such as 2023-11-16 18:17:03.9799600",
                 bad[i]);
        assert_faults(&(struct fault){text, message}, 1);
    }
}

static void plain_arrivals_are_read_from_their_text_and_not_shifted(void **state)
{
    (void)state;
    struct trace *trace = open_text(PLAIN "1.37e-05,4099,17\n"
                                          "0.0137,4099,17\n"
                                          "0.01370000049,4099,17\r\n"
                                          "0.0137000005,4099,17\n"
                                          "4.25e0,1,1000000000\n"
                                          "1000000000,0017,1\n");
    assert_row(trace, (struct trace_row){2, 13700, 4099, 17, 0, NULL, NULL, NULL, NULL,
                                         .deadline_ns = -1});
    assert_row(trace, (struct trace_row){3, 13700000, 4099, 17, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){4, 13700000, 4099, 17, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){5, 13700001, 4099, 17, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){6, 4250000000, 1, 1000000000, 0, NULL, NULL,
                                         NULL, NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){7, 1000000000000000000, 17, 1, 0, NULL, NULL,
                                         NULL, NULL, .deadline_ns = -1});
    assert_end(trace);
}

static void optional_columns_stand_in_any_order(void **state)
{
    (void)state;
    struct trace *trace = open_text(
        "prefix_hash,tenant,output_tokens,priority,arrival_s,deadline_s,prompt_tokens,"
        "request_id,session_id,think_s,parent_id\n"
        "a7f3,acme corp,17,-2147483648,0.0137,30.0000000375,4099,r-41,s9,2.5,r-40\n"
        ",,17,,0.0137,,4099,,\"\",,\n"
        "\"x y\",acme,17,2147483647,0.0139,,4099,"
        "0123456789012345678901234567890123456789012345678901234567890123,s9,,\n");
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_row(trace,
               (struct trace_row){2, 13700000, 4099, 17, INT32_MIN, "r-41", "acme corp",
                                  "s9", "a7f3", .deadline_ns = 30000000038,
                                  .parent_id = "r-40", .think_ns = 2500000000});
    assert_row(trace, (struct trace_row){3, 13700000, 4099, 17, 0, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){
                          4, 13900000, 4099, 17, INT32_MAX,
                          "01234567890123456789012345678901234567890123456789012345"
                          "67890123",
                          "acme", "s9", "x y", .deadline_ns = -1});
    assert_end(trace);
}

static void a_request_may_name_its_model_its_class_and_its_adapter(void **state)
{
    (void)state;
    struct trace *trace =
        open_text("arrival_s,class,prompt_tokens,adapter,output_tokens,model\n"
                  "0.0137,chat,4099,sql-7,17,llama 3\n"
                  "0.0137,,4099,,17,\n");
    struct trace_row row;
    struct err err;
    assert_string_equal(trace_ignored_columns(trace), "");
    assert_int_equal(trace_next(trace, &row, &err), 1);
    assert_string_equal(row.model, "llama 3");
    assert_string_equal(row.class, "chat");
    assert_string_equal(row.adapter, "sql-7");
    assert_int_equal(trace_next(trace, &row, &err), 1);
    assert_null(row.model);
    assert_null(row.class);
    assert_null(row.adapter);
    assert_end(trace);
}

/* Each row stands there plain, for the scan, and then quoted, for libcsv. */
static void a_line_with_quotes_reads_as_the_same_line_without(void **state)
{
    (void)state;
    static const char text[] =
        "arrival_s,prompt_tokens,output_tokens,request_id,priority\n"
        "0.0137,4099,17,r 1,-7\r\n"
        "\"0.0137\",\"4099\",\"17\",\"r 1\",\"-7\"\r\n"
        "1, 17,1,r1,0\n"
        "\"1\",\" 17\",\"1\",\"r1\",\"0\"\n"
        "2.5,17,4099, r1 ,\n"
        "2.5,17,\"4099\",\" r1 \",\n"
        "2.5,17,4099,,0137\n"
        "\"2.5\",17,4099,\"\",0137";
    write_file("x.csv", text, strlen(text));
    struct trace *trace = must_open("x.csv", true);
    assert_row(trace, (struct trace_row){2, 13700000, 4099, 17, -7, "r 1", NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){3, 13700000, 4099, 17, -7, "r 1", NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){6, 2500000000, 17, 4099, 0, " r1 ", NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){7, 2500000000, 17, 4099, 0, " r1 ", NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){8, 2500000000, 17, 4099, 137, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    assert_row(trace, (struct trace_row){9, 2500000000, 17, 4099, 137, NULL, NULL, NULL,
                                         NULL, .deadline_ns = -1});
    int64_t line;
    const char *reason;
    assert_int_equal(trace_skipped(trace, &line, &reason), 2);
    assert_string_equal(reason,
                        "x.csv:4: prompt_tokens: ' 17' is not a positive integer");
    assert_end(trace);
}

static void bad_numbers_of_tokens_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"-3", "0",  "1.5", "",    "1e3", " 7",
                                      "7 ", "+7", "0x7", "000", "7\r", "\t7"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        char message[256];
        char shown[8];
        snprintf(shown, sizeof shown, "%s", bad[i]);
        shown[strcspn(shown, "\r\t")] =
            shown[strcspn(shown, "\r\t")] != '\0' ? '?' : '\0';
        snprintf(text, sizeof text, PLAIN "0.0137,%s,17\n", bad[i]);
        snprintf(message, sizeof message,
                 "2: prompt_tokens: '%s' is not a positive integer", shown);
        assert_faults(&(struct fault){text, message}, 1);
    }
    static const struct fault faults[] = {
        {PLAIN "0.0137,17,4099\n0.0139,4099,-3",
         "3: output_tokens: '-3' is not a positive integer"},
        {PLAIN "0.0137,17,1000000001\n", "2: output_tokens: '1000000001' is more than "
                                         "1000000000"},
        {PLAIN "0.0137,99999999999999999999,17\n",
         "2: prompt_tokens: '99999999999999999999' is more than 1000000000"},
        {AZURE "2023-11-16 18:17:03,17,0\n",
         "2: GeneratedTokens: '0' is not a positive integer"},
        {AZURE "2023-11-16 18:17:03,x,17\n",
         "2: ContextTokens: 'x' is not a positive integer"},
        {AZURE "2023-11-16 18:17:03,"
               "x1234567890123456789012345678901234567890123456789012345678901234,17\n",
         "2: ContextTokens: "
         "'x123456789012345678901234567890123456789012345678901234567890"
         "123...' is not a positive integer"},
    };
    ASSERT_FAULTS(faults);
}

static void bad_arrivals_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "-1", " 1",  "1 ",  "1.",
                                      ".5",  "+1", "1e",  "1,",  "nan",
                                      "inf", "1s", "0x1", "1..", "-0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        char message[256];
        snprintf(text, sizeof text, PLAIN "\"%s\",4099,17\n", bad[i]);
        snprintf(message, sizeof message,
                 "2: arrival_s: '%s' is not a time in seconds such as 12.0375", bad[i]);
        assert_faults(&(struct fault){text, message}, 1);
    }
    static const struct fault faults[] = {
        {PLAIN "1000000000.000000001,4099,17\n",
         "2: arrival_s: '1000000000.000000001' is more than 1000000000"},
        {PLAIN "99999999999999999999,4099,17\n",
         "2: arrival_s: '99999999999999999999' is more than 1000000000"},
        {PLAIN "1e10,4099,17\n", "2: arrival_s: '1e10' is more than 1000000000"},
        {PLAIN "1e999999999999,4099,17\n",
         "2: arrival_s: '1e999999999999' is more than 1000000000"},
        {AZURE "1990-01-01 00:00:00,17,4099\n2021-09-09 01:46:40.0000001,17,4099\n",
         "3: TIMESTAMP: '2021-09-09 01:46:40.0000001' is more than 1000000000 s after "
         "the "
         "first row"},
    };
    ASSERT_FAULTS(faults);
}

static void rows_out_of_order_are_refused(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {PLAIN "0,4099,17\n4.250,4099,17\n4.25,4099,17\n3.5,4099,17\n",
         "5: arrival_s: 3.5 is before the row above (4.25): rows must be in order of "
         "time"},
        {PLAIN "0,4099,17\n4.25e0,4099,17\n4.249999999,4099,17\n",
         "4: arrival_s: 4.249999999 is before the row above (4.25e0): rows must be in "
         "order "
         "of time"},
        {AZURE "2023-11-16 18:17:03,17,4099\n1970-01-01 18:17:02.9999999,17,4099\n",
         "3: TIMESTAMP: 1970-01-01 18:17:02.9999999 is before the row above "
         "(2023-11-16 "
         "18:17:03): rows must be in order of time"},
    };
    ASSERT_FAULTS(faults);
}

static void bad_labels_and_priorities_are_refused(void **state)
{
    (void)state;
#define LABELS "arrival_s,prompt_tokens,output_tokens,tenant,priority\n"
#define NO_LABEL                                                               \
    "is not a label (at most 64 bytes without comma, double quote or control " \
    "character)"
#define NO_PRIORITY "is not an integer from -2147483648 to 2147483647"
    static const struct fault faults[] = {
        {LABELS "0,4099,17,\"a,b\",0\n", "2: tenant: 'a,b' " NO_LABEL},
        {LABELS "0,4099,17,\"a\"\"b\",0\n", "2: tenant: 'a\"b' " NO_LABEL},
        {LABELS "0,4099,17,a\tb,0\n", "2: tenant: 'a?b' " NO_LABEL},
        {LABELS "0,4099,17,\x7f,0\n", "2: tenant: '?' " NO_LABEL},
        {LABELS "0,4099,17,"
                "01234567890123456789012345678901234567890123456789012345678901234,0\n",
         "2: tenant: "
         "'0123456789012345678901234567890123456789012345678901234567890123...'"
         " " NO_LABEL},
        {LABELS "0,4099,17,t,2147483648\n", "2: priority: '2147483648' " NO_PRIORITY},
        {LABELS "0,4099,17,t,-2147483649\n", "2: priority: '-2147483649' " NO_PRIORITY},
        {LABELS "0,4099,17,t,99999999999999999999999\n",
         "2: priority: '99999999999999999999999' " NO_PRIORITY},
        {LABELS "0,4099,17,t,-\n", "2: priority: '-' " NO_PRIORITY},
        {LABELS "0,4099,17,t,1.5\n", "2: priority: '1.5' " NO_PRIORITY},
        {LABELS "0,4099,17,t, 1\n", "2: priority: ' 1' " NO_PRIORITY},
    };
    ASSERT_FAULTS(faults);
    static const struct fault others[] = {
        {"arrival_s,prompt_tokens,output_tokens,request_id\n0,1,1,\x01\n",
         "2: request_id: '?' " NO_LABEL},
        {"arrival_s,prompt_tokens,output_tokens,session_id\n0,1,1,\x01\n",
         "2: session_id: '?' " NO_LABEL},
    };
    ASSERT_FAULTS(others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(azure_rows_are_shifted_to_the_first_one),
        cmocka_unit_test(azure_days_follow_the_calendar),
        cmocka_unit_test(azure_columns_may_stand_in_any_order),
        cmocka_unit_test(azure_times_may_tell_utc_and_have_any_precision),
        cmocka_unit_test(bad_timestamps_are_refused),
        cmocka_unit_test(plain_arrivals_are_read_from_their_text_and_not_shifted),
        cmocka_unit_test(optional_columns_stand_in_any_order),
        cmocka_unit_test(a_request_may_name_its_model_its_class_and_its_adapter),
        cmocka_unit_test(a_line_with_quotes_reads_as_the_same_line_without),
        cmocka_unit_test(bad_numbers_of_tokens_are_refused),
        cmocka_unit_test(bad_arrivals_are_refused),
        cmocka_unit_test(rows_out_of_order_are_refused),
        cmocka_unit_test(bad_labels_and_priorities_are_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
