/* calibrated: what is known of how far a deployment's steps are from their prediction.
 *
 * The constants of an engine preset were fitted on the GPUs listed in calibrated.c, on
 * tensor-parallel layouts of dense and MoE models, few of them with linear layers, an
 * indexer or data-parallel ranks; `tpot_sd` is how far deployments that it was not fitted
 * on were off.  What was hardly or never measured is called uncalibrated.  An engine file
 * of one's own says by its `tpot_sd` alone how good it is, for whatever it is used, and
 * `scale` is a measurement of the deployment itself.  Names decide: what a pool overrides
 * of an accelerator is not looked at, so that config.ini says the same wherever it lies.
 */
#ifndef SERVESIM_STUDY_CALIBRATED_H
#define SERVESIM_STUDY_CALIBRATED_H

#include <stdbool.h>

#include "engine/pool.h"
#include "input/config.h"

enum { CALIBRATED_TEXT = 200 };

/* Whether the steps of the pool have a scale of their own, measured where it runs. */
bool calibrated_has_scale(const struct pool_config *pool);

/* Whether nothing like the pool was ever measured. */
bool calibrated_is_doubtful(const struct pool_config *pool);

/* One line about all of `n` pools, without commas and quotes: "this deployment (scale =
 * 1.07)", "fitted on other deployments (TPOT +-17 %)", "as the engine file of your own says
 * (TPOT +-17 %)" or "uncalibrated: " and why. */
void calibrated_print(const struct pool_config *pools, int32_t n,
                      char text[CALIBRATED_TEXT]);

#endif
