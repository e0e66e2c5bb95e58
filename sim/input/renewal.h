/* renewal: gaps that do not depend on each other, of a few families.
 *
 * Gamma and Weibull gaps with the same coefficient of variation look alike near 1; far
 * above it a Weibull has fewer tiny gaps and a longer tail.
 */
#ifndef SERVESIM_INPUT_RENEWAL_H
#define SERVESIM_INPUT_RENEWAL_H

#include <stdbool.h>

#include "base/rng.h"

enum renewal_family {
    RENEWAL_CONSTANT,
    RENEWAL_EXPONENTIAL,
    RENEWAL_GAMMA,
    RENEWAL_WEIBULL
};

/* The shape whose gaps have that coefficient of variation, which is 0.01 to 100. */
double renewal_gamma_shape(double cv);
double renewal_weibull_shape(double cv);

/* A gap with that mean; families without a shape do not look at it. */
double renewal_draw(enum renewal_family family, double shape, double mean,
                    struct rng *rng);

/* What is left of a gap that is under way at a moment that knows nothing of it: with this
 * in front the process is stationary, its mean count that of its rate from the start
 * (Cox, Renewal Theory, 1962, section 5.2). */
double renewal_draw_rest(enum renewal_family family, double shape, double mean,
                         struct rng *rng);

#endif
