#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "output/quantiles.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Values of very different sizes, many of them equal, sorted or not. */
static int64_t *random_values(struct rng *rng, int64_t n)
{
    int64_t *values = calloc((size_t)n, sizeof *values);
    int64_t kind = rng_below(rng, 4);
    for (int64_t i = 0; i < n; i++) {
        values[i] = kind == 0   ? rng_below(rng, 7)
                    : kind == 1 ? i * 4099
                    : kind == 2 ? (n - i) * 137
                                : ((int64_t)rng_bits(rng) << 20) >> rng_below(rng, 52);
    }
    return values;
}

static void an_exact_quantile_is_the_one_of_sorting(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "exact");
    for (int world = 0; world < 300; world++) {
        int64_t n = 1 + rng_below(&rng, world % 10 == 0 ? 30000 : 300);
        int64_t *values = random_values(&rng, n);
        struct quantiles quantiles;
        quantiles_init(&quantiles, QUANTILES_MOST_EXACT);
        for (int64_t i = 0; i < n; i++) {
            quantiles_add(&quantiles, values[i]);
        }
        qsort(values, (size_t)n, sizeof *values, compare);
        for (int i = 0; i < 40; i++) { /* in any order, the ends among them */
            int64_t permille = i < 2 ? i * 1000 : rng_below(&rng, 1001);
            int64_t rank = (permille * n + 999) / 1000;
            assert_int_equal(quantiles_at(&quantiles, permille, 1000),
                             values[rank > 0 ? rank - 1 : 0]);
        }
        assert_int_equal(quantiles.most, values[n - 1]);
        free(values);
        quantiles_free(&quantiles);
    }
    rng_free(&rng);
}

static void values_that_come_after_a_question_count_in_the_next_one(void **state)
{
    (void)state;
    struct quantiles quantiles;
    quantiles_init(&quantiles, QUANTILES_MOST_EXACT);
    for (int64_t i = 1; i <= 3001; i++) {
        quantiles_add(&quantiles, 4099 * i);
    }
    assert_int_equal(quantiles_at(&quantiles, 99, 100), 4099 * 2971);
    for (int64_t i = 0; i < 3001; i++) {
        quantiles_add(&quantiles, 13);
    }
    assert_int_equal(quantiles_at(&quantiles, 1, 2), 13);
    assert_int_equal(quantiles_at(&quantiles, 3002, 6002), 4099);
    quantiles_free(&quantiles);
}

static void the_value_after_the_limit_folds_them_all(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "folded");
    enum { LIMIT = 1009 };
    struct quantiles quantiles;
    struct quantiles exact;
    quantiles_init(&quantiles, LIMIT);
    quantiles_init(&exact, QUANTILES_MOST_EXACT);
    for (int64_t i = 0; i < 5 * LIMIT; i++) {
        int64_t value = ((int64_t)rng_bits(&rng) << 10) >> rng_below(&rng, 40);
        quantiles_add(&quantiles, value);
        quantiles_add(&exact, value);
        assert_int_equal(quantiles.folded, i >= LIMIT);
        if (i % 97 == 0 || i == LIMIT || i == LIMIT - 1) {
            for (int64_t percent = 1; percent <= 100; percent += 11) {
                int64_t truth = quantiles_at(&exact, percent, 100);
                int64_t told = quantiles_at(&quantiles, percent, 100);
                assert_true(told >= truth);
                assert_true((wide)(told - truth) * 1024 <= (i < LIMIT ? 0 : truth));
            }
        }
    }
    assert_int_equal(quantiles.n, 5 * LIMIT);
    assert_true(quantiles_mean(&quantiles) == quantiles_mean(&exact));
    assert_true(quantiles_deviation(&quantiles) == quantiles_deviation(&exact));
    assert_true(quantiles_deviation(&exact) > 0);
    assert_int_equal(quantiles.most, exact.most);
    assert_int_equal(quantiles_at(&quantiles, 1, 1), exact.most);
    quantiles_free(&quantiles);
    quantiles_free(&exact);
    rng_free(&rng);
}

static void mean_and_deviation_are_those_of_the_whole_population(void **state)
{
    (void)state;
    struct quantiles quantiles;
    quantiles_init(&quantiles, QUANTILES_MOST_EXACT);
    assert_true(quantiles_mean(&quantiles) == 0);
    assert_true(quantiles_deviation(&quantiles) == 0);
    /* microseconds: mean 43 / 5 = 8.6; the squares' mean is 623 / 5, less 73.96 */
    static const int64_t values[] = {7000, 13000, 2000, 20000, 1000};
    for (int i = 0; i < 5; i++) {
        quantiles_add(&quantiles, values[i]);
    }
    assert_true(fabs(quantiles_mean(&quantiles) - 8600) < 1e-9);
    assert_true(fabs(quantiles_deviation(&quantiles) - 1000 * sqrt(50.64)) < 1e-8);
    quantiles_free(&quantiles);
}

static void a_small_deviation_survives_a_large_mean(void **state)
{
    (void)state;
    struct quantiles quantiles;
    quantiles_init(&quantiles, QUANTILES_MOST_EXACT);
    /* a day, 3 us more or less: doubles of the squares in nanoseconds would lose it */
    for (int64_t i = 0; i < 40000; i++) {
        quantiles_add(&quantiles,
                      INT64_C(86400000000000) + (i % 2 == 0 ? 3000 : -3000));
    }
    assert_true(fabs(quantiles_deviation(&quantiles) - 3000) < 1e-6);
    quantiles_free(&quantiles);
}

static void a_deviation_is_off_by_half_a_microsecond_at_most(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 919, "deviations");
    for (int world = 0; world < 200; world++) {
        int64_t n = 1 + rng_below(&rng, 300);
        int64_t *values = random_values(&rng, n);
        struct quantiles quantiles;
        quantiles_init(&quantiles, QUANTILES_MOST_EXACT);
        wide sum = 0;
        for (int64_t i = 0; i < n; i++) {
            values[i] >>= 12; /* up to 10 s */
            sum += values[i];
            quantiles_add(&quantiles, values[i]);
        }
        long double squares = 0;
        for (int64_t i = 0; i < n; i++) {
            long double off = (long double)values[i] - (long double)sum / n;
            squares += off * off;
        }
        /* rounding moves each value by up to 500 ns, and a norm by no more than that */
        double exact = (double)sqrtl(squares / n);
        assert_true(fabs(quantiles_deviation(&quantiles) - exact) < 500.001);
        free(values);
        quantiles_free(&quantiles);
    }
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_quantile_is_the_one_of_sorting),
        cmocka_unit_test(values_that_come_after_a_question_count_in_the_next_one),
        cmocka_unit_test(the_value_after_the_limit_folds_them_all),
        cmocka_unit_test(mean_and_deviation_are_those_of_the_whole_population),
        cmocka_unit_test(a_small_deviation_survives_a_large_mean),
        cmocka_unit_test(a_deviation_is_off_by_half_a_microsecond_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
