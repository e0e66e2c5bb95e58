#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/workload_fit_arrivals.h"
#include "study/workload_fit_cox.h"

#include <math.h>
#include <stdlib.h>

static const struct arrivals_spec poisson = {.process = ARRIVALS_POISSON,
                                             .rate_nano_per_s = 4700000000};
static const struct arrivals_spec gamma_gaps = {
    .process = ARRIVALS_GAMMA, .rate_nano_per_s = 4700000000, .shape = 0.25};
static const struct arrivals_spec weibull = {
    .process = ARRIVALS_WEIBULL, .rate_nano_per_s = 4700000000, .shape = 0.6};
static const struct arrivals_spec cox = {.process = ARRIVALS_COX,
                                         .rate_nano_per_s = 5300000000,
                                         .shape = 0.87,
                                         .modulation_cv_nano = 300000000,
                                         .tau_ns = 97000000000};
/* Bursts of 40 in the median with gaps of 50 ms, half a minute of silence between them. */
static const struct arrivals_spec onoff = {
    .process = ARRIVALS_ONOFF,
    .burst_mu_nano = 3700000000,
    .burst_sigma_nano = 700000000,
    .burst_max = 1000,
    .gap = {.n_components = 1, .weight = {1}, .mu = {-3}, .sigma = {0.8}},
    .gap_max_ns = 2000000000,
    .off_min_ns = 5000000000,
    .off_mu_nano = 3000000000,
    .off_sigma_nano = 500000000,
    .off_max_ns = 100000000000};

static int64_t *arrivals_of(const struct arrivals_spec *spec, uint64_t seed, int64_t n)
{
    struct arrivals arrivals;
    int64_t *at_ns = memory_new((size_t)n, sizeof *at_ns);
    arrivals_init(&arrivals, spec, seed);
    for (int64_t i = 0; i < n; i++) {
        at_ns[i] = arrivals_next(&arrivals);
    }
    arrivals_free(&arrivals);
    return at_ns;
}

/* Fits `n` arrivals of the process; the one that was chosen. */
static struct workload_fit_candidate fit_of(const struct arrivals_spec *spec, int64_t n)
{
    int64_t *at_ns = arrivals_of(spec, 4099, n);
    struct workload_fit_traffic traffic;
    struct workload_fit_arrivals fit;
    workload_fit_traffic_init(&traffic, at_ns, n);
    assert_int_equal(workload_fit_arrivals_of(&fit, &traffic, NULL), 0);
    workload_fit_traffic_free(&traffic);
    free(at_ns);
    return fit.candidates[fit.chosen];
}

static void assert_between(double value, double least, double greatest)
{
    if (!(value >= least && value <= greatest)) {
        fail_msg("%g is not from %g to %g", value, least, greatest);
    }
}

/* Four standard errors of a mean gap: 4 / sqrt(n). */
static void poisson_arrivals_are_found_to_be_that(void **state)
{
    (void)state;
    struct workload_fit_candidate found = fit_of(&poisson, 6000);
    assert_int_equal(found.spec.process, ARRIVALS_POISSON);
    assert_true(found.is_like);
    assert_between((double)found.spec.rate_nano_per_s / 4.7e9, 0.948, 1.052);
    assert_true(found.likeness.ks < 0.03);
}

static void gamma_gaps_and_their_shape_are_found(void **state)
{
    (void)state;
    struct workload_fit_candidate found = fit_of(&gamma_gaps, 20000);
    assert_int_equal(found.spec.process, ARRIVALS_GAMMA);
    assert_true(found.is_like);
    /* cv^2 of 20,000 gaps: four times sqrt((kurtosis of 24 + ...) / n) is some 15 % */
    assert_between(found.spec.shape / 0.25, 0.85, 1.15);
}

/* A cv of 1.76, as that of Gamma gaps might be; the gaps tell which of the two they are. */
static void weibull_gaps_are_not_taken_for_gamma_ones(void **state)
{
    (void)state;
    struct workload_fit_candidate found = fit_of(&weibull, 20000);
    assert_int_equal(found.spec.process, ARRIVALS_WEIBULL);
    assert_true(found.is_like);
    assert_true(found.likeness.ks < 0.02);
    assert_between(found.spec.shape / 0.6, 0.95, 1.05);
}

