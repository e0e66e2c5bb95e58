#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/length_stats.h"
#include "study/mixture_fit.h"
#include "study/workload_fit_lengths.h"

#include <math.h>
#include <stdlib.h>

/* Whole tokens from 1 to `most`, as many of each as the mixture says for `n` requests, clipped
 * at both ends: no chance is in it, so the fit must find what was put in. */
static struct mixture_fit_cells cells_of(const struct mixture *mixture, int32_t most,
                                         double n)
{
    struct mixture_fit_cells cells = {.n = most, .count = n};
    cells.list = memory_new((size_t)most, sizeof *cells.list);
    double below = 0;
    for (int32_t i = 0; i < most; i++) {
        double share = i + 1 < most ? mixture_cdf(mixture, i + 1.5) : 1;
        cells.list[i] = (struct mixture_fit_cell){
            .low = i > 0 ? log(i + 0.5) : -INFINITY,
            .high = i + 1 < most ? log(i + 1.5) : INFINITY,
            .count = n * (share - below),
        };
        below = share;
    }
    return cells;
}

/* Each component of `expected` is there, in whatever order. */
static void assert_mixture(const struct mixture *mixture,
                           const struct mixture *expected, double tolerance)
{
    assert_int_equal(mixture->n_components, expected->n_components);
    for (int32_t i = 0; i < expected->n_components; i++) {
        double nearest = INFINITY;
        for (int32_t j = 0; j < mixture->n_components; j++) {
            double off = fabs(mixture->weight[j] - expected->weight[i]) +
                         fabs(mixture->mu[j] - expected->mu[i]) +
                         fabs(mixture->sigma[j] - expected->sigma[i]);
            nearest = fmin(nearest, off);
        }
        if (nearest > tolerance) {
            fail_msg("component %d is %g off", i, nearest);
        }
    }
}

static void a_single_lognormal_is_found_though_tokens_are_whole_and_clipped(
    void **state)
{
    (void)state;
    /* a median of 4.5 tokens, and a fifth of all beyond the cap of 13 */
    static const struct mixture expected = {
        .n_components = 1, .weight = {1}, .mu = {1.5}, .sigma = {1.27}};
    struct mixture_fit_cells cells = cells_of(&expected, 13, 20000);
    struct mixture_fit fit = mixture_fit_best(&cells, 4, NULL);
    assert_mixture(&fit.mixture, &expected, 0.02);
    assert_true(fit.bic ==
                2 * log(20000.0) - 2 * mixture_fit_likelihood(&cells, &fit.mixture));
    free(cells.list);
}

static void three_components_and_their_number_are_found(void **state)
{
    (void)state;
    static const struct mixture expected = {.n_components = 3,
                                            .weight = {0.5, 0.3, 0.2},
                                            .mu = {3.1, 5.0, 6.5},
                                            .sigma = {0.6, 0.05, 0.25}};
    struct mixture_fit_cells cells = cells_of(&expected, 1400, 20000);
    struct mixture_fit fit = mixture_fit_best(&cells, 5, NULL);
    assert_mixture(&fit.mixture, &expected, 0.03);
    free(cells.list);
}

static void a_cap_and_a_default_become_narrow_components(void **state)
{
    (void)state;
    enum { N = 10000 };
    struct length_stats stats = {0};
    static const struct mixture body = {
        .n_components = 1, .weight = {1}, .mu = {6.5}, .sigma = {0.8}};
    /* evenly spaced shares of the body, and 30 % at 777, 10 % at the cap of 4096 */
    int64_t tokens = 1;
    for (int i = 0; i < N * 6 / 10; i++) {
        while (tokens < 4096 &&
               mixture_cdf(&body, (double)tokens + 0.5) < (i + 0.5) / (N * 0.6)) {
            tokens++;
        }
        length_stats_add(&stats, tokens, 1);
    }
    for (int i = 0; i < N * 4 / 10; i++) {
        length_stats_add(&stats, i % 4 == 0 ? 4096 : 777, 1);
    }
    struct length_order order = length_stats_order(&stats, 0);
    struct workload_fit_lengths fit = workload_fit_lengths_of(&order, NULL);
    assert_int_equal(fit.least, order.tokens[0]);
    assert_int_equal(fit.most, 4096);
    assert_true(fit.ks < 0.01);
    assert_true(fit.lognormal.ks > 0.1 && fit.gamma.ks > 0.1);
    assert_true(fit.fit.bic < fit.lognormal.bic && fit.fit.bic < fit.gamma.bic);
    double at_default =
        mixture_cdf(&fit.fit.mixture, 777.5) - mixture_cdf(&fit.fit.mixture, 776.5);
    assert_true(at_default > 0.29 && at_default < 0.32);
    free(order.tokens);
    length_stats_free(&stats);
}

static void one_length_is_no_mixture_and_two_are_two(void **state)
{
    (void)state;
    struct length_stats stats = {0};
    for (int i = 0; i < 300; i++) {
        length_stats_add(&stats, 4099, i % 3 == 0 ? 300 : 301);
    }
    struct length_order order = length_stats_order(&stats, 0);
    struct workload_fit_lengths fit = workload_fit_lengths_of(&order, NULL);
    assert_int_equal(fit.least, 4099);
    assert_int_equal(fit.most, 4099);
    free(order.tokens);
    order = length_stats_order(&stats, 1);
    fit = workload_fit_lengths_of(&order, NULL);
    assert_true(fit.ks < 0.01);
    free(order.tokens);
    length_stats_free(&stats);
}

/* x^2 exp(-x / 300) is a Gamma distribution of shape 3. */
static void a_gamma_distribution_is_told(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct length_stats stats = {0};
    int64_t tokens = 1;
    for (int i = 0; i < N; i++) {
        double share = (i + 0.5) / N;
        for (;;) {
            double x = ((double)tokens + 0.5) / 300;
            if (1 - exp(-x) * (1 + x + x * x / 2) >= share) {
                break;
            }
            tokens++;
        }
        length_stats_add(&stats, tokens, 1);
    }
    struct length_order order = length_stats_order(&stats, 0);
    struct workload_fit_lengths fit = workload_fit_lengths_of(&order, NULL);
    assert_true(fabs(fit.gamma_shape - 3) < 0.02);
    assert_true(fit.gamma.ks < 0.001);
    assert_true(fit.gamma.bic < fit.lognormal.bic);
    assert_true(fit.ks < 0.005);
    free(order.tokens);
    length_stats_free(&stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_single_lognormal_is_found_though_tokens_are_whole_and_clipped),
        cmocka_unit_test(three_components_and_their_number_are_found),
        cmocka_unit_test(a_cap_and_a_default_become_narrow_components),
        cmocka_unit_test(one_length_is_no_mixture_and_two_are_two),
        cmocka_unit_test(a_gamma_distribution_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
