#include "input/renewal.h"

#include "base/check.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

double renewal_gamma_shape(double cv)
{
    return 1 / (cv * cv);
}

/* cv^2 = G(1 + 2/k) / G(1 + 1/k)^2 - 1 falls in k: from 1.8e6 at 0.1 to 1.6e-5 at 316. */
double renewal_weibull_shape(double cv)
{
    double wanted = log1p(cv * cv);
    double low = log(0.1);
    double high = log(316);
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        double per_shape = exp(-middle);
        double found =
            gsl_sf_lngamma(1 + 2 * per_shape) - 2 * gsl_sf_lngamma(1 + per_shape);
        *(found > wanted ? &low : &high) = middle;
    }
    return exp((low + high) / 2);
}

double renewal_draw(enum renewal_family family, double shape, double mean,
                    struct rng *rng)
{
    switch (family) {
    case RENEWAL_CONSTANT:
        return mean;
    case RENEWAL_EXPONENTIAL:
        return gsl_ran_exponential(rng->generator, mean);
    case RENEWAL_GAMMA:
        return gsl_ran_gamma(rng->generator, shape, mean / shape);
    case RENEWAL_WEIBULL:
        return gsl_ran_weibull(rng->generator, mean / gsl_sf_gamma(1 + 1 / shape),
                               shape);
    }
    CHECK(false);
    return 0;
}

/* A gap is found under way in proportion to its length, at any point of it.  Such a gap is
 * a Gamma of shape k + 1; for Weibull gaps its k-th power is a Gamma of shape 1 + 1/k. */
double renewal_draw_rest(enum renewal_family family, double shape, double mean,
                         struct rng *rng)
{
    double share = gsl_rng_uniform(rng->generator);
    switch (family) {
    case RENEWAL_CONSTANT:
        return mean * share;
    case RENEWAL_EXPONENTIAL:
        return gsl_ran_exponential(rng->generator, mean);
    case RENEWAL_GAMMA:
        return gsl_ran_gamma(rng->generator, shape + 1, mean / shape) * share;
    case RENEWAL_WEIBULL:
        return pow(gsl_ran_gamma(rng->generator, 1 + 1 / shape, 1), 1 / shape) * mean /
               gsl_sf_gamma(1 + 1 / shape) * share;
    }
    CHECK(false);
    return 0;
}