/* How long the rate remembers is not well known from an hour of it. */
static void a_rate_that_wanders_is_found_with_its_size_and_memory(void **state)
{
    (void)state;
    struct workload_fit_candidate found = fit_of(&cox, 40000);
    assert_int_equal(found.spec.process, ARRIVALS_COX);
    assert_true(found.is_like);
    assert_between((double)found.spec.modulation_cv_nano / 3e8, 0.75, 1.35);
    assert_between((double)found.spec.tau_ns / 97e9, 0.4, 2.5);
    assert_between(found.spec.shape / 0.87, 0.9, 1.1);
}

static void bursts_are_found_where_silence_shows(void **state)
{
    (void)state;
    struct workload_fit_candidate found = fit_of(&onoff, 8000);
    assert_int_equal(found.spec.process, ARRIVALS_ONOFF);
    assert_true(found.is_like);
    /* some 160 bursts: their mean is known to 0.7 / sqrt(160) */
    assert_between((double)found.spec.burst_mu_nano / 1e9, 3.7 - 0.25, 3.7 + 0.25);
    assert_between((double)found.spec.burst_sigma_nano / 1e9, 0.5, 0.9);
    assert_between((double)found.spec.off_min_ns / 1e9, 1, 10);
    assert_true(found.likeness.ks < 0.05);
}

static void even_gaps_are_constant_arrivals(void **state)
{
    (void)state;
    static const struct arrivals_spec constant = {.process = ARRIVALS_CONSTANT,
                                                  .rate_nano_per_s = 1370000000};
    struct workload_fit_candidate found = fit_of(&constant, 500);
    assert_int_equal(found.spec.process, ARRIVALS_CONSTANT);
    assert_between((double)found.spec.rate_nano_per_s / 1.37e9, 0.999, 1.001);
}

/* A renewal process that has the gaps of a wandering rate, and none of its minutes. */
static void a_renewal_process_does_not_win_by_its_gaps(void **state)
{
    (void)state;
    int64_t *at_ns = arrivals_of(&cox, 7, 20000);
    struct workload_fit_traffic traffic;
    struct workload_fit_arrivals fit;
    workload_fit_traffic_init(&traffic, at_ns, 20000);
    assert_int_equal(workload_fit_arrivals_of(&fit, &traffic, NULL), 0);
    const struct workload_fit_candidate *found = &fit.candidates[fit.chosen];
    assert_int_equal(found->spec.process, ARRIVALS_COX);
    for (int32_t i = 0; i < fit.chosen; i++) {
        assert_false(fit.candidates[i].is_like);
        assert_true(fit.candidates[i].likeness.ks < 0.1); /* its gaps would do */
        assert_true(fit.candidates[i].likeness.mean[WORKLOAD_FIT_IDC_60] <
                    traffic.figures[WORKLOAD_FIT_IDC_60] / 3);
    }
    workload_fit_traffic_free(&traffic);
    free(at_ns);
}

/* The equation of the index against what is drawn, within four standard errors and 3 %, for the
 * rate holds for a second at a time. */
static void the_index_of_a_wandering_rate_is_what_is_drawn(void **state)
{
    (void)state;
    enum { N = 10000, TRACES = 40 };
    static const int64_t windows_s[] = {1, 10, 60, 300};
    for (int w = 0; w < 4; w++) {
        double sum = 0;
        double squares = 0;
        double expected = 0;
        for (uint64_t seed = 1; seed <= TRACES; seed++) {
            int64_t *at_ns = arrivals_of(&cox, seed, N);
            struct workload_fit_traffic traffic = {.arrivals_ns = at_ns, .n = N};
            int64_t n;
            double index = workload_fit_traffic_idc(&traffic, windows_s[w], &n);
            sum += index;
            squares += index * index;
            expected +=
                workload_fit_cox_idc(5.3, 0.87, 0.3, 97, (double)windows_s[w], n);
            free(at_ns);
        }
        double mean = sum / TRACES;
        double error = sqrt((squares / TRACES - mean * mean) / TRACES);
        assert_between(expected / TRACES, 0.97 * mean - 4 * error,
                       1.03 * mean + 4 * error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poisson_arrivals_are_found_to_be_that),
        cmocka_unit_test(gamma_gaps_and_their_shape_are_found),
        cmocka_unit_test(weibull_gaps_are_not_taken_for_gamma_ones),
        cmocka_unit_test(a_rate_that_wanders_is_found_with_its_size_and_memory),
        cmocka_unit_test(bursts_are_found_where_silence_shows),
        cmocka_unit_test(even_gaps_are_constant_arrivals),
        cmocka_unit_test(a_renewal_process_does_not_win_by_its_gaps),
        cmocka_unit_test(the_index_of_a_wandering_rate_is_what_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
