#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/crowd.h"
#include "../support/files.h"

enum { N_REQUESTS = 20011 };

/* Two humps, of which the upper one reaches far beyond `max`. */
static const char mixture[] = "[workload]\nrequests = 20011\n"
                              "[arrivals]\nprocess = constant\nrate_rps = 4\n"
                              "[prompt]\ndistribution = lognormal_mix\n"
                              "w = 0.613, 0.387\nmu = 2.5,7.25\nsigma = 0.7 , 1.1\n"
                              "min = 5\nmax = 4099\n"
                              "[output]\ndistribution = uniform\nmin = 3\nmax = 137\n";

static void read_spec(struct generate_spec *spec, const char *override,
                      struct arena *arena)
{
    struct err err = {""};
    write_file("w.ini", mixture, sizeof mixture - 1);
    generate_read(spec, "w.ini", &override, override != NULL ? 1 : 0, arena, &err);
    assert_string_equal(err.text, "");
}

static struct crowd generate(const char *override)
{
    write_file("w.ini", mixture, sizeof mixture - 1);
    return crowd_generate("w.ini", &override, override != NULL ? 1 : 0);
}

/* The share of `values` that equals `value`. */
static double share_of(const int64_t *values, int64_t value)
{
    int64_t n = 0;
    for (int64_t i = 0; i < N_REQUESTS; i++) {
        n += values[i] == value;
    }
    return (double)n / N_REQUESTS;
}

static void the_cdf_of_a_mixture_is_the_weighted_sum_of_its_parts(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct generate_spec spec;
    read_spec(&spec, NULL, &arena);
    /* By hand: ln 137 = 4.919981; (4.919981 - 2.5) / 0.7 = 3.457115 -> 0.999727,
     * (4.919981 - 7.25) / 1.1 = -2.118199 -> 0.017079. */
    double expected = 0.613 * 0.999727 + 0.387 * 0.017079;
    assert_true(fabs(mixture_cdf(&spec.clients->prompt.mixture, 137) - expected) <
                1e-6);
    assert_true(mixture_cdf(&spec.clients->prompt.mixture, 0) == 0);
    assert_true(mixture_cdf(&spec.clients->prompt.mixture, -3) == 0);
    memory_arena_free(&arena);
}

static void a_quantile_is_the_nearest_whole_number_to_the_inverse_cdf(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct generate_spec spec;
    read_spec(&spec, NULL, &arena);
    const struct mixture *parts = &spec.clients->prompt.mixture;
    int64_t before = 0;
    for (int i = 0; i <= 4099; i++) {
        double u = i / 4099.0;
        int64_t length = lengths_quantile(&spec.clients->prompt, u);
        assert_in_range(length, 5, 4099);
        assert_true(length >= before);
        assert_true(length == 5 || mixture_cdf(parts, (double)length - 0.5) < u);
        assert_true(length == 4099 || mixture_cdf(parts, (double)length + 0.5) >= u);
        before = length;
    }
    assert_int_equal(lengths_quantile(&spec.clients->prompt, 0), 5);
    assert_int_equal(lengths_quantile(&spec.clients->prompt, 1), 4099);
    memory_arena_free(&arena);
}

static void clipped_lengths_pile_up_at_min_and_max(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct generate_spec spec;
    read_spec(&spec, NULL, &arena);
    double below = mixture_cdf(&spec.clients->prompt.mixture, 5.5);
    double above = 1 - mixture_cdf(&spec.clients->prompt.mixture, 4098.5);
    assert_true(below > 0.05 && above > 0.05);
    struct crowd crowd = generate("prompt.outside=clip");
    /* 3 standard errors of a share near a tenth: 0.0064. */
    assert_true(fabs(share_of(crowd.prompt, 5) - below) < 0.0064);
    assert_true(fabs(share_of(crowd.prompt, 4099) - above) < 0.0064);
    crowd_free(&crowd);
    memory_arena_free(&arena);
}

