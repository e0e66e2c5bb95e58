#include "input/arrivals.h"

#include "base/check.h"
#include "base/wide.h"
#include "input/renewal.h"
#include "input/servegen_lengths.h"

#include <gsl/gsl_randist.h>
#include <math.h>

/* No trace lasts longer; two of them still fit 64 bits. */
static const int64_t longest_s = 1000000000;
static const int64_t longest_ns = MODULATION_END_NS;

static double from_nano(int64_t nano)
{
    return (double)nano / 1e9;
}

/* Variance of X, the logarithm of the rate's factor. */
static double log_variance(const struct arrivals_spec *spec)
{
    double cv = from_nano(spec->modulation_cv_nano);
    return log1p(cv * cv);
}

static void set_cox_rate(struct arrivals *arrivals)
{
    arrivals->rate_per_s = from_nano(arrivals->spec->rate_nano_per_s) *
                           exp(arrivals->log_factor - arrivals->half_variance);
}

/* The state of an MMPP at a moment that knows nothing of it: all are entered as often. */
static int32_t draw_state(struct arrivals *arrivals)
{
    const struct arrivals_spec *spec = arrivals->spec;
    double sum_s = 0;
    for (int32_t i = 0; i < spec->n_states; i++) {
        sum_s += spec->states[i].sojourn_s;
    }
    double at_s = gsl_rng_uniform(arrivals->modulation.generator) * sum_s;
    int32_t state = 0;
    while (state + 1 < spec->n_states && at_s >= spec->states[state].sojourn_s) {
        at_s -= spec->states[state].sojourn_s;
        state++;
    }
    return state;
}

static void enter_state(struct arrivals *arrivals, int32_t state)
{
    const struct arrivals_state *of = &arrivals->spec->states[state];
    double sojourn_s =
        gsl_ran_exponential(arrivals->modulation.generator, of->sojourn_s);
    double most_s = (double)(longest_ns - arrivals->steady_ns) / 1e9;
    arrivals->state = state;
    arrivals->rate_per_s = of->rate_per_s * arrivals->scale;
    arrivals->steady_ns = sojourn_s < most_s
                              ? arrivals->steady_ns + llround(sojourn_s * 1e9)
                              : longest_ns;
}

