#include "study/decisions_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const struct decisions_curve_bound decisions_curve_bounds[DECISIONS_CURVE_BOUNDS] = {
    {0.010, INFINITY}, {0.015, INFINITY}, {0.020, INFINITY}, {0.030, INFINITY},
    {0.050, INFINITY}, {0.010, 0.5},      {0.015, 0.5},      {0.020, 0.5},
    {0.030, 0.5},      {0.050, 0.5},      {0.010, 1},        {0.015, 1},
    {0.020, 1},        {0.030, 1},        {0.050, 1},
};

static bool is_wanted(const struct predict_case *of, const char *split)
{
    return of->kind == MEASURED_CLOSED && of->has_config &&
           of->measured_s[PREDICT_TTFT] > 0 && /* not if they are NAN */
           of->measured_s[PREDICT_TPOT] > 0 &&
           (split == NULL || strcmp(of->row.server.split, split) == 0);
}

static struct decisions_curve *find_curve(struct decisions_curves *curves,
                                          const struct predict_case *of)
{
    for (int32_t i = 0; i < curves->n; i++) {
        if (predict_same_curve(curves->curves[i].of, of)) {
            return &curves->curves[i];
        }
    }
    size_t n = (size_t)curves->n + 1;
    curves->curves = memory_grow(curves->curves, n, sizeof *curves->curves);
    const struct measured_closed *row = &of->row.closed;
    struct decisions_curve *curve = &curves->curves[curves->n++];
    *curve = (struct decisions_curve){
        .of = of,
        .n_gpus = predict_gpus(of),
        .output_tokens =
            (double)row->output_tokens * (1 + (double)row->range_ratio_nano * 1e-9) / 2,
    };
    return curve;
}

static struct decisions_curve_point *find_point(struct decisions_curve *curve,
                                                int64_t concurrency)
{
    for (int32_t i = 0; i < curve->n_points; i++) {
        if (curve->points[i].concurrency == concurrency) {
            return &curve->points[i];
        }
    }
    size_t n = (size_t)curve->n_points + 1;
    curve->points = memory_grow(curve->points, n, sizeof *curve->points);
    struct decisions_curve_point *point = &curve->points[curve->n_points++];
    *point = (struct decisions_curve_point){.concurrency = concurrency};
    return point;
}

/* Sums for now: finish() divides. */
static void add_row(struct decisions_curve *curve, const struct predict_case *of,
                    const struct predict_result *result)
{
    struct decisions_curve_point *point = find_point(curve, of->row.closed.concurrency);
    struct decisions_curve_view *measured = &point->sides[DECISIONS_CURVE_MEASURED];
    struct decisions_curve_view *predicted = &point->sides[DECISIONS_CURVE_PREDICTED];
    point->n_rows++;
    measured->ttft_s += of->measured_s[PREDICT_TTFT];
    measured->tpot_s += of->measured_s[PREDICT_TPOT];
    predicted->ttft_s += result->played ? result->value_s[PREDICT_TTFT] : NAN;
    predicted->tpot_s += result->played ? result->value_s[PREDICT_TPOT] : NAN;
}

static int compare_points(const void *a, const void *b)
{
    int64_t x = ((const struct decisions_curve_point *)a)->concurrency;
    int64_t y = ((const struct decisions_curve_point *)b)->concurrency;
    return (x > y) - (x < y);
}

static void finish(struct decisions_curve *curve)
{
    qsort(curve->points, (size_t)curve->n_points, sizeof *curve->points,
          compare_points);
    for (int32_t i = 0; i < curve->n_points; i++) {
        struct decisions_curve_point *point = &curve->points[i];
        for (int side = 0; side < 2; side++) {
            struct decisions_curve_view *view = &point->sides[side];
            double o = curve->output_tokens;
            view->ttft_s /= point->n_rows;
            view->tpot_s /= point->n_rows;
            view->per_gpu = (double)point->concurrency * o /
                            (view->ttft_s + (o - 1) * view->tpot_s) /
                            (double)curve->n_gpus;
        }
    }
}

void decisions_curve_collect(struct decisions_curves *curves,
                             const struct predict_case *cases,
                             const struct predict_result *results, int32_t n,
                             const char *split)
{
    *curves = (struct decisions_curves){0};
    for (int32_t i = 0; i < n; i++) {
        if (is_wanted(&cases[i], split)) {
            add_row(find_curve(curves, &cases[i]), &cases[i], &results[i]);
        }
    }
    for (int32_t i = 0; i < curves->n; i++) {
        finish(&curves->curves[i]);
    }
}

void decisions_curve_free(struct decisions_curves *curves)
{
    for (int32_t i = 0; i < curves->n; i++) {
        free(curves->curves[i].points);
    }
    free(curves->curves);
}

bool decisions_curve_played(const struct decisions_curve *curve)
{
    for (int32_t i = 0; i < curve->n_points; i++) {
        if (isnan(curve->points[i].sides[DECISIONS_CURVE_PREDICTED].per_gpu)) {
            return false;
        }
    }
    return true;
}

bool decisions_curve_meets(const struct decisions_curve_view *view,
                           const struct decisions_curve_bound *bound, double slack)
{
    return view->tpot_s <= bound->tpot_s * slack &&
           view->ttft_s <= bound->ttft_s * slack; /* not if they are NAN */
}

/* The part [low, high] of a line from `a` to `b` that is at most `bound`: narrower than
 * it was, and empty (low > high) if there is none. */
static void narrow(double a, double b, double bound, double *low, double *high)
{
    if (a > bound && b > bound) {
        *high = -1;
    } else if (b > bound) {
        *high = fmin(*high, (bound - a) / (b - a));
    } else if (a > bound) {
        *low = fmax(*low, (bound - a) / (b - a));
    }
}

/* The best on the line between two neighbours.  A straight line's best is at an end. */
static double best_between(const struct decisions_curve_view *a,
                           const struct decisions_curve_view *b,
                           const struct decisions_curve_bound *bound)
{
    double low = 0;
    double high = 1;
    narrow(a->tpot_s, b->tpot_s, bound->tpot_s, &low, &high);
    narrow(a->ttft_s, b->ttft_s, bound->ttft_s, &low, &high);
    if (low > high) {
        return 0;
    }
    double rise = b->per_gpu - a->per_gpu;
    return a->per_gpu + fmax(low * rise, high * rise);
}

double decisions_curve_best(const struct decisions_curve *curve,
                            enum decisions_curve_side side,
                            const struct decisions_curve_bound *bound)
{
    double best = 0;
    for (int32_t i = 0; i < curve->n_points; i++) {
        const struct decisions_curve_view *view = &curve->points[i].sides[side];
        if (decisions_curve_meets(view, bound, 1)) {
            best = fmax(best, view->per_gpu);
        }
        if (i > 0) {
            const struct decisions_curve_view *before =
                &curve->points[i - 1].sides[side];
            best = fmax(best, best_between(before, view, bound));
        }
    }
    return best;
}

bool decisions_curve_is_censored(const struct decisions_curve *curve,
                                 enum decisions_curve_side side,
                                 const struct decisions_curve_bound *bound)
{
    for (int32_t i = 0; i < curve->n_points; i++) {
        if (!decisions_curve_meets(&curve->points[i].sides[side], bound, 1)) {
            return false;
        }
    }
    return true;
}
