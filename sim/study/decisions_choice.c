#include "study/decisions_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const double decisions_choice_slack = 1.05;
static const double most_misses = 0.05;

/* A point of a curve. */
struct pick {
    const struct decisions_curve *curve; /* NULL: none */
    const struct decisions_curve_point *point;
};

static bool is_same_place(const struct predict_case *a, const struct predict_case *b)
{
    const struct measured_server *x = &a->row.server;
    const struct measured_server *y = &b->row.server;
    const struct measured_closed *p = &a->row.closed;
    const struct measured_closed *q = &b->row.closed;
    return strcmp(x->model, y->model) == 0 && strcmp(x->system, y->system) == 0 &&
           strcmp(x->precision, y->precision) == 0 &&
           strcmp(x->backend, y->backend) == 0 &&
           strcmp(x->backend_version, y->backend_version) == 0 &&
           p->prompt_tokens == q->prompt_tokens &&
           p->output_tokens == q->output_tokens &&
           p->range_ratio_nano == q->range_ratio_nano;
}

static bool is_other_layout(const struct predict_case *a, const struct predict_case *b)
{
    const struct measured_server *x = &a->row.server;
    const struct measured_server *y = &b->row.server;
    return x->tensor_parallel != y->tensor_parallel ||
           x->pipeline_parallel != y->pipeline_parallel ||
           x->data_parallel != y->data_parallel ||
           x->expert_parallel != y->expert_parallel;
}

const struct decisions_choice_kind decisions_choice_places = {
    .is_same = is_same_place,
    .is_other = is_other_layout,
};

static void add_group(struct decisions_choice_groups *groups,
                      const struct decisions_curves *curves, int32_t first,
                      const struct decisions_choice_kind *kind)
{
    const struct predict_case *of = curves->curves[first].of;
    struct decisions_choice_group group = {0};
    bool has_choice = false;
    group.curves = memory_new((size_t)curves->n, sizeof *group.curves);
    for (int32_t i = first; i < curves->n; i++) {
        const struct decisions_curve *curve = &curves->curves[i];
        if (kind->is_same(of, curve->of)) {
            group.curves[group.n++] = *curve;
            has_choice = has_choice || kind->is_other(of, curve->of);
        }
    }
    if (!has_choice) {
        free(group.curves);
        return;
    }
    size_t n = (size_t)groups->n + 1;
    groups->groups = memory_grow(groups->groups, n, sizeof *groups->groups);
    groups->groups[groups->n++] = group;
}

void decisions_choice_gather(struct decisions_choice_groups *groups,
                             const struct decisions_curves *curves,
                             const struct decisions_choice_kind *kind)
{
    *groups = (struct decisions_choice_groups){0};
    for (int32_t i = 0; i < curves->n; i++) {
        bool is_first = true;
        for (int32_t k = 0; k < i && is_first; k++) {
            is_first = !kind->is_same(curves->curves[k].of, curves->curves[i].of);
        }
        if (is_first) {
            add_group(groups, curves, i, kind);
        }
    }
}

void decisions_choice_free(struct decisions_choice_groups *groups)
{
    for (int32_t i = 0; i < groups->n; i++) {
        free(groups->groups[i].curves);
    }
    free(groups->groups);
}

/* How much a chooser likes a point: more of `first`, then of `second`. */
struct liking {
    double first;
    double second;
};

static struct liking liking_of(enum decisions_chooser chooser,
                               const struct decisions_curve *curve,
                               const struct decisions_curve_point *point)
{
    double n_gpus = (double)curve->n_gpus;
    double concurrency = (double)point->concurrency;
    switch (chooser) {
    case DECISIONS_CHOICE_PREDICTED:
        return (struct liking){point->sides[DECISIONS_CURVE_PREDICTED].per_gpu, 0};
    case DECISIONS_CHOICE_SMALLEST:
        return (struct liking){-n_gpus, concurrency};
    case DECISIONS_CHOICE_LARGEST:
        return (struct liking){n_gpus, concurrency};
    case DECISIONS_CHOOSERS:
        break;
    }
    return (struct liking){0};
}

/* Whether a chooser that always takes one size would look at a curve at all. */
static bool is_considered(const struct decisions_choice_group *group,
                          enum decisions_chooser chooser,
                          const struct decisions_curve *curve)
{
    for (int32_t i = 0; i < group->n; i++) {
        int64_t n_gpus = group->curves[i].n_gpus;
        if ((chooser == DECISIONS_CHOICE_SMALLEST && n_gpus < curve->n_gpus) ||
            (chooser == DECISIONS_CHOICE_LARGEST && n_gpus > curve->n_gpus)) {
            return false;
        }
    }
    return true;
}

