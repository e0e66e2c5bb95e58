/* compare_score: the columns of a comparison, and who is best in each.
 *
 * A column is one metric of summary.csv.  One that no variant has a value of is left out:
 * goodput without bounds, MFU without hardware.  The best is chosen among exact values,
 * before they are rounded for people; where several are equally good all of them win, and
 * where all are equal nobody does.
 */
#ifndef SERVESIM_STUDY_COMPARE_SCORE_H
#define SERVESIM_STUDY_COMPARE_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "study/compare.h"

enum compare_score_better {
    COMPARE_SCORE_LESS,
    COMPARE_SCORE_MORE,
    COMPARE_SCORE_NEITHER, /* tells something, and nobody wins it */
};

enum { COMPARE_SCORE_MOST = 24, COMPARE_SCORE_TEXT = 64 };

struct compare_score {
    const char *metric; /* as summary.csv calls it */
    const char *title;  /* as people do */
    const char *unit;   /* of what is shown */
    const char *metric_unit;
    enum compare_score_better better;
    double scale; /* shown = value x scale */
    int decimals;
    const char **values; /* as in summary.csv, "" for none: one per variant */
    bool *won;
    bool is_won; /* by anybody */
};

struct compare_scores {
    struct compare_score list[COMPARE_SCORE_MOST]; /* those that apply */
    int32_t n;
    int32_t *n_wins; /* of each variant */
};

/* Everything in `scores` lives in the arena. */
void compare_score_all(struct compare_scores *scores, const struct compare *compare,
                       struct arena *arena);

/* A variant's value as people read it; "-" where there is none. */
void compare_score_print(const struct compare_score *score, int32_t variant,
                         char text[COMPARE_SCORE_TEXT]);

#endif
