/* arrivals: when generated requests come.
 *
 * constant  one every 1 / rate, the first at 0
 * poisson   exponential gaps
 * gamma     a renewal process with Gamma gaps, burstier (cv > 1) or smoother
 * weibull   the same with Weibull gaps
 * cox       a rate that wanders: lambda(t) = rate exp(X - s2/2), X an Ornstein-
 *           Uhlenbeck process with variance s2 = ln(1 + modulation_cv^2) and memory
 *           tau; gaps are Gamma in operational time, the integral of lambda
 * mmpp      a rate that jumps between states with exponential sojourns, Poisson in each
 * onoff     bursts of lognormal size with gaps from a mixture, silence between them
 * batch     all at 0, or so many at once every so often
 * servegen  ServeGen's clients side by side (input/servegen.h)
 *
 * What [modulation] says multiplies the rate of all that have one of their own, but for
 * servegen.  Times are whole nanoseconds and never go back.  In all but constant, onoff,
 * batch and servegen the first request comes after the first gap.
 */
#ifndef SERVESIM_INPUT_ARRIVALS_H
#define SERVESIM_INPUT_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/rng.h"
#include "input/mixture.h"
#include "input/modulation.h"
#include "input/modulation_clock.h"
#include "input/servegen.h"
#include "input/servegen_draw.h"
#include "input/settings.h"

enum arrivals_process {
    ARRIVALS_CONSTANT,
    ARRIVALS_POISSON,
    ARRIVALS_GAMMA,
    ARRIVALS_WEIBULL,
    ARRIVALS_COX,
    ARRIVALS_MMPP,
    ARRIVALS_ONOFF,
    ARRIVALS_BATCH,
    ARRIVALS_SERVEGEN
};

enum arrivals_switching { ARRIVALS_CYCLIC, ARRIVALS_UNIFORM };

/* One state of an MMPP. */
struct arrivals_state {
    double rate_per_s;
    double sojourn_s; /* mean */
};

/* Fractions and logarithms are in units of 10^-9, as FIELD_NANO reads them. */
struct arrivals_spec {
    int64_t process; /* enum arrivals_process */
    int64_t rate_nano_per_s;
    int64_t cv_nano; /* of the gaps; this or shape is given */
    int64_t shape_nano;
    double shape;
    int64_t modulation_cv_nano;
    int64_t tau_ns;
    const char *states_text; /* as written; `states` is what it means */
    struct arrivals_state *states;
    int32_t n_states;
    int64_t switching;     /* enum arrivals_switching */
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
    int64_t batch_size;
    int64_t every_ns;
    const char *clients; /* a folder; `servegen` is what it holds */
    int64_t clients_most;
    int64_t from_ns;
    int64_t until_ns;
    struct servegen servegen;
    double given_per_s; /* mmpp, servegen: the mean rate of what was given */
    struct modulation_spec modulation;
};

enum { ARRIVALS_TABLES = 10, ARRIVALS_MOST_STATES = 1000 };

/* For variant_read(): `process`, then the keys of each. */
extern const struct field_table arrivals_tables[ARRIVALS_TABLES];

/* Reads the sections [arrivals] and [modulation]. */
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
    double rate_per_s;    /* cox, mmpp: lambda without [modulation] */
    double second_passed; /* cox: the share of the current second that is used up */
    int64_t second;       /* cox */
    int32_t state;        /* mmpp */
    double scale;         /* mmpp: of the rates of the states */
    bool is_flat;         /* there is no [modulation] */
    struct modulation_clock clock;
    int64_t steady_ns;  /* cox, mmpp: until when rate_per_s holds */
    int64_t burst_left; /* onoff */
    double pace;        /* onoff */
    struct servegen_draw clients;
};

/* Starts the process at 0; arrivals_free() it.  The spec must outlive it. */
void arrivals_init(struct arrivals *arrivals, const struct arrivals_spec *spec,
                   uint64_t seed);

/* The next arrival.  One at 10^18 ns or later is the last: no trace gets there, so do not
 * ask for more. */
int64_t arrivals_next(struct arrivals *arrivals);

/* Why there is none after the last one, for a message: "within 1000000000 s, the end of
 * every trace". */
const char *arrivals_end(const struct arrivals *arrivals);

/* Of the last arrival: the client it comes from, and its lengths at those shares of all
 * of the client's requests: 0 if the client says nothing.  NULL: there are no clients. */
const char *arrivals_client(const struct arrivals *arrivals, double prompt_share,
                            double output_share, int64_t *prompt_tokens,
                            int64_t *output_tokens);

void arrivals_free(struct arrivals *arrivals);

#endif
