/* hardware_world: the GPUs and models that the tests of the physics compute with,
 * written out from their data sheets, so that a slip in configs/ does not move both.
 */
#ifndef SERVESIM_TESTS_HARDWARE_WORLD_H
#define SERVESIM_TESTS_HARDWARE_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "model/cost.h"
#include "model/power.h"

/* H100 SXM5: 989.4 dense BF16 TFLOPS, 3.35 TB/s, NVLink 450 GB/s one way. */
static const struct accelerator h100 = {
    .memory_bytes = 85520809984,
    .memory_bytes_per_s = 3350000000000,
    .bf16_flop_per_s = 989400000000000,
    .fp8_flop_per_s = 1978900000000000,
    .int8_flop_per_s = 1978900000000000,
    .sparse_speedup_nano = 2000000000,
    .link_bytes_per_s = 450000000000,
    .node_bytes_per_s = 50000000000,
    .gpus_per_node = 8,
    .idle_mw = 75000,
    .tdp_mw = 700000,
    .active_share_nano = 250000000,
    .compute_share_nano = 450000000,
    .memory_share_nano = 300000000,
};

/* What a model has that says nothing of its precisions: BF16 throughout. */
#define BF16_MODEL                                                             \
    .attention_precision = PRECISION_SAME, .expert_precision = PRECISION_SAME, \
    .compute_precision = PRECISION_SAME, .moe_layer_step = 1,                  \
    .density_nano = 1000000000

static const struct llm llama_8b = {
    .n_layers = 32,
    .hidden = 4096,
    .intermediate = 14336,
    .n_heads = 32,
    .n_kv_heads = 8,
    .head_dim = 128,
    .vocab = 128256,
    .max_context_tokens = 131072,
    BF16_MODEL,
};

static const struct llm llama_70b = {
    .n_layers = 80,
    .hidden = 8192,
    .intermediate = 28672,
    .n_heads = 64,
    .n_kv_heads = 8,
    .head_dim = 128,
    .vocab = 128256,
    .max_context_tokens = 131072,
    BF16_MODEL,
};

/* The textbook: peaks are reached, nothing else costs anything. */
static const struct constants ideal = {
    .memory_efficiency_nano = 1000000000,
    .compute_efficiency_nano = 1000000000,
    .kv_efficiency_nano = 1000000000,
    .expert_memory_efficiency_nano = 1000000000,
    .mixed_attention_efficiency_nano = 1000000000,
    .attention_compute_efficiency_nano = 1000000000,
    .expert_compute_efficiency_nano = 1000000000,
    .fp8_compute_efficiency_nano = 1000000000,
    .fp4_compute_efficiency_nano = 1000000000,
    .link_efficiency_nano = 1000000000,
    .pcie_efficiency_nano = 200000000,
    .overlap_nano = 1000000000,
    .attention_overlap_nano = 1000000000,
    .expert_overlap_nano = 1000000000,
    .expert_imbalance_nano = 1000000000,
};

static const struct cost_config by_operation = {
    .kind = COST_ROOFLINE, .roofline = COST_OPERATION, .scale_nano = 1000000000};
static const struct cost_config by_step = {
    .kind = COST_ROOFLINE, .roofline = COST_STEP, .scale_nano = 1000000000};

/* One GPU, or some in tensor parallel. */
static inline struct layout tensor(int64_t tp)
{
    return (struct layout){.tp = tp, .pp = 1, .dp = 1};
}

/* cost_free() it. */
static inline struct cost must_cost(const struct cost_config *config,
                                    const struct accelerator *gpu,
                                    const struct llm *llm,
                                    const struct constants *constants,
                                    struct layout layout)
{
    struct cost cost;
    struct err err = {""};
    cost_init(&cost, config, gpu, llm, constants, &layout, &err);
    assert_string_equal(err.text, "");
    return cost;
}

static inline struct step_price price_of(const struct cost *cost,
                                         struct step_counts counts)
{
    struct step_price price;
    cost_price(cost, &counts, &price);
    return price;
}

