#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "study/fit.h"

enum { N = 12 };

/* y = 3.7 exp(-0.41 x) */
static int decay(void *context, const double *at, double *residuals)
{
    (void)context;
    for (int i = 0; i < N; i++) {
        double x = 0.3 * i;
        residuals[i] = at[0] * exp(-at[1] * x) - 3.7 * exp(-0.41 * x);
    }
    return 0;
}

/* The same in steps, as a simulation has them: no derivative is quite right. */
static int decay_in_steps(void *context, const double *at, double *residuals)
{
    const double step = 0.004;
    int status = decay(context, at, residuals);
    for (int i = 0; i < N; i++) {
        residuals[i] = step * floor(residuals[i] / step + 0.5);
    }
    return status;
}

/* Two parameters of which only the sum counts, one that does not count. */
static int sum_alone(void *context, const double *at, double *residuals)
{
    (void)context;
    for (int i = 0; i < N; i++) {
        residuals[i] =
            (at[0] + at[1] - 5.3) * (1 + 0.1 * i) + (i % 2 == 0 ? 0.1 : -0.1);
    }
    return 0;
}

static int count_to_three(void *context, const double *at, double *residuals)
{
    int *n = context;
    return ++*n > 3 ? -1 : decay(NULL, at, residuals);
}

static struct fit_problem problem_of(int (*residuals)(void *, const double *, double *),
                                     size_t n_parameters)
{
    return (struct fit_problem){.n_residuals = N,
                                .n_parameters = n_parameters,
                                .step = 0.03,
                                .residuals = residuals};
}

static void a_curve_is_found_from_far_away(void **state)
{
    (void)state;
    struct fit_problem problem = problem_of(decay, 2);
    double at[2] = {1.1, 1.3};
    double residuals[N];
    double derivatives[2 * N];
    struct fit_outcome outcome = fit_solve(&problem, 50, at, residuals, derivatives);
    assert_false(outcome.interrupted);
    assert_true(fabs(at[0] - 3.7) <= 1e-3);
    assert_true(fabs(at[1] - 0.41) <= 1e-3);
}

static void steps_in_the_function_do_not_stop_the_search(void **state)
{
    (void)state;
    struct fit_problem problem = problem_of(decay_in_steps, 2);
    double at[2] = {1.1, 1.3};
    double residuals[N];
    double derivatives[2 * N];
    struct fit_outcome outcome = fit_solve(&problem, 50, at, residuals, derivatives);
    assert_false(outcome.interrupted);
    assert_true(fabs(at[0] - 3.7) <= 0.05);
    assert_true(fabs(at[1] - 0.41) <= 0.02);
}

static void an_interrupt_ends_it(void **state)
{
    (void)state;
    int n = 0;
    struct fit_problem problem = problem_of(count_to_three, 2);
    problem.context = &n;
    double at[2] = {1.1, 1.3};
    double residuals[N];
    double derivatives[2 * N];
    assert_true(fit_solve(&problem, 50, at, residuals, derivatives).interrupted);
    assert_int_equal(n, 4);
}

static void what_rows_do_not_tell_apart_is_very_uncertain(void **state)
{
    (void)state;
    struct fit_problem problem = problem_of(sum_alone, 3);
    double at[3] = {2, 3, 7};
    double residuals[N];
    double derivatives[3 * N];
    double covariance[9];
    int32_t clusters[N] = {0};
    fit_solve(&problem, 50, at, residuals, derivatives);
    assert_true(fabs(at[0] + at[1] - 5.3) <= 0.1);
    assert_true(fabs(at[2] - 7) <= 1e-12);
    assert_false(fit_covariance(derivatives, residuals, clusters, 1, N, 3, covariance));
    assert_true(sqrt(covariance[0]) > 100);
    assert_true(isinf(covariance[8]));
    double of_sum = covariance[0] + covariance[4] + 2 * covariance[1];
    assert_true(sqrt(fabs(of_sum)) < 1);
}

/* 100 rows of a mean in 10 clusters, each with one error: as much is known as from 10. */
static void rows_that_err_alike_are_not_counted_as_many(void **state)
{
    (void)state;
    enum { ROWS = 100, CLUSTERS = 10 };
    double derivatives[ROWS];
    double residuals[ROWS];
    int32_t clusters[ROWS];
    double covariance;
    for (int i = 0; i < ROWS; i++) {
        clusters[i] = i % CLUSTERS;
        derivatives[i] = 1;
        residuals[i] = clusters[i] % 2 == 0 ? 0.3 : -0.3;
    }
    assert_true(fit_covariance(derivatives, residuals, clusters, CLUSTERS, ROWS, 1,
                               &covariance));
    assert_true(fabs(sqrt(covariance) - (0.3 / sqrt(CLUSTERS))) <= 0.01);
}

static void a_step_without_some_rows_forgets_them(void **state)
{
    (void)state;
    const double derivatives[4] = {1, 1, 1, 1};
    const double residuals[4] = {-1.5, -1.5, -1.5, -97};
    const bool is_used[4] = {true, true, true, false};
    double at = 0;
    fit_step(derivatives, residuals, is_used, 4, 1, &at);
    assert_true(fabs(at - 1.5) <= 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_is_found_from_far_away),
        cmocka_unit_test(steps_in_the_function_do_not_stop_the_search),
        cmocka_unit_test(an_interrupt_ends_it),
        cmocka_unit_test(what_rows_do_not_tell_apart_is_very_uncertain),
        cmocka_unit_test(rows_that_err_alike_are_not_counted_as_many),
        cmocka_unit_test(a_step_without_some_rows_forgets_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
