#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/cost.h"

static const double fs_per_s = 1e15;
static const double nano = 1e-9;

/* What the coefficients are worked out from. */
struct source {
    const struct accelerator *gpu;
    const struct llm *llm;
    const struct constants *constants;
    const struct layout *layout;
    double scale;
    double bytes_per_s; /* attainable */
    double link_bytes_per_s;
    double stage_share; /* of all layers: those of the largest stage x stages */
};

/* Seconds as integer femtoseconds; false if something vanishes or does not fit. */
static bool to_fs(const struct source *source, double seconds, int64_t *fs)
{
    double value = seconds * fs_per_s * source->scale;
    if (!(value < 4e18)) {
        return false;
    }
    *fs = (int64_t)floor(value + 0.5);
    return *fs > 0 || seconds <= 0;
}

static double dense_flop_per_s(const struct source *source, enum precision products)
{
    const struct constants *c = source->constants;
    int64_t relative = products == PRECISION_BF16 || products == PRECISION_INT4
                           ? 1000000000
                       : products == PRECISION_FP8 || products == PRECISION_INT8
                           ? c->fp8_compute_efficiency_nano
                           : c->fp4_compute_efficiency_nano;
    bool own = accelerator_flop_per_s(source->gpu, products) !=
               accelerator_flop_per_s(source->gpu, PRECISION_BF16);
    return (double)accelerator_flop_per_s(source->gpu, products) *
           ((double)c->compute_efficiency_nano * nano) *
           (own ? (double)relative * nano : 1.0);
}

/* Products with weights: these may be sparse. */
static double flop_per_s(const struct source *source, enum precision weights)
{
    double rate = dense_flop_per_s(source, llm_compute_precision(source->llm, weights));
    return source->llm->sparsity == LLM_TWO_OF_FOUR
               ? rate * (double)source->gpu->sparse_speedup_nano * nano
               : rate;
}

/* A matrix split over tp GPUs: FLOPs per token, bytes per step of so many reads. */
static bool matrix_term(const struct source *source, struct cost_term *term,
                        int64_t params, enum precision precision, double tokens_share,
                        double reads)
{
    double tp = (double)source->layout->tp;
    double flops = 2.0 * (double)params / tp * tokens_share;
    double bytes = (double)llm_read_bytes(source->llm, precision, params) / tp * reads;
    return to_fs(source, flops / flop_per_s(source, precision), &term->compute_fs) &&
           to_fs(source, bytes / source->bytes_per_s, &term->memory_fs);
}

/* Which attention, over how many layers, for which share of a step's contexts, at which
 * further efficiency of memory. */
struct attention {
    bool decode;
    int64_t n_layers;
    double share;
    double efficiency;
};

static double kv_bytes_per_s(const struct source *source, double efficiency)
{
    return source->bytes_per_s *
           ((double)source->constants->kv_efficiency_nano * nano) * efficiency;
}

static bool attention_term(const struct source *source, struct cost_term *term,
                           const struct attention *of)
{
    const struct llm *llm = source->llm;
    double tp = (double)source->layout->tp;
    double layers = (double)of->n_layers * of->share;
    double flops = (double)llm_flops_per_pair(llm, of->decode) / tp * layers;
    double bytes = (double)llm_kv_bytes_per_layer(llm, source->layout->tp) * layers;
    double rate = dense_flop_per_s(source, PRECISION_BF16) *
                  ((double)source->constants->attention_compute_efficiency_nano * nano);
    return to_fs(source, flops / rate, &term->compute_fs) &&
           to_fs(source, bytes / kv_bytes_per_s(source, of->efficiency),
                 &term->memory_fs);
}

