/* fit: nonlinear least squares on a function that is slow and not quite smooth.
 *
 * Levenberg-Marquardt in a trust region (GSL), with central differences whose step is wide
 * enough to see over the small jumps that a simulation makes; where it stalls far from an
 * optimum, the Nelder-Mead simplex goes on.  It knows nothing of what it fits.
 */
#ifndef SERVESIM_STUDY_FIT_H
#define SERVESIM_STUDY_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fit_problem {
    size_t n_residuals;
    size_t n_parameters;
    double step; /* of the differences, in the parameters' own units */
    /* Fills the residuals at `at`; -1 if the user wants it to end. */
    int (*residuals)(void *context, const double *at, double *residuals);
    void *context;
};

struct fit_outcome {
    int32_t n_iterations;
    bool by_simplex;
    bool interrupted; /* nothing else is to be used */
};

/* Moves `at` to the least sum of squares, in at most `most_iterations` iterations; fills
 * the residuals there and the matrix of their derivatives, row by row. */
struct fit_outcome fit_solve(const struct fit_problem *problem, int32_t most_iterations,
                             double *at, double *residuals, double *derivatives);

/* The derivatives at `at`; -1 if interrupted. */
int fit_derivatives(const struct fit_problem *problem, const double *at,
                    double *derivatives);

/* inverse(D'D) of a matrix of n x p derivatives, into p x p.  What the rows do not tell
 * apart gets a large variance, not an error; a column of zeros gets INFINITY. */
void fit_information(const double *derivatives, size_t n, size_t p, double *inverse);

/* The covariance of the parameters: robust to errors that are alike within a cluster
 * (Liang and Zeger, 1986) if there are three clusters or more for each of them: with fewer
 * it comes out too small.  Else that of independent errors, and false is returned. */
bool fit_covariance(const double *derivatives, const double *residuals,
                    const int32_t *clusters, int32_t n_clusters, size_t n, size_t p,
                    double *covariance);

/* A Gauss-Newton step on the rows that `is_used` says, added to `at`. */
void fit_step(const double *derivatives, const double *residuals, const bool *is_used,
              size_t n, size_t p, double *at);

#endif
