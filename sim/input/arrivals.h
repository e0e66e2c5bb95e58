/* arrivals: when generated requests come.
 *
 * constant  one every 1 / rate, the first at 0
 * poisson   exponential gaps
 * gamma     a renewal process with Gamma gaps, burstier (cv > 1) or smoother
 * cox       a rate that wanders: lambda(t) = rate exp(X - s2/2), X an Ornstein-
 *           Uhlenbeck process with variance s2 = ln(1 + modulation_cv^2) and memory
 *           tau; gaps are Gamma in operational time, the integral of lambda
 * onoff     bursts of lognormal size with gaps from a mixture, silence between them
 *
 * Times are whole nanoseconds and never go back.  In all but constant and onoff the
 * first request comes after the first gap.
 */
#ifndef SERVESIM_INPUT_ARRIVALS_H
#define SERVESIM_INPUT_ARRIVALS_H

#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/rng.h"
#include "input/mixture.h"
#include "input/settings.h"

enum arrivals_process {
    ARRIVALS_CONSTANT,
    ARRIVALS_POISSON,
    ARRIVALS_GAMMA,
    ARRIVALS_COX,
    ARRIVALS_ONOFF
};

/* Fractions and logarithms are in units of 10^-9, as FIELD_NANO reads them. */
struct arrivals_spec {
    int64_t process; /* enum arrivals_process */
    int64_t rate_nano_per_s;
    int64_t cv_nano; /* of the gaps; this or shape is given, shape = 1 / cv^2 */
    int64_t shape_nano;
    double shape;
    int64_t modulation_cv_nano;
    int64_t tau_ns;
    int64_t burst_mu_nano; /* requests in a burst */
    int64_t burst_sigma_nano;
    int64_t burst_max;
    const char *gap_weights; /* as written; `gap` is what they mean, in seconds */
    const char *gap_mus;
    const char *gap_sigmas;
    struct mixture gap;
    int64_t gap_max_ns;
    int64_t pace_mu_nano; /* a lognormal factor on all gaps of a burst */
    int64_t pace_sigma_nano;
    int64_t off_min_ns; /* silence: off_min + lognormal seconds, at most off_max */
    int64_t off_mu_nano;
    int64_t off_sigma_nano;
    int64_t off_max_ns;
};

enum { ARRIVALS_TABLES = 6 };

/* For variant_read(): `process`, then the keys of each. */
extern const struct field_table arrivals_tables[ARRIVALS_TABLES];

/* Reads the section [arrivals]. */
int arrivals_read(struct arrivals_spec *spec, struct settings *settings,
                  struct arena *arena, struct err *err);

/* A process under way. */
struct arrivals {
    const struct arrivals_spec *spec;
    struct rng gaps;
    struct rng modulation; /* of the rate, of the bursts */
    int64_t now_ns;        /* the last arrival, or the start */
    int64_t n_arrivals;
    double log_factor;    /* cox: X */
    double half_variance; /* cox: of X, s2/2 */
    double rate_per_s;    /* cox: lambda in the current second */
    double second_passed; /* cox: the share of the current second that is used up */
    int64_t second;       /* cox */
    int64_t burst_left;   /* onoff */
    double pace;          /* onoff */
};

/* Starts the process at 0; arrivals_free() it.  The spec must outlive it. */
void arrivals_init(struct arrivals *arrivals, const struct arrivals_spec *spec,
                   uint64_t seed);

/* The next arrival.  One at 10^9 s or later is the last: no trace gets there, so do not
 * ask for more. */
int64_t arrivals_next(struct arrivals *arrivals);

void arrivals_free(struct arrivals *arrivals);

#endif
