#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/label_stats.h"
#include "study/length_stats.h"
#include "study/turn_stats.h"

#include <math.h>
#include <stdlib.h>

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fmax(1, fabs(expected)))) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static void percentiles_lie_between_ranks_and_lengths_up_to_a_billion_are_ordered(
    void **state)
{
    (void)state;
    static const int64_t tokens[] = {4099, 13, 1000000000, 13, 7, 65536};
    struct length_stats stats = {0};
    for (int i = 0; i < 6; i++) {
        length_stats_add(&stats, tokens[i], 13);
    }
    struct length_order order = length_stats_order(&stats, 0);
    static const int32_t sorted[] = {7, 13, 13, 4099, 65536, 1000000000};
    assert_memory_equal(order.tokens, sorted, sizeof sorted);
    struct length_summary summary = length_stats_summary(&order);
    assert_near(summary.p50, (13 + 4099) / 2.0); /* at rank 2.5, from 0 */
    assert_near(summary.p90, (65536 + 1000000000) / 2.0);
    assert_near(summary.p99, 65536 + 0.95 * (1000000000 - 65536));
    assert_int_equal(summary.least, 7);
    assert_int_equal(summary.most, 1000000000);
    free(order.tokens);
    order = length_stats_order(&stats, 1);
    summary = length_stats_summary(&order);
    assert_near(summary.mean, 13);
    assert_near(summary.cv, 0);
    free(order.tokens);
    length_stats_free(&stats);
}

static void correlations_are_of_lengths_of_logarithms_and_of_mean_ranks(void **state)
{
    (void)state;
    static const int64_t pairs[][2] = {{1, 100}, {10, 10}, {10, 1000}, {100, 10000}};
    struct length_stats stats = {0};
    for (int i = 0; i < 4; i++) {
        length_stats_add(&stats, pairs[i][0], pairs[i][1]);
    }
    struct length_order prompts = length_stats_order(&stats, 0);
    struct length_order outputs = length_stats_order(&stats, 1);
    struct length_relation relation = length_stats_relation(&stats, &prompts, &outputs);
    /* decimal logarithms less their means: -1 0 0 1 and -0.5 -1.5 0.5 1.5 */
    assert_near(relation.pearson_log, 2 / sqrt(2.0 * 5));
    /* ranks 1 2.5 2.5 4 and 2 1 3 4 */
    assert_near(relation.spearman, (0.75 + 0 + 0 + 2.25) / sqrt(4.5 * 5));
    /* 30.25 is the mean of the prompts, 2777.5 that of the outputs */
    double both = -29.25 * (100 - 2777.5) - 20.25 * (10 - 2777.5) -
                  20.25 * (1000 - 2777.5) + 69.75 * (10000 - 2777.5);
    double left = 29.25 * 29.25 + 2 * 20.25 * 20.25 + 69.75 * 69.75;
    double right =
        2677.5 * 2677.5 + 2767.5 * 2767.5 + 1777.5 * 1777.5 + 7222.5 * 7222.5;
    assert_near(relation.pearson, both / sqrt(left * right));
    free(prompts.tokens);
    free(outputs.tokens);
    length_stats_free(&stats);
}

static void lengths_that_do_not_vary_correlate_with_nothing(void **state)
{
    (void)state;
    struct length_stats stats = {0};
    length_stats_add(&stats, 13, 7);
    length_stats_add(&stats, 13, 8);
    struct length_order prompts = length_stats_order(&stats, 0);
    struct length_order outputs = length_stats_order(&stats, 1);
    struct length_relation relation = length_stats_relation(&stats, &prompts, &outputs);
    assert_true(isnan(relation.pearson) && isnan(relation.spearman));
    assert_true(isnan(relation.pearson_log));
    free(prompts.tokens);
    free(outputs.tokens);
    length_stats_free(&stats);
}

