/* calibrate_plan: which load points tell most about an engine's constants.
 *
 * Every candidate (clients x prompt x output tokens) is simulated, with each constant
 * moved a little; from these derivatives and the noise of repeated runs follows how well
 * any set of points would determine the constants.  Points are added one by one, each the
 * one that lowers the volume of uncertainty most (D-optimal) among those the ten minutes
 * leave time for.
 */
#ifndef SERVESIM_STUDY_CALIBRATE_PLAN_H
#define SERVESIM_STUDY_CALIBRATE_PLAN_H

#include <signal.h>
#include <stdio.h>

#include "input/config.h"
#include "study/calibrate_keys.h"
#include "study/predict.h"

enum { CALIBRATE_PLAN_MOST = 6, CALIBRATE_PLAN_LEAST = 4 };

struct calibrate_plan_point {
    int64_t concurrency;
    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t n_prompts;
    double seconds;                        /* simulated */
    double slopes[2][CALIBRATE_MOST_KEYS]; /* of log TPOT and TTFT, per unit of noise */
};

struct calibrate_plan {
    const struct config *config;
    struct calibrate_keys keys;
    double at[CALIBRATE_MOST_KEYS];
    struct calibrate_plan_point *points; /* all candidates */
    int32_t n_points;
    int32_t chosen[CALIBRATE_PLAN_MOST];
    int32_t n_chosen;
    double sd_before; /* of each constant, relative: assumed */
    double sd[CALIBRATE_MOST_KEYS];
};

/* Works it out for the configuration's first pool; calibrate_plan_free() whatever it
 * returns.  `fit` as for the fit itself. */
int calibrate_plan_make(struct calibrate_plan *of, const struct config *config,
                        const char *fit, int32_t n_threads,
                        const volatile sig_atomic_t *interrupted, struct arena *arena,
                        struct err *err);
void calibrate_plan_free(struct calibrate_plan *of);

/* The logarithm of the determinant of what these points would tell, added to what is known
 * before: the larger, the better. */
double calibrate_plan_worth(const struct calibrate_plan *of, const int32_t *points,
                            int32_t n);

/* The points as commands of a benchmark client, and the constants before and after. */
void calibrate_plan_print(FILE *out, const struct calibrate_plan *of);

#endif
