/* llm: a language model as its dimensions have it.
 *
 * Everything the step price needs follows from the dimensions: parameters per class of
 * operation, bytes of KV cache per token, FLOPs per token and per (query, key) pair.  KV
 * bytes use the KV heads, attention FLOPs the query heads (grouped-query attention).
 */
#ifndef SERVESIM_MODEL_LLM_H
#define SERVESIM_MODEL_LLM_H

#include <stdint.h>

#include "base/field.h"

struct llm {
    int64_t n_layers;
    int64_t hidden;
    int64_t intermediate; /* of the gated MLP: three matrices hidden x intermediate */
    int64_t n_heads;      /* query heads */
    int64_t n_kv_heads;
    int64_t head_dim;
    int64_t vocab;
    int64_t tied_embeddings; /* 1: the LM head is the input embedding */
    int64_t max_context_tokens;
    int64_t weight_bits;
    int64_t kv_bits;
    const char *source;
};

extern const struct field_table llm_table;

/* Parameters of all layers' query, key, value and output projections (W_a). */
int64_t llm_attention_params(const struct llm *llm);

/* Parameters of all layers' MLPs (W_d). */
int64_t llm_mlp_params(const struct llm *llm);

/* Parameters of the LM head (h V). */
int64_t llm_head_params(const struct llm *llm);

/* All parameters, embeddings and norms included; 8,030,261,248 for Llama-3.1-8B. */
int64_t llm_params(const struct llm *llm);

/* KV bytes of one token over all layers on each of `tp` GPUs: 2 L K d b / min(tp, K).
 * Llama-3.1-8B in BF16: 131,072. */
int64_t llm_kv_bytes_per_token(const struct llm *llm, int64_t tp);

/* FLOPs of one (query, key) pair over all layers: 4 H d L (QK^T and AV). */
int64_t llm_flops_per_pair(const struct llm *llm);

#endif