void arrivals_init(struct arrivals *arrivals, const struct arrivals_spec *spec,
                   uint64_t seed)
{
    double rate_per_s = from_nano(spec->rate_nano_per_s);
    *arrivals = (struct arrivals){
        .spec = spec,
        .is_flat = modulation_is_flat(&spec->modulation),
        .scale = spec->given_per_s > 0 ? rate_per_s / spec->given_per_s : 1,
        .steady_ns = longest_ns,
    };
    rng_init(&arrivals->gaps, seed, "arrivals");
    rng_init(&arrivals->modulation, seed, "modulation");
    modulation_clock_init(&arrivals->clock, &spec->modulation, seed);
    if (spec->process == ARRIVALS_COX) {
        /* From the stationary distribution: no second is special, the first neither. */
        arrivals->log_factor =
            gsl_ran_gaussian(arrivals->modulation.generator, sqrt(log_variance(spec)));
        arrivals->half_variance = log_variance(spec) / 2;
        arrivals->steady_ns = 1000000000;
        set_cox_rate(arrivals);
    } else if (spec->process == ARRIVALS_MMPP) {
        arrivals->steady_ns = 0;
        enter_state(arrivals, draw_state(arrivals));
    } else if (spec->process == ARRIVALS_SERVEGEN) {
        servegen_draw_init(&arrivals->clients, &spec->servegen, arrivals->scale, seed);
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

/* A gap of the process with that mean. */
static double draw_gap(struct arrivals *arrivals, double mean)
{
    static const enum renewal_family families[] = {
        [ARRIVALS_CONSTANT] = RENEWAL_CONSTANT,
        [ARRIVALS_POISSON] = RENEWAL_EXPONENTIAL,
        [ARRIVALS_GAMMA] = RENEWAL_GAMMA,
        [ARRIVALS_WEIBULL] = RENEWAL_WEIBULL,
        [ARRIVALS_COX] = RENEWAL_GAMMA,
        [ARRIVALS_MMPP] = RENEWAL_EXPONENTIAL,
    };
    const struct arrivals_spec *spec = arrivals->spec;
    return renewal_draw(families[spec->process], spec->shape, mean, &arrivals->gaps);
}

static int64_t next_renewal(struct arrivals *arrivals)
{
    double mean_s = 1 / from_nano(arrivals->spec->rate_nano_per_s);
    return arrivals->now_ns + gap_ns(draw_gap(arrivals, mean_s));
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
    set_cox_rate(arrivals);
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

/* The rate changes by itself: in the next second, or in another state. */
static void change_rate(struct arrivals *arrivals)
{
    const struct arrivals_spec *spec = arrivals->spec;
    if (spec->process == ARRIVALS_COX) {
        arrivals->steady_ns += 1000000000;
        wander(arrivals);
        return;
    }
    int32_t step = 1;
    if (spec->switching == ARRIVALS_UNIFORM && spec->n_states > 1) {
        step += (int32_t)rng_below(&arrivals->modulation, spec->n_states - 1);
    }
    enter_state(arrivals, (arrivals->state + step) % spec->n_states);
}

/* The same for a rate that changes with [modulation], and for that of an MMPP: it holds
 * until steady_ns but for the clock's factor. */
static int64_t next_modulated(struct arrivals *arrivals)
{
    bool is_first = arrivals->n_arrivals == 0;
    bool wanders = arrivals->spec->process == ARRIVALS_COX ||
                   arrivals->spec->process == ARRIVALS_MMPP;
    if (is_first && arrivals->spec->process == ARRIVALS_CONSTANT) {
        return 0;
    }
    double needed = draw_gap(arrivals, 1);
    for (;;) {
        double rate_per_s =
            wanders ? arrivals->rate_per_s : from_nano(arrivals->spec->rate_nano_per_s);
        double area = rate_per_s > 0 ? needed / rate_per_s : INFINITY;
        double left =
            modulation_clock_pass(&arrivals->clock, area, arrivals->steady_ns);
        if (left == 0) {
            return modulation_clock_now_ns(&arrivals->clock);
        }
        if (arrivals->steady_ns >= longest_ns ||
            modulation_clock_is_over(&arrivals->clock)) {
            return longest_ns;
        }
        needed = rate_per_s > 0 ? left * rate_per_s : needed;
        change_rate(arrivals);
    }
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

static int64_t next_batch(const struct arrivals *arrivals)
{
    int64_t batch = arrivals->n_arrivals / arrivals->spec->batch_size;
    return batch < longest_ns / arrivals->spec->every_ns
               ? batch * arrivals->spec->every_ns
               : longest_ns;
}

static int64_t next_client(struct arrivals *arrivals)
{
    int64_t arrival_ns = servegen_draw_next(&arrivals->clients);
    return arrival_ns < longest_ns ? arrival_ns : longest_ns;
}

static int64_t next_ns(struct arrivals *arrivals)
{
    switch ((enum arrivals_process)arrivals->spec->process) {
    case ARRIVALS_CONSTANT:
        return arrivals->is_flat ? next_constant(arrivals) : next_modulated(arrivals);
    case ARRIVALS_POISSON:
    case ARRIVALS_GAMMA:
    case ARRIVALS_WEIBULL:
        return arrivals->is_flat ? next_renewal(arrivals) : next_modulated(arrivals);
    case ARRIVALS_COX:
        return arrivals->is_flat ? next_cox(arrivals) : next_modulated(arrivals);
    case ARRIVALS_MMPP:
        return next_modulated(arrivals);
    case ARRIVALS_ONOFF:
        return next_onoff(arrivals);
    case ARRIVALS_BATCH:
        return next_batch(arrivals);
    case ARRIVALS_SERVEGEN:
        return next_client(arrivals);
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

const char *arrivals_end(const struct arrivals *arrivals)
{
    if (arrivals->spec->process == ARRIVALS_SERVEGEN) {
        return "before the last window of the clients has ended";
    }
    return modulation_clock_is_over(&arrivals->clock)
               ? "before [modulation] leaves a rate of 0 for good"
               : "within 1000000000 s, the end of every trace";
}

const char *arrivals_client(const struct arrivals *arrivals, double prompt_share,
                            double output_share, int64_t *prompt_tokens,
                            int64_t *output_tokens)
{
    const struct servegen_draw *clients = &arrivals->clients;
    *prompt_tokens = 0;
    *output_tokens = 0;
    if (arrivals->spec->process != ARRIVALS_SERVEGEN) {
        return NULL;
    }
    const struct servegen_client *client = &clients->servegen->clients[clients->last];
    if (client->lengths != NULL) {
        *prompt_tokens =
            servegen_lengths_prompt(client->lengths, clients->at_ns, prompt_share);
        *output_tokens =
            servegen_lengths_output(client->lengths, clients->at_ns, output_share);
    }
    return client->name;
}

void arrivals_free(struct arrivals *arrivals)
{
    modulation_clock_free(&arrivals->clock);
    if (arrivals->spec->process == ARRIVALS_SERVEGEN) {
        servegen_draw_free(&arrivals->clients);
    }
    rng_free(&arrivals->gaps);
    rng_free(&arrivals->modulation);
}
