/* measured_names: how others write models, systems and precisions, in our names.
 *
 * A model's name loses its organisation and what says how it was tuned or quantised
 * ("RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic" is llama-4-scout); the tables of
 * measured_aliases hold what no rule finds.  A name that leads to no preset is refused, never guessed.
 *
 * A precision is that of the checkpoint, and what it leaves in 16 bits follows from the
 * kind of model (see measured_names_precision).
 */
#ifndef SERVESIM_INPUT_MEASURED_NAMES_H
#define SERVESIM_INPUT_MEASURED_NAMES_H

#include "base/err.h"
#include "model/llm.h"

enum { MEASURED_NAMES_TEXT = 128 };

/* The preset in configs/models, or in configs/accelerators.  -1 and `err`, with the
 * preset that is most alike but no place in a file, if there is none. */
int measured_names_model(const char *text, char preset[MEASURED_NAMES_TEXT],
                         struct err *err);
int measured_names_system(const char *text, char preset[MEASURED_NAMES_TEXT],
                          struct err *err);

/* The precision a checkpoint's name ends with ("-FP8-dynamic": "fp8"); "" if none. */
const char *measured_names_suffix(const char *model);

/* Sets the precisions of a model as it is published to those of the checkpoint that was
 * measured; "" and "auto" leave them.  -1 and `err` if the precision is not known.
 *
 *   fp4   experts that are MXFP4 as published (gpt-oss) stay so, all else is BF16; other
 *         models are NVFP4, attention too unless they have experts.  KV: FP8
 *   fp8   weights and products; KV FP8 for compressed KV (MLA) and for Llama-3.1-70B,
 *         whose published checkpoint has its scales, else BF16
 *   int4  weights only: of the experts if those are INT4 as published.  KV: BF16
 *   int8  weights and products, KV BF16
 *   bf16  everything, as is fp16 */
int measured_names_precision(const char *text, const char *preset, struct llm *llm,
                             struct err *err);

#endif