static void sessions_with_an_id_have_turns_and_gaps_between_them(void **state)
{
    (void)state;
    static const struct {
        const char *session;
        int64_t arrival_s;
    } rows[] = {{"a", 13}, {"b", 14}, {"a", 20}, {NULL, 21}, {"a", 33}, {"c", 35}};
    struct turn_stats stats = {0};
    for (int i = 0; i < 6; i++) {
        struct trace_row row = {.session_id = rows[i].session,
                                .arrival_ns = rows[i].arrival_s * 1000000000};
        turn_stats_add(&stats, &row);
    }
    turn_stats_finish(&stats);
    assert_true(stats.by_id);
    assert_int_equal(stats.n_sessions, 3);
    assert_int_equal(stats.n_requests, 5);
    assert_int_equal(stats.n_single, 2);
    assert_int_equal(stats.turns.most, 3);
    assert_int_equal(stats.gaps_ns.n, 2);
    assert_int_equal(stats.gaps_ns.sum, 20000000000);
    turn_stats_free(&stats);
}

/* Blocks of 512: a continuation has all full blocks of the one before at its beginning. */
static void hash_ids_tell_who_continues_whom(void **state)
{
    (void)state;
    static const struct {
        int64_t tokens;
        int64_t n;
        int64_t ids[4];
    } rows[] = {
        {1000, 2, {11, 12}},         /* one full block */
        {1600, 4, {11, 13, 14, 15}}, /* continues it: that block is there */
        {1100, 3, {21, 22, 23}},     /* another one, of two full blocks */
        {1500, 3, {21, 31, 32}},     /* has one of the two: no continuation */
        {1600, 4, {11, 13, 14, 41}}, /* continues the second */
    };
    struct turn_stats stats = {0};
    for (int i = 0; i < 5; i++) {
        struct trace_row row = {.hash_ids = rows[i].ids,
                                .n_hash_ids = rows[i].n,
                                .hash_tokens = 512,
                                .prompt_tokens = rows[i].tokens,
                                .arrival_ns = i * 7000000000};
        turn_stats_add(&stats, &row);
    }
    turn_stats_finish(&stats);
    assert_int_equal(stats.n_sessions, 3);
    assert_int_equal(stats.n_requests, 5);
    assert_int_equal(stats.turns.most, 3);
    assert_int_equal(stats.gaps_ns.sum, 7000000000 + 21000000000);
    turn_stats_free(&stats);
}

/* 600 requests that all begin with one block, each with another one of its own. */
static void what_a_tenth_of_all_begin_with_makes_no_session(void **state)
{
    (void)state;
    enum { N = 600 };
    struct turn_stats stats = {0};
    for (int64_t i = 0; i < N; i++) {
        const int64_t ids[] = {7, 1000 + i};
        struct trace_row row = {.hash_ids = ids,
                                .n_hash_ids = 2,
                                .hash_tokens = 512,
                                .prompt_tokens = 600, /* one full block */
                                .arrival_ns = i};
        turn_stats_add(&stats, &row);
    }
    turn_stats_finish(&stats);
    assert_int_equal(stats.n_sessions, N);
    turn_stats_free(&stats);
}

static void labels_are_told_by_how_many_have_them(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b", "", "c", "b", NULL, "c", "b", "d"};
    struct label_stats stats = {0};
    int32_t top[3];
    for (int i = 0; i < 9; i++) {
        label_stats_add(&stats, labels[i]);
    }
    assert_int_equal(stats.n_labelled, 7);
    assert_int_equal(stats.names.n, 4);
    assert_int_equal(label_stats_top(&stats, 3, top), 3);
    assert_string_equal(stats.names.texts[top[0] - 1], "b");
    assert_string_equal(stats.names.texts[top[1] - 1], "c");
    assert_string_equal(stats.names.texts[top[2] - 1],
                        "a"); /* as often as d, earlier */
    label_stats_free(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            percentiles_lie_between_ranks_and_lengths_up_to_a_billion_are_ordered),
        cmocka_unit_test(correlations_are_of_lengths_of_logarithms_and_of_mean_ranks),
        cmocka_unit_test(lengths_that_do_not_vary_correlate_with_nothing),
        cmocka_unit_test(sessions_with_an_id_have_turns_and_gaps_between_them),
        cmocka_unit_test(hash_ids_tell_who_continues_whom),
        cmocka_unit_test(what_a_tenth_of_all_begin_with_makes_no_session),
        cmocka_unit_test(labels_are_told_by_how_many_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
