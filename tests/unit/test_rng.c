#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

/* The expected numbers come from the published definitions of FNV-1a, splitmix64 and
 * MT19937, written down once more in another language. */
static void a_streams_seed_is_a_fixed_function_of_seed_and_name(void **state)
{
    (void)state;
    assert_int_equal(rng_mix(1, "arrivals"), 0xfedf193b);
    assert_int_equal(rng_mix(2, "arrivals"), 0xaa08bb81);
    assert_int_equal(rng_mix(1, "modulation"), 0x215a8afa);
    assert_int_equal(rng_mix(4099, "prompt"), 0xfab5945e);
    assert_int_equal(rng_mix(UINT64_MAX, ""), 0xcc0dc891);
}

static void a_stream_is_mt19937(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1, "arrivals");
    assert_int_equal(rng_bits(&rng), 1428383793);
    assert_int_equal(rng_bits(&rng), 3456724526);
    assert_int_equal(rng_bits(&rng), 3969034818);
    for (int i = 4; i < 1000; i++) {
        rng_bits(&rng);
    }
    assert_int_equal(rng_bits(&rng), 3582161818);
    rng_free(&rng);
}

static void the_environment_of_gsl_changes_nothing(void **state)
{
    (void)state;
    setenv("GSL_RNG_TYPE", "taus", 1);
    setenv("GSL_RNG_SEED", "4099", 1);
    struct rng rng;
    rng_init(&rng, 1, "arrivals");
    assert_int_equal(rng_bits(&rng), 1428383793);
    rng_free(&rng);
}

static void drawing_from_one_stream_leaves_another_alone(void **state)
{
    (void)state;
    struct rng drawn;
    struct rng watched;
    rng_init(&drawn, 1, "modulation");
    rng_init(&watched, 1, "arrivals");
    for (int i = 0; i < 4099; i++) {
        rng_bits(&drawn);
    }
    assert_int_equal(rng_bits(&watched), 1428383793);
    rng_free(&drawn);
    rng_free(&watched);
}

/* Correlation of 32-bit numbers from two streams, as doubles. */
static double correlation(uint64_t seed_a, const char *name_a, uint64_t seed_b,
                          const char *name_b, int n)
{
    struct rng a;
    struct rng b;
    rng_init(&a, seed_a, name_a);
    rng_init(&b, seed_b, name_b);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double x = (double)rng_bits(&a) / 0x1p32 - 0.5;
        double y = (double)rng_bits(&b) / 0x1p32 - 0.5;
        sum += x * y;
    }
    rng_free(&a);
    rng_free(&b);
    return sum / n * 12; /* a uniform number has variance 1/12 */
}

static void streams_of_other_names_or_seeds_are_independent(void **state)
{
    (void)state;
    static const char *const names[] = {"arrivals", "modulation", "prompt", "output"};
    const int n = 20011;
    double bound = 4.5 / sqrt(n); /* 1 in 150,000 for one pair of honest streams */
    for (int i = 0; i < 4; i++) {
        for (int j = i + 1; j < 4; j++) {
            assert_true(fabs(correlation(1, names[i], 1, names[j], n)) < bound);
        }
        for (uint64_t seed = 2; seed <= 8; seed++) {
            assert_true(fabs(correlation(1, names[i], seed, names[i], n)) < bound);
        }
    }
    assert_true(correlation(7, "prompt", 7, "prompt", n) > 0.97);
}

static void neighbouring_seeds_share_no_bits_beyond_chance(void **state)
{
    (void)state;
    int64_t differing = 0;
    for (uint64_t seed = 0; seed < 4099; seed++) {
        uint32_t changed = rng_mix(seed, "arrivals") ^ rng_mix(seed + 1, "arrivals");
        differing += __builtin_popcount(changed);
    }
    /* 16 of 32 bits each with variance 8: 4.5 standard deviations of the sum. */
    assert_true(llabs(differing - 4099 * 16) < (int64_t)(4.5 * sqrt(4099.0 * 8)));
}

