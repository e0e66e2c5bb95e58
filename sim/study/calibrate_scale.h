/* calibrate_scale: one factor for one deployment from a few measured points.
 *
 * Most of what a prediction is off by is a constant factor per deployment, so one to five
 * points remove much of it.  The factor is drawn towards 1 by how well the engine is known:
 * tpot_sd is what a deployment is expected to be off by, points scatter about it.
 */
#ifndef SERVESIM_STUDY_CALIBRATE_SCALE_H
#define SERVESIM_STUDY_CALIBRATE_SCALE_H

#include <stdio.h>

#include "study/calibrate_rows.h"

struct calibrate_scale {
    struct calibrate_rows rows;
    double expected_sd; /* of the logarithm, before */
    bool is_assumed;    /* the engine says none */
    double log_scale;   /* of the factor that the points give on top of `before` */
    double sd;
    double before; /* the factor in force; 1 without a configuration */
    double *logs_before;
    double *logs;
};

/* Reads the rows and works it out; calibrate_scale_free() whatever it returns. */
int calibrate_scale_fit(struct calibrate_scale *of, const char *path,
                        const struct config *base, const char *engine,
                        int32_t n_threads, const volatile sig_atomic_t *interrupted,
                        struct arena *arena, struct err *err);
void calibrate_scale_free(struct calibrate_scale *of);

/* The factor, its interval, the errors without and with it, the line to paste. */
void calibrate_scale_print(FILE *out, const struct calibrate_scale *of);

#endif