/* What the price is made of: all five, in femtoseconds. */
static inline void assert_price(struct step_price price, int64_t compute,
                                int64_t weight, int64_t kv, int64_t network,
                                int64_t overhead)
{
    assert_int_equal(wide_narrow(price.fs[BOUND_COMPUTE]), compute);
    assert_int_equal(wide_narrow(price.fs[BOUND_WEIGHT]), weight);
    assert_int_equal(wide_narrow(price.fs[BOUND_KV]), kv);
    assert_int_equal(wide_narrow(price.fs[BOUND_NETWORK]), network);
    assert_int_equal(wide_narrow(price.fs[BOUND_OVERHEAD]), overhead);
}

/* 128 bits in decimal, so that a failure shows both numbers. */
static inline void assert_wide_equal(wide value, const char *expected)
{
    char digits[48];
    char *at = digits + sizeof digits - 1;
    wide left = value < 0 ? -value : value;
    *at = '\0';
    do {
        *--at = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        *--at = '-';
    }
    assert_string_equal(at, expected);
}

/* A whole number from `least` to `most`, few of them round. */
static inline int64_t some(struct rng *rng, int64_t least, int64_t most)
{
    return least + rng_below(rng, most - least + 1);
}

/* A GPU, a model and an engine that nobody built, each in plausible ranges; some have
 * so many query heads per KV head that attention is bound by compute. */
static inline void random_hardware(struct rng *rng, struct accelerator *gpu,
                                   struct llm *llm, struct constants *constants)
{
    *gpu = (struct accelerator){
        .memory_bytes_per_s = some(rng, 200, 8000) * 1000000000 + 37,
        .bf16_flop_per_s = some(rng, 20, 2500) * 1000000000000 + 4099,
        .sparse_speedup_nano = 1000000000,
        .link_bytes_per_s = some(rng, 12, 900) * 1000000000,
        .node_bytes_per_s = some(rng, 12, 200) * 1000000000,
        .gpus_per_node = 8,
        .idle_mw = some(rng, 0, 140000),
        .tdp_mw = some(rng, 140001, 1200000),
        .active_share_nano = some(rng, 0, 400000000),
        .compute_share_nano = some(rng, 0, 350000000),
        .memory_share_nano = some(rng, 0, 250000000),
    };
    int64_t n_kv_heads = some(rng, 1, 8);
    *llm = (struct llm){
        .n_layers = some(rng, 3, 90),
        .hidden = some(rng, 5, 70) * 128,
        .intermediate = some(rng, 7, 200) * 128,
        .n_heads = n_kv_heads *
                   (rng_below(rng, 3) == 0 ? some(rng, 1000, 4000) : some(rng, 1, 16)),
        .n_kv_heads = n_kv_heads,
        .head_dim = 64 * some(rng, 1, 3),
        .vocab = some(rng, 3001, 150001),
        BF16_MODEL,
        .kv_precision = rng_below(rng, 2) == 0 ? PRECISION_FP8 : PRECISION_BF16,
    };
    *constants = (struct constants){
        .memory_efficiency_nano = some(rng, 300000000, 1000000000),
        .compute_efficiency_nano = some(rng, 300000000, 1000000000),
        .mixed_attention_efficiency_nano = some(rng, 300000000, 1000000000),
        .link_efficiency_nano = some(rng, 100000000, 1000000000),
        .knee_tokens = some(rng, 0, 200),
        .activation_traffic_nano = rng_below(rng, 12) * 913000000,
        .step_overhead_fs = some(rng, 0, 700) * 1000000000 + 13,
        .layer_overhead_fs = some(rng, 0, 60) * 1000000000,
        .sequence_overhead_fs = some(rng, 0, 5) * 1000000000,
        .allreduce_latency_fs = some(rng, 0, 9) * 1000000000,
        .overlap_nano = rng_below(rng, 2) == 0 ? 1000000000 : some(rng, 0, 999999999),
        .kv_efficiency_nano = some(rng, 300000000, 1000000000),
        .expert_memory_efficiency_nano = some(rng, 300000000, 1000000000),
        .expert_compute_efficiency_nano = some(rng, 200000000, 1000000000),
        .attention_compute_efficiency_nano = some(rng, 200000000, 1000000000),
        .fp8_compute_efficiency_nano = 1000000000,
        .fp4_compute_efficiency_nano = 1000000000,
        .attention_overlap_nano = some(rng, 0, 2) * 500000000,
        .expert_activation_traffic_nano = rng_below(rng, 3) * 1370000000,
        .expert_overlap_nano = 1000000000,
        .expert_imbalance_nano = 1000000000,
        .pcie_efficiency_nano = 200000000,
    };
}