/* The indexer scores every token of the context: one FP8 key of it, all heads. */
static bool add_indexer(const struct source *source, struct cost_term *term,
                        const struct attention *of)
{
    const struct llm *llm = source->llm;
    double layers = (double)llm->n_window_layers * of->share;
    double flops = 2.0 * (double)(llm->index_heads * llm->index_head_dim) * layers /
                   (double)source->layout->tp;
    double bytes = (double)llm->index_head_dim * layers;
    double rate = kv_bytes_per_s(source, of->efficiency);
    struct cost_term index;
    if (llm->index_heads == 0) {
        return true;
    }
    if (!to_fs(source, flops / dense_flop_per_s(source, PRECISION_FP8),
               &index.compute_fs) ||
        !to_fs(source, bytes / rate, &index.memory_fs)) {
        return false;
    }
    term->compute_fs += index.compute_fs;
    term->memory_fs += index.memory_fs;
    return true;
}

static bool attention_terms(const struct source *source, struct cost_term *terms,
                            double share, double efficiency)
{
    int64_t full = llm_full_layers(source->llm);
    int64_t window = source->llm->n_window_layers;
    struct attention decode = {true, full, share, efficiency};
    struct attention prefill = {false, full, share, efficiency};
    struct attention window_decode = {true, window, share, efficiency};
    struct attention window_prefill = {false, window, share, efficiency};
    return attention_term(source, &terms[COST_DECODE_ATTENTION], &decode) &&
           attention_term(source, &terms[COST_PREFILL_ATTENTION], &prefill) &&
           add_indexer(source, &terms[COST_DECODE_ATTENTION], &decode) &&
           add_indexer(source, &terms[COST_PREFILL_ATTENTION], &prefill) &&
           attention_term(source, &terms[COST_WINDOW_DECODE], &window_decode) &&
           attention_term(source, &terms[COST_WINDOW_PREFILL], &window_prefill);
}

/* Reading and writing a linear layer's state, and 8 FLOPs per number of it and token
 * (decay, the two halves of the delta rule, the read-out). */
static bool state_term(const struct source *source, struct cost_term *term,
                       double share)
{
    const struct llm *llm = source->llm;
    double numbers = (double)(llm->n_linear_layers * llm->linear_state) * share /
                     (double)source->layout->tp;
    return to_fs(source, 8.0 * numbers / dense_flop_per_s(source, PRECISION_BF16),
                 &term->compute_fs) &&
           to_fs(source, 2.0 * 4.0 * numbers / source->bytes_per_s, &term->memory_fs);
}

static double imbalance(const struct source *source)
{
    return source->layout->expert_parallel
               ? (double)source->constants->expert_imbalance_nano * nano
               : 1.0;
}

static bool expert_term(const struct source *source, struct cost_term *term,
                        double tokens_share)
{
    const struct llm *llm = source->llm;
    enum precision precision = llm_expert_precision(llm);
    double gpus = (double)layout_stage_gpus(source->layout);
    double flops = 2.0 * (double)llm_expert_params(llm) *
                   (double)llm->n_experts_active / gpus * imbalance(source);
    double rate = flop_per_s(source, precision) *
                  ((double)source->constants->expert_compute_efficiency_nano * nano);
    term->memory_fs = 0; /* by table */
    return to_fs(source, flops * tokens_share / rate, &term->compute_fs);
}

/* The network's time per token of a step, for a micro-batch of one m-th. */
static bool network_token(const struct source *source, double share, int64_t *fs)
{
    const struct llm *llm = source->llm;
    const struct layout *layout = source->layout;
    double tp = (double)layout->tp;
    double gpus = (double)layout_stage_gpus(layout);
    double vector = 2.0 * (double)llm->hidden;
    double bytes = 0;
    if (layout->tp > 1) {
        bytes += 2.0 * (double)llm->n_layers * 2.0 * (tp - 1) / tp * vector /
                 (double)layout->dp * source->stage_share;
    }
    if (layout->dp > 1) {
        bytes += (double)(llm_moe_layers(llm) * llm->n_experts_active) * 1.5 * vector *
                 (gpus - 1) / gpus / gpus * source->stage_share;
    }
    if (layout->pp > 1) {
        bytes += (double)layout->pp * vector / (double)layout->dp;
    }
    double shown = 1.0 - (double)source->constants->network_overlap_nano * nano;
    return to_fs(source, bytes * share * shown / source->link_bytes_per_s, fs);
}

/* Activations that a token moves through memory, of a GPU that has all its layers; copies
 * for the experts are spread where whole experts are. */
