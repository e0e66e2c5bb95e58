#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "input/detick.h"

#include <math.h>
#include <string.h>

#define HEADER "arrival_s,prompt_tokens,output_tokens\n"

enum { MOST = 6000 };

/* Ticks 3 s apart but for one pair, which is 2.997 s apart; the second has one request. */
static const char ticks[] = HEADER "0,11,1\n0,12,1\n0,13,1\n3,14,1\n6,15,1\n6,16,1\n"
                                   "8.997,17,1\n8.997,18,1\n";

static struct trace *open_text(const char *text)
{
    struct err err = {""};
    write_file("t.csv", text, strlen(text));
    struct trace *trace = trace_open("t.csv", NULL, false, &err);
    assert_string_equal(err.text, "");
    return trace;
}

static struct trace *open_again(void)
{
    struct err err = {""};
    return trace_open("t.csv", NULL, false, &err);
}

/* All moved arrivals; checks that the rows are those of the file in its order. */
static int64_t read_all(struct detick *detick, struct trace *trace,
                        int64_t arrivals_ns[MOST], const int64_t *first_tokens)
{
    struct trace_row row;
    struct err err = {""};
    int64_t n = 0;
    while (detick_next(detick, trace, &row, &err) > 0) {
        if (first_tokens != NULL) {
            assert_int_equal(row.prompt_tokens, *first_tokens + n);
        }
        arrivals_ns[n++] = row.arrival_ns;
    }
    assert_string_equal(err.text, "");
    return n;
}

static void arrivals_stay_within_their_tick_and_their_order(void **state)
{
    (void)state;
    static const int64_t from_ms[] = {0, 0, 0, 3000, 6000, 6000, 8997, 8997};
    static const int64_t until_ms[] = {3000, 3000, 3000,  6000,
                                       8997, 8997, 11997, 11997};
    const int64_t first_tokens = 11;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        int64_t arrivals_ns[MOST];
        struct detick detick = {0};
        struct trace *trace = open_text(ticks);
        detick_init(&detick, open_again(), "t.csv", 3000000000, seed);
        assert_int_equal(read_all(&detick, trace, arrivals_ns, &first_tokens), 8);
        for (int i = 0; i < 8; i++) {
            assert_true(arrivals_ns[i] >= from_ms[i] * 1000000);
            assert_true(arrivals_ns[i] < until_ms[i] * 1000000);
            assert_true(i == 0 || arrivals_ns[i] >= arrivals_ns[i - 1]);
        }
        detick_close(&detick);
        trace_close(trace);
    }
}

static void the_same_seed_moves_them_alike_after_a_rewind_too(void **state)
{
    (void)state;
    int64_t arrivals_ns[3][MOST];
    struct detick detick = {0};
    struct err err = {""};
    struct trace *trace = open_text(ticks);
    detick_init(&detick, open_again(), "t.csv", 3000000000, 7);
    read_all(&detick, trace, arrivals_ns[0], NULL);
    assert_int_equal(detick_rewind(&detick, trace, &err), 0);
    read_all(&detick, trace, arrivals_ns[1], NULL);
    assert_memory_equal(arrivals_ns[0], arrivals_ns[1], 8 * sizeof(int64_t));
    detick_close(&detick);
    assert_int_equal(trace_rewind(trace, &err), 0);
    detick_init(&detick, open_again(), "t.csv", 3000000000, 8);
    read_all(&detick, trace, arrivals_ns[2], NULL);
    assert_memory_not_equal(arrivals_ns[0], arrivals_ns[2], 8 * sizeof(int64_t));
    detick_close(&detick);
    trace_close(trace);
}

static void a_detick_of_nothing_leaves_arrivals_where_they_are(void **state)
{
    (void)state;
    int64_t arrivals_ns[MOST] = {0};
    struct detick detick = {0};
    struct trace *trace = open_text(ticks);
    assert_int_equal(read_all(&detick, trace, arrivals_ns, NULL), 8);
    assert_int_equal(arrivals_ns[2], 0);
    assert_int_equal(arrivals_ns[7], 8997000000);
    detick_close(&detick);
    trace_close(trace);
}

/* The greatest distance of n uniform numbers from the diagonal is beyond 1.95 / sqrt(n) once
 * in a thousand (Kolmogorov). */
static void the_requests_of_a_tick_are_spread_uniformly(void **state)
{
    (void)state;
    static char text[MOST * 12 + 100];
    static int64_t arrivals_ns[MOST];
    size_t length = (size_t)sprintf(text, HEADER);
    for (int i = 0; i < MOST; i++) {
        length += (size_t)sprintf(text + length, "4.5,13,7\n");
    }
    struct detick detick = {0};
    struct trace *trace = open_text(text);
    detick_init(&detick, open_again(), "t.csv", 3000000000, 1);
    assert_int_equal(read_all(&detick, trace, arrivals_ns, NULL), MOST);
    double greatest = 0;
    for (int i = 0; i < MOST; i++) {
        double u = (double)(arrivals_ns[i] - 4500000000) / 3e9;
        greatest = fmax(greatest, fabs(u - (i + 0.5) / MOST));
    }
    assert_true(greatest < 1.95 / sqrt(MOST));
    detick_close(&detick);
    trace_close(trace);
}

static void a_file_that_changed_meanwhile_is_refused(void **state)
{
    (void)state;
    struct detick detick = {0};
    struct trace_row row;
    struct err err = {""};
    struct trace *trace = open_text(HEADER "1,11,1\n");
    write_file("other.csv", HEADER "2,11,1\n", strlen(HEADER "2,11,1\n"));
    struct trace *other = trace_open("other.csv", NULL, false, &err);
    detick_init(&detick, other, "t.csv", 3000000000, 1);
    assert_int_equal(detick_next(&detick, trace, &row, &err), -1);
    assert_string_equal(err.text, "t.csv: the file changed while it was read");
    detick_close(&detick);
    trace_close(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_stay_within_their_tick_and_their_order),
        cmocka_unit_test(the_same_seed_moves_them_alike_after_a_rewind_too),
        cmocka_unit_test(a_detick_of_nothing_leaves_arrivals_where_they_are),
        cmocka_unit_test(the_requests_of_a_tick_are_spread_uniformly),
        cmocka_unit_test(a_file_that_changed_meanwhile_is_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
