#include <string.h>

#include "model/cost_rates.h"

static const double nano = 1e-9;

/* A matrix split over tp GPUs: FLOPs per token, bytes per step of so many reads. */
static bool matrix_term(const struct cost_rates *rates, struct cost_term *term,
                        int64_t params, enum precision precision, double tokens_share,
                        double reads)
{
    double tp = (double)rates->layout->tp;
    double flops = 2.0 * (double)params / tp * tokens_share;
    double bytes = (double)llm_read_bytes(rates->llm, precision, params) / tp * reads;
    return cost_rates_fs(rates, flops / cost_rates_flop_per_s(rates, precision),
                         &term->compute_fs) &&
           cost_rates_fs(rates, bytes / rates->bytes_per_s, &term->memory_fs);
}

/* Which attention, over how many layers, for which share of a step's contexts, at which
 * further efficiency of memory. */
struct attention {
    bool decode;
    int64_t n_layers;
    double share;
    double efficiency;
};

static double kv_bytes_per_s(const struct cost_rates *rates, double efficiency)
{
    return rates->bytes_per_s * ((double)rates->constants->kv_efficiency_nano * nano) *
           efficiency;
}

static bool attention_term(const struct cost_rates *rates, struct cost_term *term,
                           const struct attention *of)
{
    const struct llm *llm = rates->llm;
    double tp = (double)rates->layout->tp;
    double layers = (double)of->n_layers * of->share;
    double flops = (double)llm_flops_per_pair(llm, of->decode) / tp * layers;
    double bytes = (double)llm_kv_bytes_per_layer(llm, rates->layout->tp) * layers;
    double rate = cost_rates_dense(rates, PRECISION_BF16) *
                  ((double)rates->constants->attention_compute_efficiency_nano * nano);
    return cost_rates_fs(rates, flops / rate, &term->compute_fs) &&
           cost_rates_fs(rates, bytes / kv_bytes_per_s(rates, of->efficiency),
                         &term->memory_fs);
}

/* The indexer scores every token of the context: one FP8 key of it, all heads. */
static bool add_indexer(const struct cost_rates *rates, struct cost_term *term,
                        const struct attention *of)
{
    const struct llm *llm = rates->llm;
    double layers = (double)llm->n_window_layers * of->share;
    double flops = 2.0 * (double)(llm->index_heads * llm->index_head_dim) * layers /
                   (double)rates->layout->tp;
    double bytes = (double)llm->index_head_dim * layers;
    double rate = kv_bytes_per_s(rates, of->efficiency);
    struct cost_term index;
    if (llm->index_heads == 0) {
        return true;
    }
    if (!cost_rates_fs(rates, flops / cost_rates_dense(rates, PRECISION_FP8),
                       &index.compute_fs) ||
        !cost_rates_fs(rates, bytes / rate, &index.memory_fs)) {
        return false;
    }
    term->compute_fs += index.compute_fs;
    term->memory_fs += index.memory_fs;
    return true;
}

static bool attention_terms(const struct cost_rates *rates, struct cost_term *terms,
                            double share, double efficiency)
{
    int64_t full = llm_full_layers(rates->llm);
    int64_t window = rates->llm->n_window_layers;
    struct attention decode = {true, full, share, efficiency};
    struct attention prefill = {false, full, share, efficiency};
    struct attention window_decode = {true, window, share, efficiency};
    struct attention window_prefill = {false, window, share, efficiency};
    return attention_term(rates, &terms[COST_DECODE_ATTENTION], &decode) &&
           attention_term(rates, &terms[COST_PREFILL_ATTENTION], &prefill) &&
           add_indexer(rates, &terms[COST_DECODE_ATTENTION], &decode) &&
           add_indexer(rates, &terms[COST_PREFILL_ATTENTION], &prefill) &&
           attention_term(rates, &terms[COST_WINDOW_DECODE], &window_decode) &&
           attention_term(rates, &terms[COST_WINDOW_PREFILL], &window_prefill);
}

/* Reading and writing a linear layer's state, and 8 FLOPs per number of it and token
 * (decay, the two halves of the delta rule, the read-out). */
static bool state_term(const struct cost_rates *rates, struct cost_term *term,
                       double share)
{
    const struct llm *llm = rates->llm;
    double numbers = (double)(llm->n_linear_layers * llm->linear_state) * share /
                     (double)rates->layout->tp;
    return cost_rates_fs(rates, 8.0 * numbers / cost_rates_dense(rates, PRECISION_BF16),
                         &term->compute_fs) &&
           cost_rates_fs(rates, 2.0 * 4.0 * numbers / rates->bytes_per_s,
                         &term->memory_fs);
}

static bool expert_term(const struct cost_rates *rates, struct cost_term *term,
                        double tokens_share)
{
    const struct llm *llm = rates->llm;
    enum precision precision = llm_expert_precision(llm);
    double gpus = (double)layout_stage_gpus(rates->layout);
    double flops = 2.0 * (double)llm_expert_params(llm) *
                   (double)llm->n_experts_active / gpus * cost_rates_imbalance(rates);
    double rate = cost_rates_flop_per_s(rates, precision) *
                  ((double)rates->constants->expert_compute_efficiency_nano * nano);
    term->memory_fs = 0; /* by table */
    return cost_rates_fs(rates, flops * tokens_share / rate, &term->compute_fs);
}

