/* calibrate: an engine's constants from measurements of servers that ran it.
 *
 * Each round plays every measurement (study/predict.h) and compares logarithms, so a ratio
 * counts alike for short and long times.  The loss bends where residuals are large, so
 * that a few odd rows do not decide.  What the rows cannot tell is said, not hidden: a
 * constant without influence, at its bound, or known worse than to a factor of two.
 */
#ifndef SERVESIM_STUDY_CALIBRATE_H
#define SERVESIM_STUDY_CALIBRATE_H

#include "study/calibrate_loss.h"
#include "study/calibrate_rows.h"
#include "study/fit.h"

/* What a fold leaves out. */
enum calibrate_hold {
    CALIBRATE_BY_MODEL,
    CALIBRATE_BY_SYSTEM,
    CALIBRATE_BY_BACKEND,
    CALIBRATE_NONE
};

enum calibrate_flaw {
    CALIBRATE_SOUND,
    CALIBRATE_UNSEEN, /* no row changes with it */
    CALIBRATE_BOUND,
    CALIBRATE_VAGUE /* its standard deviation is its own size or more */
};

struct calibrate_options {
    const char *path;
    const char *fit;    /* "key,key"; NULL: the standard ones */
    const char *engine; /* NULL: all rows */
    enum calibrate_loss_kind loss;
    enum calibrate_hold hold_out;
    int32_t n_threads;
    bool tells; /* progress on standard error */
    const volatile sig_atomic_t *interrupted;
};

struct calibrate {
    const struct calibrate_options *options;
    struct calibrate_rows rows;
    struct calibrate_keys keys;
    double start_at[CALIBRATE_MOST_KEYS];
    double at[CALIBRATE_MOST_KEYS];
    double sd[CALIBRATE_MOST_KEYS]; /* of each constant, relative */
    enum calibrate_flaw flaw[CALIBRATE_MOST_KEYS];
    double *correlation;        /* keys.n x keys.n */
    bool is_robust;             /* sd allows for deployments that err as one */
    const char *engine_name;    /* the preset it starts from: that of most rows */
    struct constants before;    /* as the preset has them */
    struct constants constants; /* as fitted, to four digits */
    struct fit_outcome outcome;
    double *logs_before; /* log(predicted / measured) by row */
    double *logs;
    double *logs_held; /* the row not being fitted; NULL: nothing was held out */
    int32_t n_folds;
    struct calibrate_loss loss;
};

/* Fits; calibrate_free() whatever it returns. */
int calibrate_fit(struct calibrate *of, const struct calibrate_options *options,
                  const struct config *base, struct arena *arena, struct err *err);
void calibrate_free(struct calibrate *of);

/* What the row's case is called among folds. */
const char *calibrate_label(const struct predict_case *of, enum calibrate_hold hold);

/* The word of the command line; NULL beyond the last. */
const char *calibrate_hold_name(enum calibrate_hold hold);

#endif
