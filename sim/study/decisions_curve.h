/* decisions_curve: measured and predicted load curves of deployments.
 *
 * A curve is a deployment under one protocol at several concurrencies (rows alike but for
 * it, predict_same_curve()); rows of one concurrency are averaged.  A point's throughput
 * is what a GPU puts out when the loop is full: concurrency x o / (TTFT + (o - 1) TPOT) /
 * GPUs, o = osl (1 + range_ratio) / 2 being the mean output.  Between points TTFT, TPOT
 * and throughput are straight lines over the logarithm of concurrency.
 */
#ifndef SERVESIM_STUDY_DECISIONS_CURVE_H
#define SERVESIM_STUDY_DECISIONS_CURVE_H

#include <stdbool.h>
#include <stdint.h>

#include "study/predict.h"

/* What a buyer asks for; ttft_s may be INFINITY. */
struct decisions_curve_bound {
    double tpot_s;
    double ttft_s;
};

/* TPOT 10, 15, 20, 30, 50 ms alone, with mean TTFT 500 ms, and with 1,000 ms. */
enum { DECISIONS_CURVE_BOUNDS = 15 };
extern const struct decisions_curve_bound
    decisions_curve_bounds[DECISIONS_CURVE_BOUNDS];

enum decisions_curve_side { DECISIONS_CURVE_MEASURED, DECISIONS_CURVE_PREDICTED };

struct decisions_curve_view {
    double ttft_s; /* NAN, as are the others: the simulator could not play it */
    double tpot_s;
    double per_gpu; /* output tokens per second */
};

struct decisions_curve_point {
    int64_t concurrency;
    int32_t n_rows;
    struct decisions_curve_view sides[2]; /* by enum decisions_curve_side */
};

struct decisions_curve {
    const struct predict_case *of; /* its first row: what is the same in all */
    int64_t n_gpus;
    double output_tokens; /* the mean */
    int32_t n_points;
    struct decisions_curve_point *points; /* by concurrency */
};

struct decisions_curves {
    int32_t n;
    struct decisions_curve *curves; /* in the order of their first rows */
};

/* All curves of the closed-loop cases that have presets and both means, even of one point;
 * `split` not NULL: of the rows of that split only.  Points refer to the cases, which must
 * outlive them; decisions_curve_free() them. */
void decisions_curve_collect(struct decisions_curves *curves,
                             const struct predict_case *cases,
                             const struct predict_result *results, int32_t n,
                             const char *split);
void decisions_curve_free(struct decisions_curves *curves);

/* Whether every point was played. */
bool decisions_curve_played(const struct decisions_curve *curve);

/* Whether a point keeps the bound, times `slack`. */
bool decisions_curve_meets(const struct decisions_curve_view *view,
                           const struct decisions_curve_bound *bound, double slack);

/* Highest throughput per GPU within the bound, at a point or where a line between two
 * points crosses it; 0 if nowhere. */
double decisions_curve_best(const struct decisions_curve *curve,
                            enum decisions_curve_side side,
                            const struct decisions_curve_bound *bound);

/* Whether the bound holds at every point, so that the best is beyond the last one. */
bool decisions_curve_is_censored(const struct decisions_curve *curve,
                                 enum decisions_curve_side side,
                                 const struct decisions_curve_bound *bound);

#endif
