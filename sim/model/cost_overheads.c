#include <math.h>

#include "model/cost_rates.h"

static const double nano = 1e-9;

static int64_t scaled(const struct cost_rates *rates, double fs)
{
    return (int64_t)floor(fs * rates->scale + 0.5);
}

/* Whether activations are quantised on their way into the layers' matrices. */
static bool quantises(const struct cost_rates *rates)
{
    const struct llm *llm = rates->llm;
    enum precision attention = llm_compute_precision(llm, llm_attention_precision(llm));
    enum precision weights =
        llm_compute_precision(llm, (enum precision)llm->weight_precision);
    return cost_rates_own_units(rates, attention) ||
           cost_rates_own_units(rates, weights);
}

/* Whether the experts' products run at the FP4 rate. */
static bool fuses_experts(const struct cost_rates *rates)
{
    enum precision products =
        llm_compute_precision(rates->llm, llm_expert_precision(rates->llm));
    return rates->gpu->fp4_flop_per_s > 0 &&
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

void cost_overheads_fill(struct cost *cost, const struct cost_rates *rates)
{
    const struct constants *c = rates->constants;
    const struct layout *layout = rates->layout;
    const struct llm *llm = rates->llm;
    /* layers that a token passes, where the largest stage sets the pace */
    double share = rates->stage_share;
    double layers = (double)llm->n_layers * share;
    double compound = (double)llm_compound_layers(llm) * share;
    double moe = (double)llm_moe_layers(llm) * share;
    double quantised = quantises(rates) ? layers : 0;
    double overhead =
        (double)c->step_overhead_fs + layers * (double)c->layer_overhead_fs +
        compound * (double)c->compound_layer_overhead_fs +
        quantised * (double)c->quantised_layer_overhead_fs +
        moe * (double)c->moe_layer_overhead_fs +
        (fuses_experts(rates) ? 0 : moe) * (double)c->unfused_moe_overhead_fs;
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
    cost->overhead_fs = scaled(rates, overhead);
    cost->prefill_fs = scaled(rates, prefill);
    cost->network_fs = scaled(rates, latency * shown);
    cost->sequence_fs =
        scaled(rates, (double)c->sequence_overhead_fs / (double)layout->dp);
}
