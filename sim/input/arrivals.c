#include "input/arrivals.h"

#include "base/check.h"
#include "base/wide.h"
#include "input/variant.h"

#include <gsl/gsl_randist.h>
#include <math.h>

/* No trace lasts longer; two of them still fit 64 bits. */
static const int64_t longest_s = 1000000000;
static const int64_t longest_ns = INT64_C(1000000000000000000);

#define AT(member) offsetof(struct arrivals_spec, member)

static const struct field process_field[] = {
    {"process", FIELD_CHOICE, AT(process), "", NULL, NULL, NULL,
     "constant|poisson|gamma|cox|onoff", "how arrivals follow each other"},
};

static const struct field rate_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", NULL, "0.001",
     "1000000", NULL, "mean rate of arrivals"},
};

static const struct field gamma_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", NULL, "0.001",
     "1000000", NULL, "mean rate of arrivals"},
    {"cv", FIELD_NANO, AT(cv_nano), "", "1", "0.01", "100", NULL,
     "coefficient of variation of the gaps; this or shape"},
    {"shape", FIELD_NANO, AT(shape_nano), "", "1", "0.0001", "10000", NULL,
     "shape of the Gamma distribution of the gaps; this or cv"},
};

static const struct field cox_fields[] = {
    {"rate_rps", FIELD_NANO, AT(rate_nano_per_s), "requests/s", NULL, "0.001",
     "1000000", NULL, "mean rate of arrivals"},
    {"cv", FIELD_NANO, AT(cv_nano), "", "1", "0.01", "100", NULL,
     "coefficient of variation of the gaps at a steady rate; this or shape"},
    {"shape", FIELD_NANO, AT(shape_nano), "", "1", "0.0001", "10000", NULL,
     "shape of the Gamma distribution of the gaps at a steady rate; this or cv"},
    {"modulation_cv", FIELD_NANO, AT(modulation_cv_nano), "", NULL, "0", "10", NULL,
     "coefficient of variation of the rate"},
    {"tau_s", FIELD_TIME, AT(tau_ns), "s", NULL, "1", "1000000", NULL,
     "time in which the rate forgets itself"},
};

static const struct field onoff_fields[] = {
    {"burst_mu", FIELD_NANO, AT(burst_mu_nano), "", NULL, "-50", "50", NULL,
     "mean of the logarithm of the requests in a burst"},
    {"burst_sigma", FIELD_NANO, AT(burst_sigma_nano), "", NULL, "0", "10", NULL,
     "standard deviation of it"},
    {"burst_max", FIELD_COUNT, AT(burst_max), "requests", "1000000", "1", "1000000000",
     NULL, "requests in the largest burst"},
    {"gap_w", FIELD_TEXT, AT(gap_weights), "", NULL, NULL, NULL, NULL,
     "weights of the components of the gaps in a burst, separated by commas"},
    {"gap_mu", FIELD_TEXT, AT(gap_mus), "", NULL, NULL, NULL, NULL,
     "mean of the logarithm of each, gaps in seconds"},
    {"gap_sigma", FIELD_TEXT, AT(gap_sigmas), "", NULL, NULL, NULL, NULL,
     "standard deviation of the logarithm of each"},
    {"gap_max_s", FIELD_TIME, AT(gap_max_ns), "s", "1000000", "0.000001", "1000000",
     NULL, "longest gap in a burst, before pacing"},
    {"pace_mu", FIELD_NANO, AT(pace_mu_nano), "", "0", "-50", "50", NULL,
     "mean of the logarithm of the factor on all gaps of a burst"},
    {"pace_sigma", FIELD_NANO, AT(pace_sigma_nano), "", "0", "0", "10", NULL,
     "standard deviation of it"},
    {"off_min_s", FIELD_TIME, AT(off_min_ns), "s", "0", "0", "1000000", NULL,
     "shortest silence between bursts"},
    {"off_mu", FIELD_NANO, AT(off_mu_nano), "", NULL, "-50", "50", NULL,
     "mean of the logarithm of the seconds of silence above off_min_s"},
    {"off_sigma", FIELD_NANO, AT(off_sigma_nano), "", NULL, "0", "10", NULL,
     "standard deviation of it"},
    {"off_max_s", FIELD_TIME, AT(off_max_ns), "s", "1000000", "0", "1000000", NULL,
     "longest silence between bursts"},
};