static void resampled_lengths_keep_the_shape_between_min_and_max(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct generate_spec spec;
    read_spec(&spec, "prompt.outside=resample", &arena);
    const struct mixture *parts = &spec.clients->prompt.mixture;
    double inside = mixture_cdf(parts, 4099.5) - mixture_cdf(parts, 4.5);
    double at_ten = mixture_cdf(parts, 10.5) - mixture_cdf(parts, 9.5);
    double at_min = mixture_cdf(parts, 5.5) - mixture_cdf(parts, 4.5);
    struct crowd crowd = generate("prompt.outside=resample");
    assert_true(fabs(share_of(crowd.prompt, 10) - at_ten / inside) < 0.006);
    assert_true(fabs(share_of(crowd.prompt, 5) - at_min / inside) < 0.006);
    assert_true(share_of(crowd.prompt, 4099) < 0.001);
    for (int64_t i = 0; i < crowd.n; i++) {
        assert_in_range(crowd.prompt[i], 5, 4099);
    }
    crowd_free(&crowd);
    memory_arena_free(&arena);
}

static void weights_that_miss_1_by_rounding_are_scaled(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct generate_spec spec;
    read_spec(&spec, "prompt.w=0.613,0.388", &arena);
    double sum =
        spec.clients->prompt.mixture.weight[0] + spec.clients->prompt.mixture.weight[1];
    assert_true(fabs(sum - 1) < 1e-15);
    assert_true(fabs(spec.clients->prompt.mixture.weight[0] - 0.613 / 1.001) < 1e-15);
    read_spec(&spec, "prompt.w=0.613,0.397", &arena); /* 0.01, the most there may be */
    assert_true(fabs(spec.clients->prompt.mixture.weight[0] - 0.613 / 1.01) < 1e-15);
    memory_arena_free(&arena);
}

static void a_uniform_length_takes_both_ends_and_each_value_as_often(void **state)
{
    (void)state;
    struct crowd crowd = generate(NULL);
    double chi_squared = 0;
    double expected = N_REQUESTS / 135.0;
    for (int64_t value = 3; value <= 137; value++) {
        double off = share_of(crowd.output, value) * N_REQUESTS - expected;
        chi_squared += off * off / expected;
    }
    assert_true(chi_squared < 134 + 4 * sqrt(2 * 134.0));
    for (int64_t i = 0; i < crowd.n; i++) {
        assert_in_range(crowd.output[i], 3, 137);
    }
    crowd_free(&crowd);
}

/* A Gaussian copula of correlation rho gives uniform variables the correlation
 * (6 / pi) asin(rho / 2), Spearman's (Pearson, 1907). */
static void the_copula_ties_prompts_and_outputs_as_tightly_as_asked(void **state)
{
    (void)state;
    static const struct {
        const char *override;
        double rho;
    } cases[] = {{"workload.copula_rho=0.613", 0.613},
                 {"workload.copula_rho=-0.137", -0.137},
                 {"workload.copula_rho=0", 0},
                 {"workload.copula_rho=-1", -1}};
    for (int i = 0; i < 4; i++) {
        const char *const overrides[] = {
            cases[i].override, "prompt.distribution=uniform", "prompt.max=30011"};
        static const char uniform[] = "[workload]\nrequests = 20011\n"
                                      "[arrivals]\nprocess = constant\nrate_rps = 4\n"
                                      "[prompt]\nmin = 5\n"
                                      "[output]\ndistribution = uniform\n"
                                      "min = 3\nmax = 4099\n";
        write_file("w.ini", uniform, sizeof uniform - 1);
        struct crowd crowd = crowd_generate("w.ini", overrides, 3);
        double found = crowd_correlation(crowd.prompt, crowd.output, crowd.n);
        double expected = 6 / acos(-1) * asin(cases[i].rho / 2);
        assert_true(fabs(found - expected) < 0.021); /* 3 / sqrt(n) */
        crowd_free(&crowd);
    }
}

