#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "study/arrival_stats.h"

#include <math.h>
#include <stdlib.h>

static const int64_t second_ns = 1000000000;

static struct arrival_stats stats_of(const double *arrivals_s, int n)
{
    struct arrival_stats stats = {0};
    for (int i = 0; i < n; i++) {
        arrival_stats_add(&stats, llround(arrivals_s[i] * 1e9));
    }
    return stats;
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected))) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

/* Windows of 1 s from 7.5 s on: 3, 0, 1, 0, 0 and the last one, which is not whole; an
 * arrival at its beginning counts for the one before. */
static void windows_count_from_the_first_arrival_and_the_last_with_its_end(void **state)
{
    (void)state;
    static const double arrivals_s[] = {7.5, 7.75, 8.4999, 9.5, 12.5, 12.875};
    struct arrival_stats stats = stats_of(arrivals_s, 6);
    /* counts 3 0 1 0 1, mean 1, squares 11 / 5 */
    assert_near(arrival_stats_idc(&stats, 0), 11.0 / 5 - 1);
    assert_near(arrival_stats_rate(&stats), 5 / 5.375);
    assert_true(isnan(arrival_stats_idc(&stats, 1)));
    assert_true(isnan(arrival_stats_peak(&stats)));
    assert_int_equal(stats.n_instants, 6);
    arrival_stats_free(&stats);
}

static void gaps_have_the_coefficient_of_variation_of_a_population(void **state)
{
    (void)state;
    static const double arrivals_s[] = {13, 14, 17, 17, 21};
    struct arrival_stats stats = stats_of(arrivals_s, 5);
    /* 1 3 0 4: mean 2, variance 2.5 */
    assert_near(arrival_stats_gap_cv(&stats), sqrt(2.5) / 2);
    assert_int_equal(stats.n_instants, 4);
    arrival_stats_free(&stats);
}

static void what_one_instant_does_not_tell_is_not_a_number(void **state)
{
    (void)state;
    static const double arrivals_s[] = {13, 13, 13};
    struct arrival_stats stats = stats_of(arrivals_s, 3);
    assert_true(isnan(arrival_stats_rate(&stats)));
    assert_true(isnan(arrival_stats_gap_cv(&stats)));
    assert_true(isnan(arrival_stats_idc(&stats, 0)));
    assert_near(arrival_stats_sliding(&stats), 3.0 / 60);
    arrival_stats_free(&stats);
}

/* All figures of random arrivals again, from whole arrays and by the definitions. */
static void figures_are_those_of_the_definitions(void **state)
{
    (void)state;
    enum { N = 3000 };
    static int64_t at[N];
    struct rng rng;
    rng_init(&rng, 4099, "test");
    for (int round = 0; round < 8; round++) {
        struct arrival_stats stats = {0};
        at[0] = 1370000000;
        for (int i = 0; i < N; i++) {
            /* ticks of a quarter of a second in every other round: edges are met */
            int64_t gap = rng_below(&rng, 8) == 0 ? rng_below(&rng, 3000000000) : 0;
            gap = round % 2 == 0 ? gap / 250000000 * 250000000 : gap;
            at[i] = i > 0 ? at[i - 1] + gap * (round + 1) : at[0];
            arrival_stats_add(&stats, at[i]);
        }
        int64_t span = at[N - 1] - at[0];
        for (int w = 0; w < ARRIVAL_STATS_WINDOWS; w++) {
            int64_t width = arrival_stats_windows_s[w] * second_ns;
            int64_t n = span / width;
            int64_t *counts = calloc((size_t)n + 1, sizeof *counts);
            for (int i = 0; i < N; i++) {
                int64_t offset = at[i] - at[0];
                counts[offset == n * width && n > 0 ? n - 1 : offset / width]++;
            }
            double sum = 0;
            double squares = 0;
            int64_t most = 0;
            int64_t least = N;
            for (int64_t i = 0; i < n; i++) {
                sum += (double)counts[i];
                squares += (double)counts[i] * (double)counts[i];
                most = counts[i] > most ? counts[i] : most;
                least = counts[i] < least ? counts[i] : least;
            }
            double mean = sum / (double)n;
            double idc = (squares / (double)n - mean * mean) / mean;
            assert_true(fabs(arrival_stats_idc(&stats, w) / idc - 1) < 1e-9);
            if (w == 2) {
                assert_near(arrival_stats_peak(&stats), (double)most / 60);
                assert_near(arrival_stats_idle(&stats), (double)least / 60);
            }
            free(counts);
        }
        int64_t fullest = 0;
        for (int i = 0, end = 0; i < N; i++) {
            while (end < N && at[end] < at[i] + 60 * second_ns) {
                end++;
            }
            fullest = end - i > fullest ? end - i : fullest;
        }
        assert_near(arrival_stats_sliding(&stats), (double)fullest / 60);
        arrival_stats_free(&stats);
    }
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            windows_count_from_the_first_arrival_and_the_last_with_its_end),
        cmocka_unit_test(gaps_have_the_coefficient_of_variation_of_a_population),
        cmocka_unit_test(what_one_instant_does_not_tell_is_not_a_number),
        cmocka_unit_test(figures_are_those_of_the_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
