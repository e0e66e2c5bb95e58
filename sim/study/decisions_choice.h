/* decisions_choice: D2, the layout and concurrency that a prediction chooses, and what
 * they are worth when measured.
 *
 * A place is a model, a GPU, a precision, a server and its version under one protocol; it
 * is scored where two layouts or more were measured.  The choice is the measured point
 * with the highest predicted throughput per GPU whose prediction keeps the bound times
 * `headroom`.  If its measurement keeps the bound within 5 %, the choice is worth its
 * measured throughput over that of the best point that keeps the bound, at most 1;
 * otherwise it is a miss, worth nothing, as is no choice where there is a point that keeps
 * the bound.  Places where no point does are counted, and how often one was chosen there.
 */
#ifndef SERVESIM_STUDY_DECISIONS_CHOICE_H
#define SERVESIM_STUDY_DECISIONS_CHOICE_H

#include "study/decisions_curve.h"

/* A measurement that is worse than a bound by less than this factor keeps it. */
extern const double decisions_choice_slack;

/* By prediction, or always the layout of the fewest or of the most GPUs at the highest
 * concurrency that the prediction finds feasible. */
enum decisions_chooser {
    DECISIONS_CHOICE_PREDICTED,
    DECISIONS_CHOICE_SMALLEST,
    DECISIONS_CHOICE_LARGEST,
    DECISIONS_CHOOSERS
};

struct decisions_choice {
    int32_t n; /* places and bounds with a point that keeps the bound */
    int32_t n_missed;
    int32_t n_declined;   /* nothing chosen */
    int32_t n_impossible; /* beside these n: no point keeps the bound */
    int32_t n_promised;   /* of the impossible: yet one was chosen */
    double utility_sum;
};

/* Curves among which there is a choice; their points belong to decisions_curves. */
struct decisions_choice_group {
    int32_t n;
    struct decisions_curve *curves;
};

struct decisions_choice_groups {
    int32_t n;
    struct decisions_choice_group *groups;
};

/* Whether two curves may be in one group, and whether they are different offers. */
struct decisions_choice_kind {
    bool (*is_same)(const struct predict_case *a, const struct predict_case *b);
    bool (*is_other)(const struct predict_case *a, const struct predict_case *b);
};
extern const struct decisions_choice_kind decisions_choice_places;

/* The groups that hold two different offers or more, and of each all its curves;
 * decisions_choice_free() them. */
void decisions_choice_gather(struct decisions_choice_groups *groups,
                             const struct decisions_curves *curves,
                             const struct decisions_choice_kind *kind);
void decisions_choice_free(struct decisions_choice_groups *groups);

/* Scores every group: out[DECISIONS_CURVE_BOUNDS] is about all bounds. */
void decisions_choice_score(struct decisions_choice out[DECISIONS_CURVE_BOUNDS + 1],
                            const struct decisions_choice_groups *groups,
                            enum decisions_chooser chooser, double headroom);

/* utility_sum / n and n_missed / n; NAN if there is none. */
double decisions_choice_utility(const struct decisions_choice *score);
double decisions_choice_misses(const struct decisions_choice *score);

/* The headroom, 0.50 to 1.20 in hundredths, with which places miss in at most 5 % of their
 * choices (or in as few as can be) and are worth most; of equals the one nearest to 1. */
double decisions_choice_tune(const struct decisions_choice_groups *groups);

#endif
