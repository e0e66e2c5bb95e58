/* mixture_fit: mixtures of lognormal distributions that are most likely to have made numbers.
 *
 * Numbers are given as cells, stretches of the logarithm with a count: what is rounded to
 * whole tokens is known to lie in a cell, not on a point, and what was cut off at a cap lies
 * anywhere beyond it.  So no component can become a needle of infinite likelihood.
 *
 * Expectation-maximisation on grouped data (McLachlan and Jones, "Fitting mixture models to
 * grouped and truncated data via the EM algorithm", Biometrics 44, 1988).  Components are
 * added one by one where the mixture lacks most (Vlassis and Likas, "A greedy EM algorithm for
 * Gaussian mixture learning", Neural Processing Letters 15, 2002), and their number is the one
 * with the least BIC (Schwarz, 1978).  Nothing is random.
 */
#ifndef SERVESIM_STUDY_MIXTURE_FIT_H
#define SERVESIM_STUDY_MIXTURE_FIT_H

#include <signal.h>
#include <stdint.h>

#include "input/mixture.h"

/* From `low` to `high`, logarithms; -INFINITY and INFINITY at the ends are allowed. */
struct mixture_fit_cell {
    double low;
    double high;
    double count;
};

struct mixture_fit_cells {
    struct mixture_fit_cell *list; /* in ascending order, none over another */
    int32_t n;
    double count; /* of all */
    double
        least_sigma; /* of any component; 0: 10^-4, less than a token at any length */
};

struct mixture_fit {
    struct mixture mixture;
    double log_likelihood;
    double bic; /* the less the better */
};

/* The log likelihood of the cells. */
double mixture_fit_likelihood(const struct mixture_fit_cells *cells,
                              const struct mixture *mixture);

/* The best mixture of 1 to `most` components, at most MIXTURE_MOST, tried in turn until
 * `*interrupted` (NULL: never) becomes 1.  Two cells at least. */
struct mixture_fit mixture_fit_best(const struct mixture_fit_cells *cells, int32_t most,
                                    const volatile sig_atomic_t *interrupted);

#endif
