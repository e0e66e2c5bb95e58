/* model_world: published models of every kind, from their config.json. */
#ifndef SERVESIM_TESTS_MODEL_WORLD_H
#define SERVESIM_TESTS_MODEL_WORLD_H

#include "hardware_world.h"

static const struct llm llama_2_7b = {
    .n_layers = 32,
    .hidden = 4096,
    .intermediate = 11008,
    .n_heads = 32,
    .n_kv_heads = 32,
    .head_dim = 128,
    .vocab = 32000,
    BF16_MODEL,
};

static const struct llm mixtral = {
    .n_layers = 32,
    .hidden = 4096,
    .n_heads = 32,
    .n_kv_heads = 8,
    .head_dim = 128,
    .vocab = 32000,
    .n_experts = 8,
    .n_experts_active = 2,
    .moe_intermediate = 14336,
    BF16_MODEL,
};

static const struct llm qwen3_235b = {
    .n_layers = 94,
    .hidden = 4096,
    .n_heads = 64,
    .n_kv_heads = 4,
    .head_dim = 128,
    .vocab = 151936,
    .n_experts = 128,
    .n_experts_active = 8,
    .moe_intermediate = 1536,
    BF16_MODEL,
};

static const struct llm deepseek_v3 = {
    .n_layers = 61,
    .hidden = 7168,
    .intermediate = 18432,
    .n_heads = 128,
    .n_kv_heads = 128,
    .head_dim = 128,
    .vocab = 129280,
    .q_lora_rank = 1536,
    .kv_lora_rank = 512,
    .qk_rope_head_dim = 64,
    .qk_nope_head_dim = 128,
    .v_head_dim = 128,
    .n_experts = 256,
    .n_experts_active = 8,
    .moe_intermediate = 2048,
    .shared_intermediate = 2048,
    .first_dense_layers = 3,
    .weight_precision = PRECISION_FP8,
    BF16_MODEL,
};

static const struct llm gpt_oss_120b = {
    .n_layers = 36,
    .hidden = 2880,
    .n_heads = 64,
    .n_kv_heads = 8,
    .head_dim = 64,
    .vocab = 201088,
    .window_tokens = 128,
    .n_window_layers = 18,
    .n_experts = 128,
    .n_experts_active = 4,
    .moe_intermediate = 2880,
    .attention_precision = PRECISION_SAME,
    .expert_precision = PRECISION_MXFP4,
    .compute_precision = PRECISION_SAME,
    .moe_layer_step = 1,
    .density_nano = 1000000000,
};

static const struct llm gemma_3_27b = {
    .n_layers = 62,
    .hidden = 5376,
    .intermediate = 21504,
    .n_heads = 32,
    .n_kv_heads = 16,
    .head_dim = 128,
    .vocab = 262208,
    .tied_embeddings = 1,
    .window_tokens = 1024,
    .n_window_layers = 52,
    BF16_MODEL,
};

static const struct llm glm_4_5 = {
    .n_layers = 92,
    .hidden = 5120,
    .intermediate = 12288,
    .n_heads = 96,
    .n_kv_heads = 8,
    .head_dim = 128,
    .vocab = 151552,
    .n_experts = 160,
    .n_experts_active = 8,
    .moe_intermediate = 1536,
    .shared_intermediate = 1536,
    .first_dense_layers = 3,
    BF16_MODEL,
};

#endif
