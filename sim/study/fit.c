#include "study/fit.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

/* GSL asks for derivatives where it last asked for residuals: those are kept. */
struct memo {
    const struct fit_problem *problem;
    double *at;
    double *residuals;
    bool is_filled;
    bool interrupted;
};

static void memo_init(struct memo *memo, const struct fit_problem *problem)
{
    *memo = (struct memo){.problem = problem};
    memo->at = memory_new(problem->n_parameters, sizeof *memo->at);
    memo->residuals = memory_new(problem->n_residuals, sizeof *memo->residuals);
}

static void memo_free(struct memo *memo)
{
    free(memo->at);
    free(memo->residuals);
}

/* The residuals at x, kept in the memo; -1 if interrupted. */
static int memo_fill(struct memo *memo, const gsl_vector *x)
{
    const struct fit_problem *problem = memo->problem;
    bool is_same = memo->is_filled;
    for (size_t i = 0; i < problem->n_parameters; i++) {
        is_same = is_same && memo->at[i] == gsl_vector_get(x, i);
        memo->at[i] = gsl_vector_get(x, i);
    }
    if (is_same) {
        return 0;
    }
    memo->is_filled =
        !memo->interrupted &&
        problem->residuals(problem->context, memo->at, memo->residuals) == 0;
    memo->interrupted = !memo->is_filled;
    return memo->is_filled ? 0 : -1;
}

int fit_derivatives(const struct fit_problem *problem, const double *at,
                    double *derivatives)
{
    size_t n = problem->n_residuals;
    size_t p = problem->n_parameters;
    double *moved = memory_new(p, sizeof *moved);
    double *below = memory_new(n, sizeof *below);
    double *above = memory_new(n, sizeof *above);
    int status = 0;
    memcpy(moved, at, p * sizeof *moved);
    for (size_t j = 0; j < p && status == 0; j++) {
        moved[j] = at[j] - problem->step;
        status = problem->residuals(problem->context, moved, below);
        moved[j] = at[j] + problem->step;
        status = status == 0 ? problem->residuals(problem->context, moved, above) : -1;
        moved[j] = at[j];
        for (size_t i = 0; i < n && status == 0; i++) {
            derivatives[i * p + j] = (above[i] - below[i]) / (2 * problem->step);
        }
    }
    free(moved);
    free(below);
    free(above);
    return status;
}

static int residuals_for_gsl(const gsl_vector *x, void *state, gsl_vector *f)
{
    struct memo *memo = state;
    if (memo_fill(memo, x) != 0) {
        return GSL_EFAILED;
    }
    for (size_t i = 0; i < memo->problem->n_residuals; i++) {
        gsl_vector_set(f, i, memo->residuals[i]);
    }
    return GSL_SUCCESS;
}

static int derivatives_for_gsl(const gsl_vector *x, void *state, gsl_matrix *jacobian)
{
    struct memo *memo = state;
    const struct fit_problem *problem = memo->problem;
    CHECK(jacobian->tda == problem->n_parameters);
    if (memo_fill(memo, x) != 0 ||
        fit_derivatives(problem, memo->at, jacobian->data) != 0) {
        memo->interrupted = true;
        return GSL_EFAILED;
    }
    return GSL_SUCCESS;
}

/* The largest cosine of the angle between the residuals and a column of derivatives: 0 at
 * an optimum (More, 1978). */
static double largest_cosine(const gsl_vector *f, const gsl_matrix *jacobian)
{
    double norm = gsl_blas_dnrm2(f);
    double largest = 0;
    for (size_t j = 0; j < jacobian->size2; j++) {
        gsl_vector_const_view column = gsl_matrix_const_column(jacobian, j);
        double product = 0;
        gsl_blas_ddot(&column.vector, f, &product);
        double lengths = norm * gsl_blas_dnrm2(&column.vector);
        largest = lengths > 0 ? fmax(largest, fabs(product) / lengths) : largest;
    }
    return largest;
}

static double sum_of_squares(const gsl_vector *x, void *state)
{
    struct memo *memo = state;
    double sum = 0;
    if (memo_fill(memo, x) != 0) {
        return GSL_NAN;
    }
    for (size_t i = 0; i < memo->problem->n_residuals; i++) {
        sum += memo->residuals[i] * memo->residuals[i];
    }
    return sum;
}