static double activation_bytes(const struct source *source)
{
    const struct llm *llm = source->llm;
    const struct constants *c = source->constants;
    double vector = 2.0 * (double)llm->hidden;
    double spread = source->layout->expert_parallel
                        ? (double)layout_stage_gpus(source->layout)
                        : 1.0;
    double visits = (double)(llm_moe_layers(llm) * llm->n_experts_active) *
                    (double)source->layout->dp / spread;
    return vector * ((double)c->activation_traffic_nano * nano * (double)llm->n_layers +
                     (double)c->expert_activation_traffic_nano * nano * visits);
}

/* All terms of a step that is run in `m` micro-batches. */
static bool fill_terms(struct cost *cost, const struct source *source, int64_t m)
{
    const struct llm *llm = source->llm;
    const struct constants *constants = source->constants;
    struct cost_coefficients *full = &cost->full[m - 1];
    struct cost_term *terms = full->terms[0];
    double stages = source->stage_share;
    double share = stages / (double)(m * source->layout->dp); /* of the step's tokens */
    double activation = activation_bytes(source) * share;
    double naive = 8.0 * (double)(llm->n_heads * llm->n_layers) /
                   (double)source->layout->tp * share;
    double pages = constants->attention_kernel == CONSTANTS_NAIVE ? naive : 0;
    cost->knee_tokens[m - 1] = constants->knee_tokens * m * source->layout->dp;
    bool ok = matrix_term(source, &terms[COST_PROJECTIONS], llm_attention_params(llm),
                          llm_attention_precision(llm), share, stages) &&
              matrix_term(source, &terms[COST_MLP], llm_mlp_params(llm),
                          (enum precision)llm->weight_precision, share, stages) &&
              matrix_term(source, &terms[COST_HEAD], llm_head_params(llm),
                          (enum precision)llm->head_precision,
                          1.0 / (double)source->layout->dp, (double)m) &&
              attention_terms(source, terms, share, 1.0) &&
              to_fs(source, activation / source->bytes_per_s,
                    &terms[COST_ACTIVATIONS].memory_fs) &&
              expert_term(source, &terms[COST_EXPERTS], stages / (double)m) &&
              state_term(source, &terms[COST_STATE], share) &&
              to_fs(source, pages / source->bytes_per_s, &full->naive_pair_fs) &&
              network_token(source, 1.0 / (double)m, &cost->network_token_fs[m - 1]);
    memcpy(full->terms[1], terms, sizeof full->terms[0]);
    double mixed = (double)constants->mixed_attention_efficiency_nano * nano;
    return ok && attention_terms(source, full->terms[1], share, mixed);
}

/* value x share, half up; false if it vanishes. */
static bool hide_value(int64_t *hidden, int64_t value, int64_t share_nano)
{
    *hidden = wide_narrow(wide_div_half_up((wide)value * share_nano, 1000000000));
    return *hidden > 0 || value == 0 || share_nano == 0;
}

static int64_t overlap_of(const struct constants *constants, enum cost_class class)
{
    return class == COST_EXPERTS                  ? constants->expert_overlap_nano
           : cost_class_memory(class) == BOUND_KV ? constants->attention_overlap_nano
                                                  : constants->overlap_nano;
}

/* What overlap leaves of the shorter side. */
static bool hide(struct cost *cost, const struct constants *constants, int64_t m)
{
    const int64_t all = 1000000000;
    const struct cost_coefficients *full = &cost->full[m - 1];
    struct cost_coefficients *hidden = &cost->hidden[m - 1];
    bool ok = true;
    for (int mixed = 0; mixed < 2; mixed++) {
        for (int i = 0; i < N_COST_CLASSES; i++) {
            int64_t share = all - overlap_of(constants, (enum cost_class)i);
            const struct cost_term *from = &full->terms[mixed][i];
            struct cost_term *to = &hidden->terms[mixed][i];
            ok = ok && hide_value(&to->compute_fs, from->compute_fs, share) &&
                 hide_value(&to->memory_fs, from->memory_fs, share);
        }
    }
    return ok && hide_value(&hidden->naive_pair_fs, full->naive_pair_fs,
                            all - constants->attention_overlap_nano);
}

