/* decisions_coverage: D4, whether measurements fall into the predicted intervals as often
 * as these say.
 *
 * An interval is log-normal around the prediction; its spread is tpot_sd or ttft_sd of
 * the engine's constants.  Where that is 0 nobody has calibrated it, and there is none.
 */
#ifndef SERVESIM_STUDY_DECISIONS_COVERAGE_H
#define SERVESIM_STUDY_DECISIONS_COVERAGE_H

#include "study/predict.h"

enum { DECISIONS_COVERAGE_LEVELS = 3 };
extern const double decisions_coverage_levels[DECISIONS_COVERAGE_LEVELS];

struct decisions_coverage {
    const char *model; /* NULL: all */
    enum predict_metric metric;
    int32_t n;
    int32_t n_uncalibrated; /* beside these n */
    int32_t n_inside[DECISIONS_COVERAGE_LEVELS];
    double width[DECISIONS_COVERAGE_LEVELS]; /* the median of (high - low) / prediction;
                                                NAN if n = 0 */
};

struct decisions_coverages {
    int32_t n;
    struct decisions_coverage *rows; /* TPOT of all, of each model; TTFT the same */
};

/* Of all cases that were played, whatever their kind.  Names point into the cases;
 * decisions_coverage_free() the rows. */
void decisions_coverage_score(struct decisions_coverages *out,
                              const struct predict_case *cases,
                              const struct predict_result *results, int32_t n);
void decisions_coverage_free(struct decisions_coverages *out);

#endif
