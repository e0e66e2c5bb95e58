/* rivals: two simple ways to predict a measurement, that a simulator has to beat.
 *
 * They fill a result as predict_play() does, so that the same scores judge them.
 */
#ifndef SERVESIM_STUDY_RIVALS_H
#define SERVESIM_STUDY_RIVALS_H

#include "study/predict.h"

/* Three lines of a spreadsheet: TPOT = (all weights + the KV cache of a full loop) / (GPUs
 * x bandwidth), TTFT = 2 x active parameters x prompt / (GPUs x peak), E2E from both, with
 * mean lengths and the data sheet's rates.  Refuses what is not closed loop. */
void rivals_spreadsheet(const struct predict_case *of, struct predict_result *result);

/* What was measured on the most similar row of another model or another GPU: least sum of
 * squared logarithms of the ratios of (bytes of active parameters / bandwidth of all
 * GPUs), prompt, output and concurrency; the first of equals.  Refuses what is not closed
 * loop. */
void rivals_nearest(const struct predict_case *cases, int32_t n, int32_t i,
                    struct predict_result *result);

#endif
