/* calibrate_rows: the measurements that a calibration is made of, and what the simulator
 * says of them.
 *
 * A case gives one number or several (TTFT, TPOT, two step times); each is a row of
 * residuals log(predicted / measured).  Cases of one deployment err alike, so n of them
 * weigh as sqrt(n) would.
 */
#ifndef SERVESIM_STUDY_CALIBRATE_ROWS_H
#define SERVESIM_STUDY_CALIBRATE_ROWS_H

#include <signal.h>

#include "study/calibrate_keys.h"
#include "study/predict.h"

struct calibrate_row {
    int32_t at; /* which case */
    enum predict_metric metric;
    bool is_first; /* of a first token; else of the tokens after it */
    double weight; /* of the residual, not of its square */
};

struct calibrate_rows {
    struct predict_case *cases; /* those that can be predicted */
    struct predict_result *results;
    int32_t *deployment; /* of each case, from 0 */
    int32_t n_cases;
    int32_t n_deployments;
    int32_t n_read;    /* of the engine that was asked for */
    int32_t n_refused; /* of these, without a prediction */
    char refusal[400]; /* of the first of them, "" if there is none */
    struct calibrate_row *rows;
    int32_t n_rows;
    int32_t n_threads;
    const volatile sig_atomic_t *interrupted;
};

/* Reads and plays the rows of `path` whose backend or engine preset is `engine` (NULL:
 * all).  calibrate_rows_free() them, whatever it returns. */
int calibrate_rows_read(struct calibrate_rows *of, const char *path,
                        const struct config *base, const char *engine,
                        struct arena *arena, struct err *err);
void calibrate_rows_free(struct calibrate_rows *of);

/* One log(predicted / measured) per row, from the results at hand. */
void calibrate_rows_logs(const struct calibrate_rows *of, double *logs);

/* The same after playing all cases as they stand; -1 if interrupted. */
int calibrate_rows_play(struct calibrate_rows *of, double *logs);

/* Gives every case these values of the keys' constants. */
void calibrate_rows_set(struct calibrate_rows *of, const struct calibrate_keys *keys,
                        const double *at, int digits);

/* What to say if calibrate_rows_play() was interrupted. */
int calibrate_rows_stopped(struct err *err);

#endif
