/* hf_layers: which layers of a config.json have a window, a state or experts.
 *
 * `layer_types` says it where it is given; otherwise each family has a rule of its own, the
 * one of its configuration class.
 */
#ifndef SERVESIM_INPUT_HF_LAYERS_H
#define SERVESIM_INPUT_HF_LAYERS_H

#include "input/hf.h"

/* Windows and states; -1 and `err` for layers that struct llm cannot say. */
int hf_layers_all(struct hf *hf, struct err *err);  /* all, if sliding_window is set */
int hf_layers_qwen(struct hf *hf, struct err *err); /* those above max_window_layers */
int hf_layers_alternate(struct hf *hf,
                        struct err *err); /* every other, the first one too */
int hf_layers_gemma3(struct hf *hf, struct err *err); /* all but every sixth */
int hf_layers_llama4(struct hf *hf, struct err *err); /* all but every fourth: chunks */
int hf_layers_delta(struct hf *hf, struct err *err);  /* gated DeltaNet */
int hf_layers_indexer(struct hf *hf, struct err *err); /* DeepSeek sparse attention */
int hf_layers_minimax(struct hf *hf, struct err *err); /* none, or lightning: refused */

/* Experts and the MLPs of layers without; `dense` is the key of their width. */
int hf_layers_mixtral(struct hf *hf, const char *dense, struct err *err);
int hf_layers_qwen_moe(struct hf *hf, const char *dense, struct err *err);
int hf_layers_deepseek(struct hf *hf, const char *dense, struct err *err);
int hf_layers_llama4_moe(struct hf *hf, const char *dense, struct err *err);

#endif
