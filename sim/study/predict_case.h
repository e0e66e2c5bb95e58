/* predict_case: a measured row as a pool and a client. */
#ifndef SERVESIM_STUDY_PREDICT_CASE_H
#define SERVESIM_STUDY_PREDICT_CASE_H

#include "study/predict.h"

/* Fills the case from its row and kind.  What no preset answers is the case's refusal; -1
 * is for broken presets. */
int predict_case_fill(struct predict_case *of, const struct config *base,
                      struct arena *arena, struct err *err);

/* A row of a request log, served as `base` says; and all of them together, in the order
 * they came. */
void predict_replay_fill(struct predict_case *of, const struct config *base);
void predict_replay(const struct predict_case *cases, int32_t n_cases,
                    struct predict_result *results);

#endif