static void the_copula_leaves_the_distribution_of_outputs_alone(void **state)
{
    (void)state;
    struct crowd free_outputs = generate("workload.copula_rho=0");
    struct crowd tied_outputs = generate("workload.copula_rho=0.9");
    double distance = crowd_distance(free_outputs.output, free_outputs.n,
                                     tied_outputs.output, tied_outputs.n);
    assert_true(distance < 1.63 * sqrt(2.0 / N_REQUESTS)); /* Kolmogorov, 1 in 100 */
    assert_memory_equal(free_outputs.prompt, tied_outputs.prompt,
                        (size_t)free_outputs.n * sizeof *free_outputs.prompt);
    crowd_free(&free_outputs);
    crowd_free(&tied_outputs);
}

/* At even shares, at random ones, and at the ends. */
static void assert_table(const char *override)
{
    struct arena arena = {NULL};
    struct generate_spec spec;
    struct lengths_table table;
    struct rng rng;
    read_spec(&spec, override, &arena);
    lengths_table_init(&table, &spec.clients->prompt);
    rng_init(&rng, 41, "shares");
    for (int i = 0; i < N_REQUESTS; i++) {
        double even = i / (N_REQUESTS - 1.0);
        double any = gsl_rng_uniform(rng.generator);
        double last = 1 - any * 1e-6;
        assert_int_equal(lengths_table_quantile(&table, even),
                         lengths_quantile(&spec.clients->prompt, even));
        assert_int_equal(lengths_table_quantile(&table, any),
                         lengths_quantile(&spec.clients->prompt, any));
        assert_int_equal(lengths_table_quantile(&table, last),
                         lengths_quantile(&spec.clients->prompt, last));
    }
    rng_free(&rng);
    lengths_table_free(&table);
    memory_arena_free(&arena);
}

static void a_table_that_was_asked_often_says_what_the_first_search_says(void **state)
{
    (void)state;
    assert_table(NULL);
    assert_table("prompt.outside=resample");
    assert_table("prompt.max=1000000000"); /* far more lengths than have a place */
    assert_table("prompt.min=4099");       /* nearly all is cut off */
}

/* Of mean 4: 1 with odds of 1/4, more than k with (3/4)^k. */
static void a_geometric_length_goes_on_with_the_same_odds_after_each_token(void **state)
{
    (void)state;
    struct lengths_spec spec = {.distribution = LENGTHS_GEOMETRIC,
                                .min_tokens = 1,
                                .max_tokens = 9,
                                .mean_nano = 4000000000};
    double beyond = 1;
    for (int64_t k = 1; k < 9; k++) {
        beyond *= 0.75;
        assert_int_equal(lengths_quantile(&spec, 1 - beyond - 1e-9), k);
        assert_int_equal(lengths_quantile(&spec, 1 - beyond + 1e-9), k + 1);
    }
    assert_int_equal(lengths_quantile(&spec, 0), 1);
    assert_int_equal(lengths_quantile(&spec, 1), 9);
    spec.mean_nano = 1000000000;
    assert_int_equal(lengths_quantile(&spec, 0.37), 1);
    assert_int_equal(lengths_quantile(&spec, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cdf_of_a_mixture_is_the_weighted_sum_of_its_parts),
        cmocka_unit_test(a_quantile_is_the_nearest_whole_number_to_the_inverse_cdf),
        cmocka_unit_test(clipped_lengths_pile_up_at_min_and_max),
        cmocka_unit_test(resampled_lengths_keep_the_shape_between_min_and_max),
        cmocka_unit_test(weights_that_miss_1_by_rounding_are_scaled),
        cmocka_unit_test(a_uniform_length_takes_both_ends_and_each_value_as_often),
        cmocka_unit_test(the_copula_ties_prompts_and_outputs_as_tightly_as_asked),
        cmocka_unit_test(the_copula_leaves_the_distribution_of_outputs_alone),
        cmocka_unit_test(a_table_that_was_asked_often_says_what_the_first_search_says),
        cmocka_unit_test(
            a_geometric_length_goes_on_with_the_same_odds_after_each_token),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
