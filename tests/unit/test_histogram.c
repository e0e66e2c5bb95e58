#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/histogram.h"
#include "base/rng.h"

#include <stdlib.h>

/* The values that the histogram is used for end far below these 73 years. */
static const int64_t longest = INT64_MAX / 4;

static void assert_bucket(int64_t value)
{
    int32_t bucket = histogram_bucket(value);
    assert_in_range(bucket, 0, HISTOGRAM_BUCKETS - 1);
    int64_t edge = histogram_edge(bucket);
    assert_true(edge >= value);
    assert_true((wide)(edge - value) * 1024 <= value);
    assert_int_equal(histogram_bucket(edge), bucket);
    assert_int_equal(histogram_bucket(edge + 1), bucket + 1);
}

static void the_edge_of_a_bucket_is_at_most_a_1024th_above_its_values(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "buckets");
    for (int64_t value = 0; value < 70000; value++) {
        assert_bucket(value);
    }
    for (int i = 0; i < 300000; i++) {
        int64_t bits = (int64_t)rng_bits(&rng) << 31 | rng_bits(&rng);
        assert_bucket((bits & longest) >> rng_below(&rng, 60));
    }
    for (int64_t power = 1024; power < longest; power *= 2) {
        assert_bucket(power - 1);
        assert_bucket(power);
        assert_bucket(power + power / 1024 - 1);
        assert_bucket(power + power / 1024);
    }
    rng_free(&rng);
}

static void small_values_have_a_bucket_each(void **state)
{
    (void)state;
    for (int64_t value = 0; value < 2048; value++) {
        assert_int_equal(histogram_edge(histogram_bucket(value)), value);
    }
    assert_int_equal(histogram_edge(histogram_bucket(2048)), 2049);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void a_quantile_is_the_edge_of_the_nearest_rank(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "quantiles");
    for (int world = 0; world < 40; world++) {
        struct histogram histogram;
        histogram_init(&histogram);
        int64_t n = 1 + rng_below(&rng, 3000);
        int64_t *values = calloc((size_t)n, sizeof *values);
        wide sum = 0;
        for (int64_t i = 0; i < n; i++) {
            values[i] = ((int64_t)rng_bits(&rng) << 20) >> rng_below(&rng, 52);
            histogram_add(&histogram, values[i], 1);
            sum += values[i];
        }
        qsort(values, (size_t)n, sizeof *values, compare);
        assert_true(histogram.sum == sum);
        assert_int_equal(histogram.n, n);
        assert_int_equal(histogram.most, values[n - 1]);
        for (int64_t percent = 1; percent <= 100; percent++) {
            int64_t exact = values[(percent * n + 99) / 100 - 1];
            int64_t edge = histogram_edge(histogram_bucket(exact));
            assert_int_equal(histogram_quantile(&histogram, percent, 100),
                             edge < values[n - 1] ? edge : values[n - 1]);
        }
        free(values);
        histogram_free(&histogram);
    }
    rng_free(&rng);
}

static void many_of_a_value_count_as_many(void **state)
{
    (void)state;
    struct histogram histogram;
    histogram_init(&histogram);
    assert_int_equal(histogram_quantile(&histogram, 99, 100), 0);
    histogram_add(&histogram, 4099, INT64_C(70000000000));
    histogram_add(&histogram, 13, INT64_C(30000000001));
    histogram_add(&histogram, 9007199254740993, 0); /* none of them: not the largest */
    assert_int_equal(histogram.n, 100000000001);
    assert_true(histogram.sum == (wide)4099 * 70000000000 + (wide)13 * 30000000001);
    assert_int_equal(histogram.most, 4099);
    assert_int_equal(histogram_quantile(&histogram, 3, 10), 13);
    assert_int_equal(histogram_quantile(&histogram, 300000001, 1000000000), 4099);
    histogram_free(&histogram);
}

static void what_a_caller_counted_himself_is_noted(void **state)
{
    (void)state;
    struct histogram histogram;
    histogram_init(&histogram);
    histogram.counts[histogram_bucket(137)] += 2;
    histogram.counts[histogram_bucket(4099)] += 1;
    histogram_note(&histogram, 3, 4373, 4099);
    assert_int_equal(histogram.n, 3);
    assert_int_equal(histogram_quantile(&histogram, 2, 3), 137);
    assert_int_equal(histogram_quantile(&histogram, 1, 1), 4099);
    histogram_free(&histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_edge_of_a_bucket_is_at_most_a_1024th_above_its_values),
        cmocka_unit_test(small_values_have_a_bucket_each),
        cmocka_unit_test(a_quantile_is_the_edge_of_the_nearest_rank),
        cmocka_unit_test(many_of_a_value_count_as_many),
        cmocka_unit_test(what_a_caller_counted_himself_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
