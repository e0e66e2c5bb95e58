#include "study/decisions_dollars.h"

#include <math.h>
#include <string.h>

const double decisions_dollars_loads[DECISIONS_DOLLARS_LOADS] = {5, 50, 500};
static const double near_best = 1.1;
static const double least_carried = 0.95;

static bool is_same_job(const struct predict_case *a, const struct predict_case *b)
{
    const struct measured_closed *p = &a->row.closed;
    const struct measured_closed *q = &b->row.closed;
    return strcmp(a->row.server.model, b->row.server.model) == 0 &&
           p->prompt_tokens == q->prompt_tokens &&
           p->output_tokens == q->output_tokens &&
           p->range_ratio_nano == q->range_ratio_nano;
}

static bool is_other_offer(const struct predict_case *a, const struct predict_case *b)
{
    const struct measured_server *x = &a->row.server;
    const struct measured_server *y = &b->row.server;
    return strcmp(x->system, y->system) != 0 ||
           strcmp(x->precision, y->precision) != 0 ||
           strcmp(x->backend, y->backend) != 0;
}

const struct decisions_choice_kind decisions_dollars_jobs = {
    .is_same = is_same_job,
    .is_other = is_other_offer,
};

/* A point at a load, as one side sees it. */
struct offer {
    double n_replicas;
    double usd_per_hour; /* of all of them; INFINITY: no offer */
};

static double usd_per_hour(const struct decisions_curve *curve)
{
    return (double)curve->of->config.accelerator.usd_per_hour_nano * 1e-9 *
           (double)curve->n_gpus;
}

static double requests_per_s(const struct decisions_curve *curve,
                             const struct decisions_curve_view *view)
{
    return view->per_gpu * (double)curve->n_gpus / curve->output_tokens;
}

/* What the point costs at the load if the side keeps the bound there and the GPU has a
 * price. */
static struct offer offer_of(const struct decisions_curve *curve,
                             const struct decisions_curve_view *view, double load,
                             const struct decisions_curve_bound *bound, double slack)
{
    double usd = usd_per_hour(curve);
    if (usd <= 0 || !decisions_curve_meets(view, bound, slack)) {
        return (struct offer){0, INFINITY};
    }
    double n = ceil(load / requests_per_s(curve, view) * (1 - 1e-12)); /* of rounding */
    return (struct offer){n, n * usd};
}

struct deal {
    const struct decisions_curve *curve; /* NULL: none */
    const struct decisions_curve_point *point;
    struct offer offer;
};

/* The cheapest by one side's numbers; of equals the first curve. */
static struct deal find_deal(const struct decisions_choice_group *job,
                             enum decisions_curve_side side, double load,
                             const struct decisions_curve_bound *bound, double slack)
{
    struct deal best = {.offer = {0, INFINITY}};
    for (int32_t i = 0; i < job->n; i++) {
        const struct decisions_curve *curve = &job->curves[i];
        for (int32_t k = 0; k < curve->n_points; k++) {
            const struct decisions_curve_point *point = &curve->points[k];
            struct offer offer =
                offer_of(curve, &point->sides[side], load, bound, slack);
            if (offer.usd_per_hour < best.offer.usd_per_hour) {
                best = (struct deal){curve, point, offer};
            }
        }
    }
    return best;
}

/* Counts one job; true if it has a bill, which is `ratio` times the best one. */
static bool judge(struct decisions_dollars *score,
                  const struct decisions_choice_group *job, double load,
                  const struct decisions_curve_bound *bound, double headroom,
                  double *ratio)
{
    struct deal best = find_deal(job, DECISIONS_CURVE_MEASURED, load, bound, 1);
    struct deal deal = find_deal(job, DECISIONS_CURVE_PREDICTED, load, bound, headroom);
    if (best.curve == NULL) {
        score->n_impossible++;
        return false;
    }
    score->n++;
    if (deal.curve == NULL) {
        score->n_declined++;
        return false;
    }
    const struct decisions_curve_view *view =
        &deal.point->sides[DECISIONS_CURVE_MEASURED];
    struct offer needed =
        offer_of(deal.curve, view, load, bound, decisions_choice_slack);
    if (isinf(needed.usd_per_hour)) {
        score->n_missed++;
        return false;
    }
    double carried = deal.offer.n_replicas * requests_per_s(deal.curve, view);
    score->n_short += carried < least_carried * load;
    double bill = fmax(deal.offer.usd_per_hour, needed.usd_per_hour);
    *ratio = fmax(1, bill / best.offer.usd_per_hour);
    score->n_within += *ratio <= near_best;
    return true;
}

static void add_counts(struct decisions_dollars *all,
                       const struct decisions_dollars *one)
{
    all->n += one->n;
    all->n_missed += one->n_missed;
    all->n_declined += one->n_declined;
    all->n_impossible += one->n_impossible;
    all->n_within += one->n_within;
    all->n_short += one->n_short;
}

void decisions_dollars_score(struct decisions_dollars out[DECISIONS_CURVE_BOUNDS + 1],
                             const struct decisions_choice_groups *jobs, double load,
                             double headroom)
{
    struct decisions_dollars *all = &out[DECISIONS_CURVE_BOUNDS];
    struct decisions_spread_list ratios = {0};
    memset(out, 0, (DECISIONS_CURVE_BOUNDS + 1) * sizeof *out);
    for (int b = 0; b < DECISIONS_CURVE_BOUNDS; b++) {
        struct decisions_spread_list own = {0};
        for (int32_t i = 0; i < jobs->n; i++) {
            double ratio;
            if (judge(&out[b], &jobs->groups[i], load, &decisions_curve_bounds[b],
                      headroom, &ratio)) {
                decisions_spread_add(&own, ratio);
                decisions_spread_add(&ratios, ratio);
            }
        }
        out[b].ratio = decisions_spread_take(&own);
        add_counts(all, &out[b]);
    }
    all->ratio = decisions_spread_take(&ratios);
}