const struct field_table arrivals_tables[ARRIVALS_TABLES] = {
    {.name = "arrivals", .fields = process_field, .n_fields = 1},
    {.name = "constant", .fields = rate_fields, .n_fields = 1},
    {.name = "poisson", .fields = rate_fields, .n_fields = 1},
    {.name = "gamma",
     .fields = gamma_fields,
     .n_fields = sizeof gamma_fields / sizeof gamma_fields[0]},
    {.name = "cox",
     .fields = cox_fields,
     .n_fields = sizeof cox_fields / sizeof cox_fields[0]},
    {.name = "onoff",
     .fields = onoff_fields,
     .n_fields = sizeof onoff_fields / sizeof onoff_fields[0]},
};

static double from_nano(int64_t nano)
{
    return (double)nano / 1e9;
}

static int shape_prepare(struct arrivals_spec *spec, const struct settings *settings,
                         struct err *err)
{
    const struct settings_entry *cv = settings_find(settings, "arrivals", "cv");
    const struct settings_entry *shape = settings_find(settings, "arrivals", "shape");
    if (cv != NULL && shape != NULL) {
        return settings_refuse(shape, "cv is given too; only one of the two can be",
                               err);
    }
    if (cv == NULL && shape == NULL) {
        const struct settings_entry *process =
            settings_find(settings, "arrivals", "process");
        return settings_refuse(process, "it needs 'cv' or 'shape' in [arrivals]", err);
    }
    double cv_squared = from_nano(spec->cv_nano) * from_nano(spec->cv_nano);
    spec->shape = cv != NULL ? 1 / cv_squared : from_nano(spec->shape_nano);
    return 0;
}

int arrivals_read(struct arrivals_spec *spec, struct settings *settings,
                  struct arena *arena, struct err *err)
{
    if (variant_read(settings, "arrivals", arrivals_tables, ARRIVALS_TABLES, spec,
                     arena, err) != 0) {
        return -1;
    }
    switch ((enum arrivals_process)spec->process) {
    case ARRIVALS_CONSTANT:
    case ARRIVALS_POISSON:
        return 0;
    case ARRIVALS_GAMMA:
    case ARRIVALS_COX:
        return shape_prepare(spec, settings, err);
    case ARRIVALS_ONOFF:
        return mixture_read(&spec->gap, settings, "arrivals", "gap_", err);
    }
    CHECK(false);
    return -1;
}

/* Variance of X, the logarithm of the rate's factor. */
static double log_variance(const struct arrivals_spec *spec)
{
    double cv = from_nano(spec->modulation_cv_nano);
    return log1p(cv * cv);
}

static void set_rate(struct arrivals *arrivals)
{
    arrivals->rate_per_s = from_nano(arrivals->spec->rate_nano_per_s) *
                           exp(arrivals->log_factor - arrivals->half_variance);
}

void arrivals_init(struct arrivals *arrivals, const struct arrivals_spec *spec,
                   uint64_t seed)
{
    *arrivals = (struct arrivals){.spec = spec};
    rng_init(&arrivals->gaps, seed, "arrivals");
    rng_init(&arrivals->modulation, seed, "modulation");
    if (spec->process == ARRIVALS_COX) {
        /* From the stationary distribution: no second is special, the first neither. */
        arrivals->log_factor =
            gsl_ran_gaussian(arrivals->modulation.generator, sqrt(log_variance(spec)));
        arrivals->half_variance = log_variance(spec) / 2;
        set_rate(arrivals);
    }
}

/* A gap as nanoseconds; one that is longer than any trace is made as long as that. */
static int64_t gap_ns(double seconds)
{
    return seconds < (double)longest_s ? llround(seconds * 1e9) : longest_ns;
}

static int64_t next_constant(const struct arrivals *arrivals)
{
    /* From the count, so that rounding does not add up. */
    wide n_ns_nano = (wide)arrivals->n_arrivals * 1000000000 * 1000000000;
    return wide_narrow(wide_div_half_up(n_ns_nano, arrivals->spec->rate_nano_per_s));
}

static int64_t next_gamma(struct arrivals *arrivals)
{
    const struct arrivals_spec *spec = arrivals->spec;
    double mean_s = 1 / from_nano(spec->rate_nano_per_s);
    double gap_s =
        gsl_ran_gamma(arrivals->gaps.generator, spec->shape, mean_s / spec->shape);
    return arrivals->now_ns + gap_ns(gap_s);
}

static int64_t next_poisson(struct arrivals *arrivals)
{
    double mean_s = 1 / from_nano(arrivals->spec->rate_nano_per_s);
    return arrivals->now_ns +
           gap_ns(gsl_ran_exponential(arrivals->gaps.generator, mean_s));
}

