/* hf_precision: number formats from the quantization_config of a config.json.
 *
 * Without one, weights are BF16 (or FP16, which is the same here).  Methods: fp8,
 * fbgemm_fp8, mxfp4, awq, gptq, compressed-tensors and modelopt; others are refused by
 * name.
 */
#ifndef SERVESIM_INPUT_HF_PRECISION_H
#define SERVESIM_INPUT_HF_PRECISION_H

#include "input/hf.h"

/* Fills the precisions of hf->llm; -1 and `err` for a format that no enum precision is. */
int hf_precision_read(struct hf *hf, struct err *err);

#endif