/* A part of a coefficient, which may vanish though the whole does not. */
static int64_t part_fs(const struct cost_rates *rates, double seconds, int64_t whole_fs)
{
    int64_t fs = 0;
    cost_rates_fs(rates, seconds, &fs);
    return fs < whole_fs ? fs : whole_fs;
}

/* The network's time per token of a step, for a micro-batch of one m-th; of it, what it
 * takes to experts of other ranks and back. */
static bool network_token(const struct cost_rates *rates, double share, int64_t *fs,
                          int64_t *dispatch_fs)
{
    const struct llm *llm = rates->llm;
    const struct layout *layout = rates->layout;
    double tp = (double)layout->tp;
    double gpus = (double)layout_stage_gpus(layout);
    double vector = 2.0 * (double)llm->hidden;
    double seconds = 0;
    double dispatch = 0;
    if (layout->tp > 1) { /* as many rings as a node has ports */
        seconds += 2.0 * (double)llm->n_layers * 2.0 * (tp - 1) / tp * vector /
                   (double)layout->dp * rates->stage_share /
                   cost_rates_link(rates, layout->tp, rates->gpu->gpus_per_node);
    }
    if (layout->dp > 1) {
        dispatch = (double)(llm_moe_layers(llm) * llm->n_experts_active) * 1.5 *
                   vector * (gpus - 1) / gpus / gpus * rates->stage_share /
                   cost_rates_link(rates, layout_stage_gpus(layout), 1);
        seconds += dispatch;
    }
    if (layout->pp > 1) {
        seconds += (double)layout->pp * vector / (double)layout->dp /
                   cost_rates_link(rates, layout_gpus(layout), 1);
    }
    double shown = 1.0 - (double)rates->constants->network_overlap_nano * nano;
    bool ok = cost_rates_fs(rates, seconds * share * shown, fs);
    *dispatch_fs = part_fs(rates, dispatch * share * shown, *fs);
    return ok;
}

/* Vectors that a token moves through memory as copies for the experts, of a GPU that has
 * all layers; they are spread where whole experts are. */
static double copied_vectors(const struct cost_rates *rates)
{
    const struct llm *llm = rates->llm;
    double spread =
        rates->layout->expert_parallel ? (double)layout_stage_gpus(rates->layout) : 1.0;
    double visits = (double)(llm_moe_layers(llm) * llm->n_experts_active) *
                    (double)rates->layout->dp / spread;
    return (double)rates->constants->expert_activation_traffic_nano * nano * visits;
}

/* All the vectors of its activations. */
static double moved_vectors(const struct cost_rates *rates)
{
    return (double)rates->constants->activation_traffic_nano * nano *
               (double)rates->llm->n_layers +
           copied_vectors(rates);
}

bool cost_terms_fill(struct cost *cost, const struct cost_rates *rates, int64_t m)
{
    const struct llm *llm = rates->llm;
    const struct constants *constants = rates->constants;
    struct cost_coefficients *full = &cost->full[m - 1];
    struct cost_term *terms = full->terms[0];
    double stages = rates->stage_share;
    double share = stages / (double)(m * rates->layout->dp); /* of the step's tokens */
    double vector = 2.0 * (double)llm->hidden;
    double activation = vector * moved_vectors(rates) * share;
    double copies = vector * copied_vectors(rates) * share;
    int64_t attending = llm->n_layers - llm->n_linear_layers;
    double naive =
        8.0 * (double)(llm->n_heads * attending) / (double)rates->layout->tp * share;
    double pages = constants->attention_kernel == CONSTANTS_NAIVE ? naive : 0;
    cost->knee_tokens[m - 1] = constants->knee_tokens * m * rates->layout->dp;
    bool ok = matrix_term(rates, &terms[COST_PROJECTIONS], llm_attention_params(llm),
                          llm_attention_precision(llm), share, stages) &&
              matrix_term(rates, &terms[COST_MLP], llm_mlp_params(llm),
                          (enum precision)llm->weight_precision, share, stages) &&
              matrix_term(rates, &terms[COST_HEAD], llm_head_params(llm),
                          (enum precision)llm->head_precision,
                          1.0 / (double)rates->layout->dp, (double)m) &&
              attention_terms(rates, terms, share, 1.0) &&
              cost_rates_fs(rates, activation / rates->bytes_per_s,
                            &terms[COST_ACTIVATIONS].memory_fs) &&
              expert_term(rates, &terms[COST_EXPERTS], stages / (double)m) &&
              state_term(rates, &terms[COST_STATE], share) &&
              cost_rates_fs(rates, pages / rates->bytes_per_s, &full->naive_pair_fs) &&
              network_token(rates, 1.0 / (double)m, &cost->network_token_fs[m - 1],
                            &cost->dispatch_token_fs[m - 1]);
    full->copies_fs =
        part_fs(rates, copies / rates->bytes_per_s, terms[COST_ACTIVATIONS].memory_fs);
    memcpy(full->terms[1], terms, sizeof full->terms[0]);
    double mixed = (double)constants->mixed_attention_efficiency_nano * nano;
    return ok && attention_terms(rates, full->terms[1], share, mixed);
}