/* The exact step of an Ornstein-Uhlenbeck process over one second (Gillespie, Phys.
 * Rev. E 54, 1996): X' = X e + sqrt(s2 (1 - e^2)) N(0, 1) with e = exp(-1 s / tau). */
static void wander(struct arrivals *arrivals)
{
    const struct arrivals_spec *spec = arrivals->spec;
    double tau_s = from_nano(spec->tau_ns);
    double kept = exp(-1 / tau_s);
    double spread = sqrt(log_variance(spec) * -expm1(-2 / tau_s));
    arrivals->log_factor = arrivals->log_factor * kept +
                           gsl_ran_gaussian(arrivals->modulation.generator, spread);
    set_rate(arrivals);
}

/* The rate holds for a second at a time; each second has rate x factor of operational
 * time, of which the Gamma gap with mean 1 uses up as much as it needs. */
static int64_t next_cox(struct arrivals *arrivals)
{
    const struct arrivals_spec *spec = arrivals->spec;
    double needed =
        gsl_ran_gamma(arrivals->gaps.generator, spec->shape, 1 / spec->shape);
    while (needed > arrivals->rate_per_s * (1 - arrivals->second_passed)) {
        needed -= arrivals->rate_per_s * (1 - arrivals->second_passed);
        arrivals->second_passed = 0;
        arrivals->second++;
        if (arrivals->second >= longest_s) {
            return longest_ns;
        }
        wander(arrivals);
    }
    arrivals->second_passed =
        fmin(arrivals->second_passed + needed / arrivals->rate_per_s, 1);
    return arrivals->second * 1000000000 + llround(arrivals->second_passed * 1e9);
}

static double draw_lognormal(struct rng *rng, int64_t mu_nano, int64_t sigma_nano)
{
    return gsl_ran_lognormal(rng->generator, from_nano(mu_nano), from_nano(sigma_nano));
}

/* How many requests the next burst has, and how fast they come. */
static void begin_burst(struct arrivals *arrivals)
{
    const struct arrivals_spec *spec = arrivals->spec;
    struct rng *rng = &arrivals->modulation;
    double size = draw_lognormal(rng, spec->burst_mu_nano, spec->burst_sigma_nano);
    arrivals->burst_left = llround(fmax(1, fmin(size, (double)spec->burst_max)));
    arrivals->pace = draw_lognormal(rng, spec->pace_mu_nano, spec->pace_sigma_nano);
}

static int64_t next_onoff(struct arrivals *arrivals)
{
    const struct arrivals_spec *spec = arrivals->spec;
    double gap_s = 0;
    if (arrivals->burst_left > 0) {
        double drawn_s = mixture_draw(&spec->gap, &arrivals->gaps);
        gap_s = fmin(drawn_s, from_nano(spec->gap_max_ns)) * arrivals->pace;
    } else {
        if (arrivals->n_arrivals > 0) { /* the first burst begins at 0 */
            double drawn_s = draw_lognormal(&arrivals->modulation, spec->off_mu_nano,
                                            spec->off_sigma_nano);
            gap_s = fmin(from_nano(spec->off_min_ns) + drawn_s,
                         from_nano(spec->off_max_ns));
        }
        begin_burst(arrivals);
    }
    arrivals->burst_left--;
    return arrivals->now_ns + gap_ns(gap_s);
}

static int64_t next_ns(struct arrivals *arrivals)
{
    switch ((enum arrivals_process)arrivals->spec->process) {
    case ARRIVALS_CONSTANT:
        return next_constant(arrivals);
    case ARRIVALS_POISSON:
        return next_poisson(arrivals);
    case ARRIVALS_GAMMA:
        return next_gamma(arrivals);
    case ARRIVALS_COX:
        return next_cox(arrivals);
    case ARRIVALS_ONOFF:
        return next_onoff(arrivals);
    }
    CHECK(false);
    return 0;
}

int64_t arrivals_next(struct arrivals *arrivals)
{
    CHECK(arrivals->now_ns < longest_ns);
    int64_t arrival_ns = next_ns(arrivals);
    CHECK(arrival_ns >= arrivals->now_ns);
    arrivals->now_ns = arrival_ns;
    arrivals->n_arrivals++;
    return arrival_ns;
}

void arrivals_free(struct arrivals *arrivals)
{
    rng_free(&arrivals->gaps);
    rng_free(&arrivals->modulation);
}