/* Distinct experts by tokens, until all are, and the time to read their weights. */
static bool fill_experts(struct cost *cost, const struct source *source)
{
    const struct llm *llm = source->llm;
    const struct constants *constants = source->constants;
    const int64_t most_tokens = 1 << 16;
    double n = (double)llm->n_experts;
    double k = (double)llm->n_experts_active;
    double rate =
        source->bytes_per_s * ((double)constants->expert_memory_efficiency_nano * nano);
    double one_s =
        (double)llm_read_bytes(llm, llm_expert_precision(llm), llm_expert_params(llm)) /
        (double)layout_stage_gpus(source->layout) * source->stage_share *
        imbalance(source) / rate;
    int64_t length = 1;
    for (double left = n; left > 1e-4 && length < most_tokens; length++) {
        left -= left * (k / n);
    }
    cost->n_expert_fs = length;
    cost->expert_milli = memory_new((size_t)length, sizeof(int64_t));
    int64_t *full = memory_new((size_t)length, sizeof(int64_t));
    int64_t *hidden = memory_new((size_t)length, sizeof(int64_t));
    for (int64_t i = 0; i < source->layout->pp; i++) {
        cost->full[i].expert_fs = full;
        cost->hidden[i].expert_fs = hidden;
    }
    double active = 0;
    for (int64_t tokens = 0; tokens < length; tokens++) {
        cost->expert_milli[tokens] = (int64_t)floor(active * 1e3 + 0.5);
        if (!to_fs(source, active * one_s, &full[tokens]) ||
            !hide_value(&hidden[tokens], full[tokens],
                        1000000000 - constants->expert_overlap_nano)) {
            return false;
        }
        active = k + (1.0 - k / n) * active; /* rules.md 14 */
    }
    return true;
}

static int64_t scaled(const struct source *source, double fs)
{
    return (int64_t)floor(fs * source->scale + 0.5);
}

/* Whether activations are quantised on their way into the layers' matrices. */
static bool quantises(const struct llm *llm)
{
    enum precision attention = llm_compute_precision(llm, llm_attention_precision(llm));
    enum precision weights =
        llm_compute_precision(llm, (enum precision)llm->weight_precision);
    return (attention != PRECISION_BF16 && attention != PRECISION_INT4) ||
           (weights != PRECISION_BF16 && weights != PRECISION_INT4);
}

/* Whether the experts' products run at the FP4 rate. */
static bool fuses_experts(const struct source *source)
{
    enum precision products =
        llm_compute_precision(source->llm, llm_expert_precision(source->llm));
    return source->gpu->fp4_flop_per_s > 0 &&
           (products == PRECISION_FP4 || products == PRECISION_MXFP4 ||
            products == PRECISION_NVFP4);
}

/* Latency of an all-reduce of `gpus`: one, and more for each doubling beyond two. */
static double allreduce_fs(const struct constants *constants, int64_t gpus)
{
    double fs = (double)constants->allreduce_latency_fs;
    for (int64_t n = 2; n < gpus; n *= 2) {
        fs += (double)constants->allreduce_doubling_fs;
    }
    return fs;
}

