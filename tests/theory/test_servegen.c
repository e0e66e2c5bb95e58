/* ServeGen's clients: what is drawn has the rates, variations and lengths of the files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"
#include "../support/files.h"

enum { MOST = 400000 };

static const char text[] = "[workload]\nrequests = 1000000\nduration_s = 8640000\n"
                           "[arrivals]\nprocess = servegen\nclients = .\n"
                           "[prompt]\ndistribution = fixed\ntokens = 37\n"
                           "[output]\ndistribution = fixed\ntokens = 13\n";

struct drawn {
    int64_t n;
    double *at_s;
    int32_t *client; /* the number in its name */
    int64_t *prompt;
    int64_t *output;
};

static struct drawn draw(const char *const *overrides, int32_t n_overrides)
{
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct generate_draw drawing;
    struct trace_row row;
    struct err err = {""};
    struct drawn drawn = {.at_s = memory_new(MOST, sizeof(double)),
                          .client = memory_new(MOST, sizeof(int32_t)),
                          .prompt = memory_new(MOST, sizeof(int64_t)),
                          .output = memory_new(MOST, sizeof(int64_t))};
    write_file("w.ini", text, sizeof text - 1);
    generate_read(&spec, "w.ini", overrides, n_overrides, &arena, &err);
    assert_string_equal(err.text, "");
    generate_start(&drawing, &spec);
    int64_t before_ns = 0;
    while (generate_next(&drawing, &row, &err) > 0) {
        assert_true(drawn.n < MOST && row.arrival_ns >= before_ns);
        assert_memory_equal(row.tenant, "chunk-", 6);
        drawn.at_s[drawn.n] = (double)row.arrival_ns / 1e9;
        drawn.client[drawn.n] = (int32_t)strtol(row.tenant + 6, NULL, 10);
        drawn.prompt[drawn.n] = row.prompt_tokens;
        drawn.output[drawn.n] = row.output_tokens;
        drawn.n++;
        before_ns = row.arrival_ns;
    }
    generate_stop(&drawing);
    memory_arena_free(&arena);
    return drawn;
}

static void drawn_free(struct drawn *drawn)
{
    free(drawn->at_s);
    free(drawn->client);
    free(drawn->prompt);
    free(drawn->output);
}

/* `n` windows of 600 s that are all alike. */
static void write_client(int number, int n, const char *window)
{
    char path[64];
    snprintf(path, sizeof path, "chunk-%d-trace.csv", number);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < n; i++) {
        fprintf(file, "%d,%s\n", 600 * i, window);
    }
    assert_int_equal(fclose(file), 0);
}

static void remove_clients(void)
{
    char path[64];
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "chunk-%d-trace.csv", i);
        remove(path);
        snprintf(path, sizeof path, "chunk-%d-dataset.json", i);
        remove(path);
    }
}

static void assert_near(double value, double expected, double off)
{
    if (!(fabs(value - expected) <= off)) {
        fail_msg("%.9g is not %.9g +- %.3g", value, expected, off);
    }
}

static int64_t count_of(const struct drawn *drawn, int32_t client)
{
    int64_t n = 0;
    for (int64_t i = 0; i < drawn->n; i++) {
        n += drawn->client[i] == client;
    }
    return n;
}

/* A process that began each window with a whole gap would have (cv^2 - 1) / 2 = 4
 * requests a window more, a fifth. */
static void the_mean_count_of_a_window_is_its_rate_times_its_length(void **state)
{
    (void)state;
    write_client(3, 4000, "0.033333333,3,Gamma,7,7");
    write_client(11, 4000, "0.05,3,Weibull,7,7");
    write_client(5, 4000, "0,0,,0,0");
    struct drawn drawn = draw(NULL, 0);
    /* The counts of long windows vary as cv^2 x mean. */
    assert_near((double)count_of(&drawn, 3), 80000, 4 * 3 * sqrt(80000));
    assert_near((double)count_of(&drawn, 11), 120000, 4 * 3 * sqrt(120000));
    assert_int_equal(count_of(&drawn, 5), 0);
    drawn_free(&drawn);
    remove_clients();
}

static void gaps_have_the_variation_of_the_file_in_both_families(void **state)
{
    (void)state;
    static const char *const windows[] = {"50,2,Gamma,1,1", "50,2,Weibull,1,1",
                                          "50,0.4,Weibull,1,1"};
    static const double cvs[] = {2, 2, 0.4};
    for (int i = 0; i < 3; i++) {
        write_client(7, 1, windows[i]);
        struct drawn drawn = draw(NULL, 0);
        struct crowd crowd = {.n = drawn.n, .arrival_s = drawn.at_s};
        assert_near((double)drawn.n, 30000, 4 * cvs[i] * sqrt(30000));
        assert_near(crowd_gap_cv(&crowd) / cvs[i], 1, 0.05);
        drawn_free(&drawn);
    }
    remove_clients();
}

