/* mixture: a weighted mixture of lognormal or of Gamma distributions.
 *
 * Lengths and gaps of real traffic have several humps and hard spikes that no single
 * distribution has; a few simple ones side by side fit them all.
 */
#ifndef SERVESIM_INPUT_MIXTURE_H
#define SERVESIM_INPUT_MIXTURE_H

#include <stdint.h>

#include "base/rng.h"
#include "input/settings.h"

enum { MIXTURE_MOST = 16 };

enum mixture_family { MIXTURE_LOGNORMAL, MIXTURE_GAMMA };

struct mixture {
    enum mixture_family family;
    int32_t n_components;
    double weight[MIXTURE_MOST]; /* sums to 1 */
    double
        mu[MIXTURE_MOST]; /* lognormal: mean and standard deviation of the logarithm */
    double sigma[MIXTURE_MOST];
    double shape[MIXTURE_MOST]; /* Gamma: the mean is shape x scale */
    double scale[MIXTURE_MOST];
};

/* Reads the section's keys `prefix`w, and `prefix`mu and `prefix`sigma or `prefix`shape and
 * `prefix`scale, which must be there: numbers separated by commas, as many in each.  The weights may miss 1 by the
 * rounding of a published fit and are scaled to it. */
int mixture_read(struct mixture *mixture, enum mixture_family family,
                 const struct settings *settings, const char *section,
                 const char *prefix, struct err *err);

/* The probability of a value of at most x. */
double mixture_cdf(const struct mixture *mixture, double x);

double mixture_draw(const struct mixture *mixture, struct rng *rng);

#endif