static void fill_overheads(struct cost *cost, const struct source *source)
{
    const struct constants *c = source->constants;
    const struct layout *layout = source->layout;
    const struct llm *llm = source->llm;
    /* layers that a token passes, where the largest stage sets the pace */
    double share = source->stage_share;
    double layers = (double)llm->n_layers * share;
    double compound = (double)llm_compound_layers(llm) * share;
    double moe = (double)llm_moe_layers(llm) * share;
    double quantised = quantises(llm) ? layers : 0;
    double overhead =
        (double)c->step_overhead_fs + layers * (double)c->layer_overhead_fs +
        compound * (double)c->compound_layer_overhead_fs +
        quantised * (double)c->quantised_layer_overhead_fs +
        moe * (double)c->moe_layer_overhead_fs +
        (fuses_experts(source) ? 0 : moe) * (double)c->unfused_moe_overhead_fs;
    double prefill = (double)c->prefill_overhead_fs +
                     compound * (double)c->compound_prefill_overhead_fs +
                     moe * (double)c->moe_prefill_overhead_fs;
    double shown = 1.0 - (double)c->network_overlap_nano * nano;
    double latency = 0;
    if (layout_stage_gpus(layout) > 1) {
        latency += 2.0 * layers * allreduce_fs(c, layout_stage_gpus(layout));
    }
    if (layout->dp > 1) {
        latency += 2.0 * moe * (double)c->alltoall_latency_fs;
    }
    if (layout->pp > 1) {
        latency += (double)(layout->pp * c->allreduce_latency_fs);
    }
    cost->overhead_fs = scaled(source, overhead);
    cost->prefill_fs = scaled(source, prefill);
    cost->network_fs = scaled(source, latency * shown);
    cost->sequence_fs =
        scaled(source, (double)c->sequence_overhead_fs / (double)layout->dp);
}

static struct source source_of(const struct cost_config *config,
                               const struct accelerator *accelerator,
                               const struct llm *llm, const struct constants *constants,
                               const struct layout *layout)
{
    int64_t pp = layout->pp;
    int64_t largest = (llm->n_layers + pp - 1) / pp;
    bool in_node = layout_gpus(layout) <= accelerator->gpus_per_node;
    int64_t link =
        in_node ? accelerator->link_bytes_per_s : accelerator->node_bytes_per_s;
    bool pcie = accelerator->link == ACCELERATOR_PCIE && in_node;
    return (struct source){
        .gpu = accelerator,
        .llm = llm,
        .constants = constants,
        .layout = layout,
        .scale = (double)config->scale_nano * nano,
        .bytes_per_s = (double)accelerator->memory_bytes_per_s *
                       ((double)constants->memory_efficiency_nano * nano),
        .link_bytes_per_s =
            (double)link * ((double)(pcie ? constants->pcie_efficiency_nano
                                          : constants->link_efficiency_nano) *
                            nano),
        .stage_share = (double)(largest * pp) / (double)llm->n_layers,
    };
}

static int32_t count_classes(const struct llm *llm)
{
    return llm->n_linear_layers > 0   ? COST_STATE + 1
           : llm->n_window_layers > 0 ? COST_WINDOW_PREFILL + 1
           : llm->n_experts > 0       ? COST_EXPERTS + 1
                                      : COST_ACTIVATIONS + 1;
}

int cost_init(struct cost *cost, const struct cost_config *config,
              const struct accelerator *accelerator, const struct llm *llm,
              const struct constants *constants, const struct layout *layout,
              struct err *err)
{
    memset(cost, 0, sizeof *cost);
    cost->kind = (enum cost_kind)config->kind;
    cost->roofline = (enum cost_roofline)config->roofline;
    cost->linear = *config;
    cost->n_stages = 1;
    if (cost->kind == COST_LINEAR) {
        return 0;
    }
    struct source source = source_of(config, accelerator, llm, constants, layout);
    cost->n_stages = layout->pp;
    cost->n_classes = count_classes(llm);
    cost->window_tokens = llm->n_window_layers > 0 ? llm->window_tokens : 0;
    cost->hides = constants->overlap_nano < 1000000000 ||
                  constants->attention_overlap_nano < 1000000000 ||
                  constants->expert_overlap_nano < 1000000000;
    fill_overheads(cost, &source);
    bool ok = llm->n_experts == 0 || fill_experts(cost, &source);
    for (int64_t m = 1; ok && m <= layout->pp; m++) {
        ok = fill_terms(cost, &source, m) && hide(cost, constants, m);
    }
    if (ok) {
        return 0;
    }
    return err_set(err,
                   "a cost coefficient is below half a femtosecond or above 4000 s per "
                   "unit: check the accelerator, the model and the engine constants");
}

void cost_free(struct cost *cost)
{
    free(cost->expert_milli);
    free(cost->full[0].expert_fs);
    free(cost->hidden[0].expert_fs);
}
