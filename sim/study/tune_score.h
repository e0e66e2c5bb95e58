/* tune_score: how well one configuration serves a goal.
 *
 * A configuration is scored once per draw and seed, a cell each, so that two of them can be
 * compared cell by cell.  The score is the logarithm of what is to be small: dollars per
 * million tokens, or GPUs per request per second, at the highest rate within [slo]; or a
 * latency, the worse of that at the workload's rate and at [tune] bursts times it.  That
 * rate is what study/capacity.h finds.
 */
#ifndef SERVESIM_STUDY_TUNE_SCORE_H
#define SERVESIM_STUDY_TUNE_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "study/progress.h"
#include "study/trial.h"

struct tune_score_cell {
    double value; /* the less the better */
    int32_t step; /* the highest rate that meets [slo], as a power of 1 + precision */
    bool none;    /* no rate does: step and result are those of the lowest tried */
    bool any;     /* every rate tried does, so that the highest says nothing */
    struct trial_result result; /* at that rate, or the worse of the latency's two */
};

/* One cell to be scored; or, if it screens, one run a step above `start`, which says only
 * whether the configuration may be better; or, with a rate, what it does at that rate. */
struct tune_score_job {
    const struct trial_spec *spec;
    int32_t draw;
    int32_t seed;  /* -1: all of the specification's together */
    int32_t start; /* where to begin, a step; INT32_MIN: not known */
    double
        rate_rps; /* 0: none.  Else the value is the latency's, or how far within [slo] */
    bool screens;
    bool is_better; /* of a job that screens: meets [slo] there */
    struct tune_score_cell cell;
    int64_t n_runs;
    bool failed; /* the fleet cannot serve the workload: `err` says why */
    struct err err;
};

struct tune_score {
    int64_t goal; /* enum config_study_goal */
    int32_t n_draws;
    int32_t n_seeds;
    bool is_drawn; /* a seed draws other traffic; else there is one */
    int32_t n_gpus;
    double step; /* log(1 + precision) */
    double natural_rps;
    double bursts;
    int32_t n_threads;
    int64_t n_runs;
    const volatile sig_atomic_t *interrupted;
    struct progress *progress;
};

/* The specification of trials for the goal: with goal = latency its one criterion is that
 * metric, else they are those of [slo]. */
int tune_score_spec(struct trial_spec *spec, const struct config *config,
                    const volatile sig_atomic_t *interrupted, struct arena *arena,
                    struct err *err);

/* Works out all but what concerns threads, by one run at the workload's own rate. */
int tune_score_init(struct tune_score *score, const struct trial_spec *spec,
                    struct err *err);

/* The rate of a burst, with six digits: what is told is what is simulated. */
double tune_score_burst(const struct tune_score *score);

/* The rate of a step. */
double tune_score_rate(const struct tune_score *score, int32_t step);

/* Scores them, several at a time; -1 only if interrupted. */
int tune_score_all(struct tune_score *score, struct tune_score_job *jobs, int32_t n,
                   struct err *err);

#endif