/* Of equals the first curve, and of its points the first. */
static struct pick choose(const struct decisions_choice_group *group,
                          enum decisions_chooser chooser,
                          const struct decisions_curve_bound *bound, double headroom)
{
    struct pick best = {NULL, NULL};
    struct liking most = {0};
    for (int32_t i = 0; i < group->n; i++) {
        const struct decisions_curve *curve = &group->curves[i];
        for (int32_t k = 0; k < curve->n_points; k++) {
            const struct decisions_curve_point *point = &curve->points[k];
            struct liking own = liking_of(chooser, curve, point);
            if (is_considered(group, chooser, curve) &&
                decisions_curve_meets(&point->sides[DECISIONS_CURVE_PREDICTED], bound,
                                      headroom) &&
                (best.curve == NULL || own.first > most.first ||
                 (own.first == most.first && own.second > most.second))) {
                best = (struct pick){curve, point};
                most = own;
            }
        }
    }
    return best;
}

/* The best that was measured within the bound; 0 if nothing was. */
static double best_measured(const struct decisions_choice_group *group,
                            const struct decisions_curve_bound *bound)
{
    double best = 0;
    for (int32_t i = 0; i < group->n; i++) {
        const struct decisions_curve *curve = &group->curves[i];
        for (int32_t k = 0; k < curve->n_points; k++) {
            const struct decisions_curve_view *view =
                &curve->points[k].sides[DECISIONS_CURVE_MEASURED];
            if (decisions_curve_meets(view, bound, 1)) {
                best = fmax(best, view->per_gpu);
            }
        }
    }
    return best;
}

static void judge(struct decisions_choice *score,
                  const struct decisions_choice_group *group,
                  enum decisions_chooser chooser,
                  const struct decisions_curve_bound *bound, double headroom)
{
    double best = best_measured(group, bound);
    struct pick pick = choose(group, chooser, bound, headroom);
    if (best <= 0) {
        score->n_impossible++;
        score->n_promised += pick.curve != NULL;
        return;
    }
    score->n++;
    if (pick.curve == NULL) {
        score->n_declined++;
        return;
    }
    const struct decisions_curve_view *view =
        &pick.point->sides[DECISIONS_CURVE_MEASURED];
    if (!decisions_curve_meets(view, bound, decisions_choice_slack)) {
        score->n_missed++;
        return;
    }
    score->utility_sum += fmin(1, view->per_gpu / best);
}

void decisions_choice_score(struct decisions_choice out[DECISIONS_CURVE_BOUNDS + 1],
                            const struct decisions_choice_groups *groups,
                            enum decisions_chooser chooser, double headroom)
{
    struct decisions_choice *all = &out[DECISIONS_CURVE_BOUNDS];
    memset(out, 0, (DECISIONS_CURVE_BOUNDS + 1) * sizeof *out);
    for (int b = 0; b < DECISIONS_CURVE_BOUNDS; b++) {
        for (int32_t i = 0; i < groups->n; i++) {
            judge(&out[b], &groups->groups[i], chooser, &decisions_curve_bounds[b],
                  headroom);
        }
        all->n += out[b].n;
        all->n_missed += out[b].n_missed;
        all->n_declined += out[b].n_declined;
        all->n_impossible += out[b].n_impossible;
        all->n_promised += out[b].n_promised;
        all->utility_sum += out[b].utility_sum;
    }
}

double decisions_choice_utility(const struct decisions_choice *score)
{
    return score->n > 0 ? score->utility_sum / score->n : NAN;
}

double decisions_choice_misses(const struct decisions_choice *score)
{
    return score->n > 0 ? (double)score->n_missed / score->n : NAN;
}

double decisions_choice_tune(const struct decisions_choice_groups *groups)
{
    enum { LEAST = 50, MOST = 120, START = 100 };
    int best = START;
    struct decisions_choice scores[DECISIONS_CURVE_BOUNDS + 1];
    double best_misses = INFINITY;
    double best_utility = 0;
    for (int away = 0; away <= START - LEAST; away++) {
        for (int sign = -1; sign <= 1; sign += 2) { /* nearest to 1 first */
            int h = START + sign * away;
            if (h > MOST) {
                continue;
            }
            decisions_choice_score(scores, groups, DECISIONS_CHOICE_PREDICTED,
                                   h / 100.0);
            const struct decisions_choice *all = &scores[DECISIONS_CURVE_BOUNDS];
            double misses = fmax(most_misses, decisions_choice_misses(all));
            double utility = decisions_choice_utility(all);
            if (misses < best_misses ||
                (misses == best_misses && utility > best_utility)) {
                best = h;
                best_misses = misses;
                best_utility = utility;
            }
        }
    }
    return best / 100.0;
}