static void below_gives_every_value_equally_often(void **state)
{
    (void)state;
    enum { SIDES = 13, THROWS = 130000 };
    struct rng rng;
    rng_init(&rng, 4099, "dice");
    int64_t seen[SIDES] = {0};
    for (int i = 0; i < THROWS; i++) {
        int64_t side = rng_below(&rng, SIDES);
        assert_in_range(side, 0, SIDES - 1);
        seen[side]++;
    }
    double chi_squared = 0;
    for (int i = 0; i < SIDES; i++) {
        double off = (double)seen[i] - (double)THROWS / SIDES;
        chi_squared += off * off / ((double)THROWS / SIDES);
    }
    assert_true(chi_squared < 40); /* 12 degrees of freedom: 1 in 14,000 */
    rng_free(&rng);
}

static void below_takes_the_least_and_the_greatest_bound(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1, "arrivals");
    assert_int_equal(rng_below(&rng, 1), 0);
    assert_int_equal(rng_below(&rng, INT64_C(1) << 32), 3456724526);
    rng_free(&rng);
}

/* 3 x 2^30: a quarter of all 32-bit numbers must be thrown away. */
static void below_throws_away_what_would_favour_small_values(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "prompt"); /* 3397645495, 3245897694, 3718335703, 1511088826 */
    assert_int_equal(rng_below(&rng, INT64_C(3) << 30), 1511088826);
    rng_free(&rng);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov's distance from GSL's distribution; mean and variance, too. */
static void exponential_times_are_exponential(void **state)
{
    (void)state;
    enum { DRAWS = 40009 };
    const int64_t mean_ns = INT64_C(13700000007);
    static double x[DRAWS];
    struct rng rng;
    rng_init(&rng, 4099, "fail");
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        x[i] = (double)rng_exponential(&rng, mean_ns) / (double)mean_ns;
        sum += x[i];
        squares += x[i] * x[i];
    }
    rng_free(&rng);
    double mean = sum / DRAWS;
    double variance = squares / DRAWS - mean * mean;
    assert_true(fabs(mean - 1) < 4.5 / sqrt(DRAWS));
    assert_true(fabs(variance - 1) < 4.5 * sqrt(8.0 / DRAWS)); /* fourth moment: 9 */
    qsort(x, DRAWS, sizeof x[0], by_value);
    double distance = 0;
    for (int i = 0; i < DRAWS; i++) {
        double p = gsl_cdf_exponential_P(x[i], 1);
        distance = fmax(distance, fmax(p - (double)i / DRAWS, (i + 1.0) / DRAWS - p));
    }
    assert_true(distance < 2.3 / sqrt(DRAWS)); /* 1 in 20,000 */
}

/* Worked out once more in another language from the numbers of MT19937. */
static void an_exponential_time_is_a_fixed_function_of_its_stream(void **state)
{
    (void)state;
    static const int64_t expected[] = {INT64_C(12648446203023), INT64_C(526663427348),
                                       INT64_C(5728919936815),  INT64_C(4576058487306),
                                       INT64_C(720271207443),   INT64_C(2582600930979)};
    struct rng rng;
    rng_init(&rng, 1, "fail");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(rng_exponential(&rng, INT64_C(3600000000007)), expected[i]);
    }
    assert_int_equal(rng_exponential(&rng, 0), 0);
    for (int i = 0; i < 4099; i++) {
        assert_true(rng_exponential(&rng, INT64_C(1) << 62) >= 0);
    }
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streams_seed_is_a_fixed_function_of_seed_and_name),
        cmocka_unit_test(a_stream_is_mt19937),
        cmocka_unit_test(the_environment_of_gsl_changes_nothing),
        cmocka_unit_test(drawing_from_one_stream_leaves_another_alone),
        cmocka_unit_test(streams_of_other_names_or_seeds_are_independent),
        cmocka_unit_test(neighbouring_seeds_share_no_bits_beyond_chance),
        cmocka_unit_test(below_gives_every_value_equally_often),
        cmocka_unit_test(below_takes_the_least_and_the_greatest_bound),
        cmocka_unit_test(below_throws_away_what_would_favour_small_values),
        cmocka_unit_test(exponential_times_are_exponential),
        cmocka_unit_test(an_exponential_time_is_a_fixed_function_of_its_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