/* Makes the model one with window layers, experts, linear layers, MLA, or several. */
static inline void random_kinds(struct rng *rng, struct llm *llm)
{
    if (rng_below(rng, 2) == 0) {
        llm->n_window_layers = some(rng, 1, llm->n_layers);
        llm->window_tokens = some(rng, 3, 5001);
    }
    if (rng_below(rng, 4) == 0) {
        llm->n_linear_layers = some(rng, 0, llm->n_layers - llm->n_window_layers);
        llm->linear_params = llm->n_linear_layers > 0 ? some(rng, 100003, 90000001) : 0;
        llm->linear_state = llm->n_linear_layers > 0 ? some(rng, 1009, 1000003) : 0;
    }
    if (rng_below(rng, 2) == 0) {
        llm->n_experts = some(rng, 3, 300);
        llm->n_experts_active = some(rng, 1, llm->n_experts < 9 ? llm->n_experts : 9);
        llm->moe_intermediate = some(rng, 3, 40) * 64;
        llm->shared_intermediate = some(rng, 0, 1) * 1408;
        llm->first_dense_layers = some(rng, 0, 3);
    }
    if (rng_below(rng, 4) == 0) {
        llm->kv_lora_rank = some(rng, 128, 600);
        llm->qk_rope_head_dim = 64;
        llm->qk_nope_head_dim = 128;
        llm->v_head_dim = 96;
        llm->q_lora_rank = rng_below(rng, 2) * 1000;
    }
    static const int64_t weights[] = {PRECISION_BF16, PRECISION_FP8, PRECISION_INT4,
                                      PRECISION_NVFP4};
    llm->weight_precision = weights[rng_below(rng, 4)];
}

/* One to three ways of each kind; data parallelism only where there are experts. */
static inline struct layout random_layout(struct rng *rng, const struct llm *llm)
{
    bool shares = llm->n_experts > 0;
    return (struct layout){
        .tp = some(rng, 1, 3),
        .pp = rng_below(rng, 2) == 0 ? 1 : some(rng, 2, 3),
        .dp = shares ? some(rng, 1, 3) : 1,
        .expert_parallel = shares && rng_below(rng, 2) == 0,
    };
}

/* One random step: decodes, prefill chunks, or both. */
static inline struct step_counts random_step(struct rng *rng, const struct cost *cost)
{
    struct step_counts counts = {0};
    int64_t kind = rng_below(rng, 3);
    for (int64_t n_chunks = kind != 0 ? some(rng, 1, 5) : 0; n_chunks > 0; n_chunks--) {
        int64_t before = rng_below(rng, 2) * some(rng, 0, 20011);
        cost_count_chunk(cost, &counts, before, some(rng, 1, 4099));
        counts.n_emitting += rng_below(rng, 2);
    }
    if (kind != 1) {
        int64_t each = some(rng, 1, 9001);
        counts.n_decodes = some(rng, 1, 700);
        counts.decode_context = counts.n_decodes * each;
        counts.decode_window = counts.n_decodes * cost_in_window(cost, each);
        counts.n_emitting += counts.n_decodes;
    }
    return counts;
}

#endif
