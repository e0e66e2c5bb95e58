/* hf_shape: the dimensions of a model from its config.json.
 *
 * Families differ in the names of keys, in what holds when one is not given (the defaults
 * of their configuration classes), and in which layers have a window, a state or experts.
 * A family is one row of the table in hf_shape.c; a model_type without a row is refused.
 */
#ifndef SERVESIM_INPUT_HF_SHAPE_H
#define SERVESIM_INPUT_HF_SHAPE_H

#include "input/hf.h"

/* Fills every dimension of hf->llm; -1 and `err` if the file does not say it, or says what
 * struct llm cannot. */
int hf_shape_read(struct hf *hf, struct err *err);

#endif
