#include "study/workload_fit_arrivals.h"

#include <math.h>

#include "input/renewal.h"
#include "study/workload_fit_cox.h"
#include "study/workload_fit_onoff.h"

enum { MOST_TRACES = 40 };

static const double most_deviations = 3;

static int64_t rate_of(const struct workload_fit_traffic *traffic)
{
    return llround(traffic->figures[WORKLOAD_FIT_RATE] * 1e9);
}

static bool fit_constant(struct arrivals_spec *spec,
                         const struct workload_fit_traffic *traffic,
                         const volatile sig_atomic_t *interrupted)
{
    (void)interrupted;
    *spec = (struct arrivals_spec){.process = ARRIVALS_CONSTANT,
                                   .rate_nano_per_s = rate_of(traffic)};
    return traffic->figures[WORKLOAD_FIT_GAP_CV] < 0.01;
}

static bool fit_poisson(struct arrivals_spec *spec,
                        const struct workload_fit_traffic *traffic,
                        const volatile sig_atomic_t *interrupted)
{
    (void)interrupted;
    *spec = (struct arrivals_spec){.process = ARRIVALS_POISSON,
                                   .rate_nano_per_s = rate_of(traffic)};
    return true;
}

/* By the second moment, which the counts over long times depend on. */
static bool fit_gamma(struct arrivals_spec *spec,
                      const struct workload_fit_traffic *traffic,
                      const volatile sig_atomic_t *interrupted)
{
    double cv = traffic->figures[WORKLOAD_FIT_GAP_CV];
    (void)interrupted;
    *spec = (struct arrivals_spec){.process = ARRIVALS_GAMMA,
                                   .rate_nano_per_s = rate_of(traffic),
                                   .shape = 1 / fmin(fmax(cv * cv, 1e-4), 1e4)};
    return true;
}

static bool fit_weibull(struct arrivals_spec *spec,
                        const struct workload_fit_traffic *traffic,
                        const volatile sig_atomic_t *interrupted)
{
    double cv = traffic->figures[WORKLOAD_FIT_GAP_CV];
    (void)interrupted;
    *spec = (struct arrivals_spec){
        .process = ARRIVALS_WEIBULL,
        .rate_nano_per_s = rate_of(traffic),
        .shape = renewal_weibull_shape(fmin(fmax(cv, 0.01), 100))};
    return true;
}

static bool fit_cox(struct arrivals_spec *spec,
                    const struct workload_fit_traffic *traffic,
                    const volatile sig_atomic_t *interrupted)
{
    (void)interrupted;
    return workload_fit_cox_of(spec, traffic);
}

/* From the simple to the complex; those of a level are as simple as each other. */
static const struct fitter {
    int level;
    bool (*fit)(struct arrivals_spec *spec, const struct workload_fit_traffic *traffic,
                const volatile sig_atomic_t *interrupted);
} fitters[] = {
    {0, fit_constant}, {1, fit_poisson}, {2, fit_gamma},
    {2, fit_weibull},  {3, fit_cox},     {4, workload_fit_onoff_of},
};
enum { N_FITTERS = sizeof fitters / sizeof *fitters };

static bool is_better(const struct workload_fit_candidate *one,
                      const struct workload_fit_candidate *other)
{
    if (one->is_like != other->is_like) {
        return one->is_like;
    }
    if (!one->is_like) {
        return one->likeness.miss < other->likeness.miss;
    }
    return one->level != other->level ? one->level < other->level
                                      : one->likeness.ks < other->likeness.ks;
}

static void choose(struct workload_fit_arrivals *fit)
{
    fit->chosen = 0;
    for (int32_t i = 1; i < fit->n; i++) {
        if (is_better(&fit->candidates[i], &fit->candidates[fit->chosen])) {
            fit->chosen = i;
        }
    }
}

int workload_fit_arrivals_of(struct workload_fit_arrivals *fit,
                             const struct workload_fit_traffic *traffic,
                             const volatile sig_atomic_t *interrupted)
{
    *fit = (struct workload_fit_arrivals){0};
    for (int i = 0; i < N_FITTERS; i++) {
        struct workload_fit_candidate *candidate = &fit->candidates[fit->n];
        if (!fitters[i].fit(&candidate->spec, traffic, interrupted)) {
            continue;
        }
        candidate->likeness = workload_fit_traffic_compare(traffic, &candidate->spec,
                                                           MOST_TRACES, interrupted);
        if (interrupted != NULL && *interrupted) {
            return -1;
        }
        candidate->level = fitters[i].level;
        candidate->is_like = candidate->likeness.most_deviations <= most_deviations;
        fit->n++;
    }
    choose(fit);
    return 0;
}