/* From where the other method stalled. */
static void solve_by_simplex(struct memo *memo, gsl_vector *x,
                             struct fit_outcome *outcome)
{
    enum { EVALUATIONS_EACH = 40 };
    size_t p = memo->problem->n_parameters;
    gsl_multimin_function function = {.f = sum_of_squares, .n = p, .params = memo};
    gsl_multimin_fminimizer *solver =
        gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, p);
    gsl_vector *steps = gsl_vector_alloc(p);
    CHECK(solver != NULL && steps != NULL);
    gsl_vector_set_all(steps, 0.1);
    int status = gsl_multimin_fminimizer_set(solver, &function, x, steps);
    for (size_t i = 0; i < EVALUATIONS_EACH * p && status == GSL_SUCCESS; i++) {
        status = gsl_multimin_fminimizer_iterate(solver);
        if (gsl_multimin_fminimizer_size(solver) < 0.002) {
            break;
        }
    }
    if (!memo->interrupted) {
        gsl_vector_memcpy(x, solver->x);
    }
    outcome->by_simplex = true;
    gsl_vector_free(steps);
    gsl_multimin_fminimizer_free(solver);
}

/* Until steps and gains are small; true if it ended where no step helps. */
static bool iterate(gsl_multifit_nlinear_workspace *solver, int32_t most_iterations,
                    struct fit_outcome *outcome)
{
    double before = gsl_blas_dnrm2(gsl_multifit_nlinear_residual(solver));
    while (outcome->n_iterations < most_iterations) {
        int status = gsl_multifit_nlinear_iterate(solver);
        if (status != GSL_SUCCESS) {
            return true;
        }
        outcome->n_iterations++;
        double after = gsl_blas_dnrm2(gsl_multifit_nlinear_residual(solver));
        bool is_small = gsl_blas_dnrm2(solver->dx) < 1e-3;
        if (after < 1e-12 || (is_small && before - after < 1e-4 * before)) {
            return false;
        }
        before = after;
    }
    return false;
}

static gsl_multifit_nlinear_workspace *workspace_of(const struct fit_problem *problem)
{
    gsl_multifit_nlinear_parameters parameters =
        gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_workspace *solver =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters,
                                   problem->n_residuals, problem->n_parameters);
    CHECK(solver != NULL);
    return solver;
}

struct fit_outcome fit_solve(const struct fit_problem *problem, int32_t most_iterations,
                             double *at, double *residuals, double *derivatives)
{
    size_t n = problem->n_residuals;
    size_t p = problem->n_parameters;
    struct fit_outcome outcome = {0};
    struct memo memo;
    memo_init(&memo, problem);
    gsl_set_error_handler_off();
    gsl_multifit_nlinear_workspace *solver = workspace_of(problem);
    gsl_multifit_nlinear_fdf fdf = {.f = residuals_for_gsl,
                                    .df = derivatives_for_gsl,
                                    .n = n,
                                    .p = p,
                                    .params = &memo};
    gsl_vector_view start = gsl_vector_view_array(at, p);
    if (gsl_multifit_nlinear_init(&start.vector, &fdf, solver) == GSL_SUCCESS) {
        bool stalled = iterate(solver, most_iterations, &outcome);
        gsl_vector_memcpy(&start.vector, gsl_multifit_nlinear_position(solver));
        if (stalled && !memo.interrupted &&
            largest_cosine(gsl_multifit_nlinear_residual(solver),
                           gsl_multifit_nlinear_jac(solver)) > 0.1) {
            solve_by_simplex(&memo, &start.vector, &outcome);
        }
    }
    outcome.interrupted = memo.interrupted || memo_fill(&memo, &start.vector) != 0 ||
                          fit_derivatives(problem, at, derivatives) != 0;
    memcpy(residuals, memo.residuals, n * sizeof *residuals);
    gsl_multifit_nlinear_free(solver);
    memo_free(&memo);
    return outcome;
}

/* inverse(A) of a symmetric matrix, scaled to a unit diagonal, on which a little is added:
 * what cannot be told apart is then very uncertain. */