static void the_largest_clients_and_a_part_of_the_time_can_be_taken(void **state)
{
    (void)state;
    write_client(1, 10, "1,1,Gamma,1,1");
    write_client(2, 20, "3,1,Gamma,1,1");
    write_client(10, 10, "2,1,Gamma,1,1");
    const char *const two[] = {"arrivals.clients_most=2"};
    struct drawn drawn = draw(two, 1);
    assert_int_equal(count_of(&drawn, 1), 0);
    assert_near((double)count_of(&drawn, 2), 36000, 4 * sqrt(36000));
    assert_near((double)count_of(&drawn, 10), 12000, 4 * sqrt(12000));
    drawn_free(&drawn);
    const char *const part[] = {"arrivals.from_s=5700", "arrivals.until_s=6900"};
    drawn = draw(part, 2);
    assert_near((double)count_of(&drawn, 1), 300, 4 * sqrt(300));
    assert_near((double)count_of(&drawn, 2), 3600, 4 * sqrt(3600));
    assert_true(drawn.at_s[0] < 5 && drawn.at_s[drawn.n - 1] > 1195 &&
                drawn.at_s[drawn.n - 1] < 1200);
    drawn_free(&drawn);
    const char *const slow[] = {
        "arrivals.rate_rps=0.45"}; /* 4.5 together, of which a */
    drawn = draw(slow, 1);         /* tenth */
    assert_near((double)drawn.n, 0.45 * 12000, 4 * sqrt(0.45 * 12000));
    drawn_free(&drawn);
    remove_clients();
}

static void another_client_leaves_the_requests_of_the_others_alone(void **state)
{
    (void)state;
    write_client(1, 10, "1,1,Gamma,1,1");
    struct drawn alone = draw(NULL, 0);
    write_client(0, 10, "2,3,Weibull,1,1");
    struct drawn both = draw(NULL, 0);
    int64_t at = 0;
    for (int64_t i = 0; i < both.n; i++) {
        if (both.client[i] == 1) {
            assert_true(at < alone.n && both.at_s[i] == alone.at_s[at]);
            at++;
        }
    }
    assert_int_equal(at, alone.n);
    drawn_free(&alone);
    drawn_free(&both);
    remove_clients();
}

static void lengths_are_those_of_the_window(void **state)
{
    (void)state;
    static const char json[] =
        "{\"6000\": {\"input_tokens\": \"{500: 1.0}\", \"output_tokens\": \"{}\"},\n"
        " \"0\": {\"input_tokens\": \"{300: 0.25, 12: 0.7500}\",\n"
        "  \"output_tokens\": \"{0: 1e-01, 40 : 0.3 , 7: 0.1}\", \"other\": 3}}";
    write_file("chunk-4-dataset.json", json, sizeof json - 1);
    write_client(4, 20, "2,1,Gamma,1,1");
    write_client(6, 20, "2,1,Gamma,1,1");
    struct drawn drawn = draw(NULL, 0);
    double n[2] = {0};
    double longs = 0;
    double outputs[3] = {0};
    for (int64_t i = 0; i < drawn.n; i++) {
        bool is_late = drawn.at_s[i] >= 6000;
        if (drawn.client[i] == 6) {
            assert_true(drawn.prompt[i] == 37 && drawn.output[i] == 13);
        } else if (is_late) {
            assert_true(drawn.prompt[i] == 500 && drawn.output[i] == 13);
        } else {
            assert_true(drawn.prompt[i] == 12 || drawn.prompt[i] == 300);
            longs += drawn.prompt[i] == 300;
            outputs[0] += drawn.output[i] == 1; /* a request has one token at least */
            outputs[1] += drawn.output[i] == 7;
            outputs[2] += drawn.output[i] == 40;
        }
        n[is_late] += drawn.client[i] == 4;
    }
    assert_true(n[0] > 11000 && n[1] > 11000);
    assert_near(longs / n[0], 0.25, 4 * sqrt(0.25 * 0.75 / n[0]));
    assert_near(outputs[0] / n[0], 0.2, 4 * sqrt(0.2 * 0.8 / n[0]));
    assert_near(outputs[1] / n[0], 0.2, 4 * sqrt(0.2 * 0.8 / n[0]));
    assert_near(outputs[2] / n[0], 0.6, 4 * sqrt(0.6 * 0.4 / n[0]));
    drawn_free(&drawn);
    remove_clients();
}

/* The trace that is written tells whose a request is. */
static void clients_are_the_tenants_of_the_trace(void **state)
{
    (void)state;
    static const char row[] = "arrival_s,prompt_tokens,output_tokens,tenant\n";
    write_client(9, 2, "2,1,Gamma,1,1");
    write_file("w.ini", text, sizeof text - 1);
    char *trace = crowd_text("w.ini", NULL, 0);
    assert_memory_equal(trace, row, sizeof row - 1);
    assert_non_null(strstr(trace, ",37,13,chunk-9\n"));
    free(trace);
    remove_clients();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_count_of_a_window_is_its_rate_times_its_length),
        cmocka_unit_test(gaps_have_the_variation_of_the_file_in_both_families),
        cmocka_unit_test(the_largest_clients_and_a_part_of_the_time_can_be_taken),
        cmocka_unit_test(another_client_leaves_the_requests_of_the_others_alone),
        cmocka_unit_test(lengths_are_those_of_the_window),
        cmocka_unit_test(clients_are_the_tenants_of_the_trace),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
