/* llm: a language model as its dimensions have it.
 *
 * Everything the step price needs follows from the dimensions: parameters per class of
 * operation, bytes of KV cache per token, FLOPs per token and per (query, key) pair.  KV
 * bytes use the KV heads, attention FLOPs the query heads (grouped-query attention; MQA
 * and MHA are its ends).
 *
 * Kinds of layers.  Of `layers`, `window_layers` attend to the last `window` tokens only,
 * `linear_layers` keep a state of constant size instead of a KV cache (gated DeltaNet,
 * lightning attention, state-space), the rest attend to everything.  `index_heads` > 0: a
 * small indexer reads a key per token of the whole context and picks the `window` tokens
 * that the layer attends to, all of whose KV is kept (DeepSeek sparse attention).
 *
 * MLA (kv_lora_rank > 0; DeepSeek-V2, arXiv 2405.04434): the cache holds one compressed
 * vector of kv_lora_rank + qk_rope_head_dim numbers per token and layer, for all heads;
 * a decode works on it directly (the up-projections absorbed), a prefill expands it.
 *
 * MoE: `first_dense_layers` have an MLP of `intermediate`, and of the rest every
 * `moe_layer_step`-th has `experts` of `moe_intermediate`, of which a token visits
 * `experts_active`, beside a shared expert of `shared_intermediate`.
 */
#ifndef SERVESIM_MODEL_LLM_H
#define SERVESIM_MODEL_LLM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/precision.h"

enum llm_mlp { LLM_GATED, LLM_PLAIN };
enum llm_sparsity { LLM_DENSE, LLM_TWO_OF_FOUR, LLM_UNSTRUCTURED };

struct llm {
    int64_t n_layers;
    int64_t hidden;
    int64_t intermediate; /* of the dense layers' MLP */
    int64_t mlp;          /* enum llm_mlp: three matrices or two */
    int64_t n_heads;      /* query heads */
    int64_t n_kv_heads;
    int64_t head_dim;
    int64_t vocab;
    int64_t tied_embeddings; /* 1: the LM head is the input embedding */
    int64_t output_gate;     /* 1: a gate as wide as the query (Qwen3-Next and later) */
    int64_t max_context_tokens;
    int64_t q_lora_rank; /* MLA; 0: the query projection is one matrix */
    int64_t kv_lora_rank;
    int64_t qk_rope_head_dim;
    int64_t qk_nope_head_dim;
    int64_t v_head_dim;
    int64_t window_tokens;
    int64_t n_window_layers;
    int64_t index_heads;
    int64_t index_head_dim;
    int64_t n_linear_layers;
    int64_t linear_params; /* of one such layer */
    int64_t linear_state;  /* numbers of its state */
    int64_t n_experts;
    int64_t n_experts_active;
    int64_t moe_intermediate;
    int64_t shared_intermediate;
    int64_t first_dense_layers;
    int64_t moe_layer_step;
    int64_t weight_precision;    /* enum precision, as are the others */
    int64_t attention_precision; /* or PRECISION_SAME: as the weights */
    int64_t expert_precision;    /* the same */
    int64_t head_precision;
    int64_t kv_precision;
    int64_t compute_precision; /* PRECISION_SAME: the weights' own */
    int64_t sparsity;          /* enum llm_sparsity */
    int64_t density_nano;      /* share of the weights that is left */
    const char *source;
};

extern const struct field_table llm_table;

/* -1 if the dimensions contradict each other; `err` names the key and what it should be. */
int llm_check(const struct llm *llm, struct err *err);

/* Layers that have experts, and the MLPs that are not experts. */
int64_t llm_moe_layers(const struct llm *llm);

/* Layers with a KV cache of every token they attend to. */
int64_t llm_full_layers(const struct llm *llm);

/* Parameters of all layers' projections around attention, linear layers included (W_a);
 * of all dense MLPs, shared experts and routers (W_d); of one routed expert of every MoE
 * layer together (W_e); of the LM head (h V). */
int64_t llm_attention_params(const struct llm *llm);
int64_t llm_mlp_params(const struct llm *llm);
int64_t llm_expert_params(const struct llm *llm);
int64_t llm_head_params(const struct llm *llm);

/* All parameters, embeddings and norms included, biases left out (at most 0.04 % of any
 * model in configs/models); 8,030,261,248 for Llama-3.1-8B. */
int64_t llm_params(const struct llm *llm);

/* Those that a token visits: k experts of E.  Embeddings included. */
int64_t llm_active_params(const struct llm *llm);

/* Bytes that `n_params` matrix weights of that precision take; of all weights. */
int64_t llm_stored_bytes(const struct llm *llm, enum precision precision,
                         int64_t n_params);
int64_t llm_weight_bytes(const struct llm *llm);

/* Bytes read to multiply by `n_params` matrix weights of that precision: 2:4 sparse ones
 * are half the numbers and two bits of index each (NVIDIA Ampere white paper); those that
 * are sparse without a pattern are read in full, for no kernel here skips them. */
int64_t llm_read_bytes(const struct llm *llm, enum precision precision,
                       int64_t n_params);

/* The precision of a class's weights and of its products. */
enum precision llm_attention_precision(const struct llm *llm);
enum precision llm_expert_precision(const struct llm *llm);
enum precision llm_compute_precision(const struct llm *llm, enum precision weights);

/* KV bytes of one token in one layer on each of `tp` GPUs: 2 K d b / min(tp, K), or the
 * compressed vector of MLA, which is not split. */
int64_t llm_kv_bytes_per_layer(const struct llm *llm, int64_t tp);

/* KV bytes of one token over all layers that cache it, window layers included (while it is
 * in their window), on each of `tp` GPUs.  Llama-3.1-8B in BF16: 131,072; Llama-3.1-70B:
 * 327,680, so 4,096 tokens take 1.34 GB. */
int64_t llm_kv_bytes_per_token(const struct llm *llm, int64_t tp);

/* Bytes of a sequence's constant state over all linear layers, before any split. */
int64_t llm_state_bytes(const struct llm *llm);

/* Layers whose attention takes many small kernels: MLA and linear ones once, those with
 * an indexer once more. */
int64_t llm_compound_layers(const struct llm *llm);

/* FLOPs of one (query, key) pair in one layer: 4 H d (QK^T and AV); MLA: on the compressed
 * vector in a decode, on expanded heads in a prefill. */
int64_t llm_flops_per_pair(const struct llm *llm, bool decode);

#endif
