/* calibrate_loss: how much a residual counts.
 *
 * Like its square near 0; beyond the bend it grows in proportion (Huber) or ever slower
 * (Cauchy), so that a few odd rows do not decide.
 */
#ifndef SERVESIM_STUDY_CALIBRATE_LOSS_H
#define SERVESIM_STUDY_CALIBRATE_LOSS_H

#include "study/calibrate_rows.h"

enum calibrate_loss_kind { CALIBRATE_HUBER, CALIBRATE_CAUCHY, CALIBRATE_SQUARES };

struct calibrate_loss {
    enum calibrate_loss_kind kind;
    double scale;   /* of residuals of tokens after the first */
    double bend[2]; /* of tokens after the first, of first tokens */
};

/* Rounding of measurements and the jumps of a simulation leave this much, however good
 * the fit: the least scale of residuals. */
extern const double calibrate_loss_least;

/* The word of the command line; NULL beyond the last. */
const char *calibrate_loss_name(enum calibrate_loss_kind kind);

/* Sets where it bends, from the median size of log(predicted / measured). */
void calibrate_loss_scale(struct calibrate_loss *loss,
                          const struct calibrate_rows *rows, const double *logs);

/* The residuals whose squares sum to the loss; `residuals` may be `logs`. */
void calibrate_loss_apply(const struct calibrate_loss *loss,
                          const struct calibrate_rows *rows, const double *logs,
                          double *residuals);

#endif
