#include "study/decisions_capacity.h"

#include <math.h>

enum { LEAST_POINTS = 3 };
static const double most_promise = 1.10;

/* Counts one curve under one bound; true if it has an error, which is then `ratio`. */
static bool compare(struct decisions_capacity *out, const struct decisions_curve *curve,
                    const struct decisions_curve_bound *bound, double *ratio)
{
    double measured = decisions_curve_best(curve, DECISIONS_CURVE_MEASURED, bound);
    double predicted = decisions_curve_best(curve, DECISIONS_CURVE_PREDICTED, bound);
    if ((measured > 0) != (predicted > 0)) {
        out->n_flips++;
        return false;
    }
    if (measured <= 0) {
        out->n_neither++;
        return false;
    }
    if (decisions_curve_is_censored(curve, DECISIONS_CURVE_MEASURED, bound)) {
        out->n_censored++;
        return false;
    }
    *ratio = predicted / measured;
    out->n_over += *ratio > most_promise;
    out->n_open += decisions_curve_is_censored(curve, DECISIONS_CURVE_PREDICTED, bound);
    return true;
}

static void add_counts(struct decisions_capacity *all,
                       const struct decisions_capacity *one)
{
    all->n_over += one->n_over;
    all->n_open += one->n_open;
    all->n_flips += one->n_flips;
    all->n_censored += one->n_censored;
    all->n_neither += one->n_neither;
}

void decisions_capacity_score(struct decisions_capacities *out,
                              const struct decisions_curves *curves)
{
    struct decisions_capacity *all = &out->bounds[DECISIONS_CURVE_BOUNDS];
    struct decisions_spread_list errors = {0};
    *out = (struct decisions_capacities){0};
    for (int32_t i = 0; i < curves->n; i++) {
        bool is_long = curves->curves[i].n_points >= LEAST_POINTS;
        bool played = decisions_curve_played(&curves->curves[i]);
        out->n_curves += is_long && played;
        out->n_refused += is_long && !played;
    }
    for (int b = 0; b < DECISIONS_CURVE_BOUNDS; b++) {
        struct decisions_spread_list own = {0};
        for (int32_t i = 0; i < curves->n; i++) {
            const struct decisions_curve *curve = &curves->curves[i];
            double ratio;
            if (curve->n_points >= LEAST_POINTS && decisions_curve_played(curve) &&
                compare(&out->bounds[b], curve, &decisions_curve_bounds[b], &ratio)) {
                decisions_spread_add(&own, 100 * fabs(log(ratio)));
                decisions_spread_add(&errors, 100 * fabs(log(ratio)));
            }
        }
        out->bounds[b].error = decisions_spread_take(&own);
        add_counts(all, &out->bounds[b]);
    }
    all->error = decisions_spread_take(&errors);
}
