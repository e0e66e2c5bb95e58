/* calibrated: what is known of how far a deployment's steps are from their prediction.
 *
 * The constants of an engine preset were fitted on dense and MoE models with softmax
 * attention, tensor parallelism and the GPUs listed in calibrated.c; `tpot_sd` is how far
 * deployments that it was not fitted on were off.  Beyond that nothing was measured, and a
 * run says so.  An engine file of one's own says by its `tpot_sd` alone how good it is.  `scale` is a measurement of the deployment itself.
 */
#ifndef SERVESIM_STUDY_CALIBRATED_H
#define SERVESIM_STUDY_CALIBRATED_H

#include <stdbool.h>

#include "engine/pool.h"
#include "input/config.h"

enum { CALIBRATED_TEXT = 160 };

/* Whether the steps of the pool have a scale of their own, measured where it runs. */
bool calibrated_has_scale(const struct pool_config *pool);

/* Whether nothing like the pool was ever measured. */
bool calibrated_is_doubtful(const struct pool_config *pool);

/* One line about all of `n` pools, without commas and quotes: "this deployment (scale = 1.07)",
 * "fitted on other deployments (TPOT +-17 %)" or "uncalibrated: " and why. */
void calibrated_print(const struct pool_config *pools, int32_t n,
                      char text[CALIBRATED_TEXT]);

#endif