static void invert(double *a, size_t p, double little)
{
    double *scale = memory_new(p, sizeof *scale);
    gsl_matrix *scaled = gsl_matrix_calloc(p, p);
    CHECK(scaled != NULL);
    for (size_t i = 0; i < p; i++) {
        scale[i] = a[i * p + i] > 0 ? 1 / sqrt(a[i * p + i]) : 0;
    }
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < p; j++) {
            double value = i == j ? 1 + little : a[i * p + j] * scale[i] * scale[j];
            gsl_matrix_set(scaled, i, j, value);
        }
    }
    CHECK(gsl_linalg_cholesky_decomp1(scaled) == GSL_SUCCESS &&
          gsl_linalg_cholesky_invert(scaled) == GSL_SUCCESS);
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < p; j++) {
            double value = gsl_matrix_get(scaled, i, j) * scale[i] * scale[j];
            a[i * p + j] = i == j && scale[i] == 0 ? INFINITY : value;
        }
    }
    gsl_matrix_free(scaled);
    free(scale);
}

static void add_squares(const double *row, size_t p, double *sum)
{
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < p; j++) {
            sum[i * p + j] += row[i] * row[j];
        }
    }
}

void fit_information(const double *derivatives, size_t n, size_t p, double *inverse)
{
    memset(inverse, 0, p * p * sizeof *inverse);
    for (size_t i = 0; i < n; i++) {
        add_squares(derivatives + i * p, p, inverse);
    }
    invert(inverse, p, 1e-9);
}

/* The sum over clusters of the squares of their gradients. */
static void add_clusters(const double *derivatives, const double *residuals,
                         const int32_t *clusters, int32_t n_clusters, size_t n,
                         size_t p, double *sum)
{
    double *gradients = memory_new((size_t)n_clusters * p, sizeof *gradients);
    for (size_t i = 0; i < n; i++) {
        double *gradient = gradients + (size_t)clusters[i] * p;
        for (size_t j = 0; j < p; j++) {
            gradient[j] += derivatives[i * p + j] * residuals[i];
        }
    }
    for (int32_t i = 0; i < n_clusters; i++) {
        add_squares(gradients + (size_t)i * p, p, sum);
    }
    free(gradients);
}

/* left x middle x left; INFINITY on the diagonal stays. */
static void sandwich(const double *left, const double *middle, size_t p, double factor,
                     double *result)
{
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < p; j++) {
            double sum = 0;
            for (size_t k = 0; k < p; k++) {
                for (size_t l = 0; l < p; l++) {
                    bool counts =
                        isfinite(left[i * p + k]) && isfinite(left[l * p + j]);
                    sum += counts
                               ? left[i * p + k] * middle[k * p + l] * left[l * p + j]
                               : 0;
                }
            }
            bool unknown = i == j && !isfinite(left[i * p + i]);
            result[i * p + j] = unknown ? INFINITY : factor * sum;
        }
    }
}

bool fit_covariance(const double *derivatives, const double *residuals,
                    const int32_t *clusters, int32_t n_clusters, size_t n, size_t p,
                    double *covariance)
{
    double *inverse = memory_new(p * p, sizeof *inverse);
    fit_information(derivatives, n, p, inverse);
    double free_rows = n > p ? (double)(n - p) : 1;
    bool is_robust = (size_t)n_clusters >= 3 * p;
    if (is_robust) {
        double *middle = memory_new(p * p, sizeof *middle);
        double groups = n_clusters;
        add_clusters(derivatives, residuals, clusters, n_clusters, n, p, middle);
        sandwich(inverse, middle, p, groups / (groups - 1) * (double)n / free_rows,
                 covariance);
        free(middle);
    } else {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            sum += residuals[i] * residuals[i];
        }
        for (size_t i = 0; i < p * p; i++) {
            covariance[i] = inverse[i] * (isfinite(inverse[i]) ? sum / free_rows : 1);
        }
    }
    free(inverse);
    return is_robust;
}

void fit_step(const double *derivatives, const double *residuals, const bool *is_used,
              size_t n, size_t p, double *at)
{
    double *inverse = memory_new(p * p, sizeof *inverse);
    double *gradient = memory_new(p, sizeof *gradient);
    for (size_t i = 0; i < n; i++) {
        if (is_used[i]) {
            add_squares(derivatives + i * p, p, inverse);
            for (size_t j = 0; j < p; j++) {
                gradient[j] += derivatives[i * p + j] * residuals[i];
            }
        }
    }
    invert(inverse, p, 1e-3); /* damped: what is not known does not move */
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < p; j++) {
            bool counts = isfinite(inverse[i * p + j]);
            at[i] -= counts ? inverse[i * p + j] * gradient[j] : 0;
        }
    }
    free(inverse);
    free(gradient);
}
