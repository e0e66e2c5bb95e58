/* tune: the flags of a serving engine that serve a goal best.
 *
 * From the present values each flag in turn is given each of its values, all else staying,
 * and the best one is kept: from the first flag to the last, and from the last to the
 * first.  From the better end so again, and where no flag helps alone pairs are tried,
 * until nothing helps or [tune] rounds are over.  Configurations are compared cell by cell
 * (study/tune_score.h): a change is made if in the mean over cells it gains at least
 * [capacity] precision and more than the standard error of the paired differences, and in
 * no draw loses more than that precision.  So that most candidates cost a run, not a
 * search, one is dropped that, with the middle draw, no seed shows to be better.  At the
 * end flags go back one by one: what a flag is then worse by is its worth, and one that is
 * worth nothing by the same rule stays as it was.
 */
#ifndef SERVESIM_STUDY_TUNE_H
#define SERVESIM_STUDY_TUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "study/tune_flags.h"
#include "study/tune_score.h"

enum tune_state { TUNE_NEW, TUNE_REFUSED, TUNE_DROPPED, TUNE_SCORED };

/* One setting of all flags. */
struct tune_point {
    int32_t at[TUNE_FLAGS_MOST]; /* which value of each flag */
    enum tune_state state;
    struct config config;
    struct trial_spec spec;
    struct tune_score_cell *cells; /* draw by draw, the seeds of each */
};

/* What the second of two points gains over the first: logarithms of the goal. */
struct tune_gain {
    double mean;
    double se;    /* of the mean, of paired differences; 0 with one cell */
    double worst; /* mean of the worst draw */
};

/* What happens if one flag goes back to what it was. */
struct tune_worth {
    int32_t flag;
    bool is_needed; /* without it the rest does not start */
    struct tune_gain gain;
};

struct tune_request {
    const char *path;
    const char *const *overrides;
    int32_t n_overrides;
    int32_t n_threads;
    bool quiet;
    const volatile sig_atomic_t *interrupted;
};

struct tune {
    const struct tune_request *request;
    struct arena *arena;
    struct config base;
    struct trial_spec spec;
    struct tune_flags flags;
    struct tune_score score;
    struct progress progress;
    struct tune_point **points; /* every one looked at, in order */
    int32_t n_points;
    int32_t n_refused;
    char refusal[400]; /* the first */
    struct tune_point *was;
    struct tune_point *now;
    struct tune_worth worth[TUNE_FLAGS_MOST];
    int32_t n_worth;
    int32_t n_rounds;
    bool is_settled; /* the last round found nothing */
};

/* Reads the configuration and tunes it.  tune_free() whatever it returns. */
int tune_run(struct tune *tune, const struct tune_request *request, struct arena *arena,
             struct err *err);
void tune_free(struct tune *tune);

struct tune_gain tune_gain_of(const struct tune *tune, const struct tune_point *from,
                              const struct tune_point *to);

/* Whether a gain is one, by the rule above. */
bool tune_is_better(const struct tune *tune, const struct tune_gain *gain);

#endif
