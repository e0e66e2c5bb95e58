#include "model/cost_rates.h"

#include <math.h>

static const double fs_per_s = 1e15;
static const double nano = 1e-9;

bool cost_rates_fs(const struct cost_rates *rates, double seconds, int64_t *fs)
{
    double value = seconds * fs_per_s * rates->scale;
    if (!(value < 4e18)) {
        return false;
    }
    *fs = (int64_t)floor(value + 0.5);
    return *fs > 0 || seconds <= 0;
}

double cost_rates_dense(const struct cost_rates *rates, enum precision products)
{
    const struct constants *c = rates->constants;
    int64_t relative = products == PRECISION_BF16 || products == PRECISION_INT4
                           ? 1000000000
                       : products == PRECISION_FP8 || products == PRECISION_INT8
                           ? c->fp8_compute_efficiency_nano
                           : c->fp4_compute_efficiency_nano;
    bool own = accelerator_flop_per_s(rates->gpu, products) !=
               accelerator_flop_per_s(rates->gpu, PRECISION_BF16);
    return (double)accelerator_flop_per_s(rates->gpu, products) *
           ((double)c->compute_efficiency_nano * nano) *
           (own ? (double)relative * nano : 1.0);
}

double cost_rates_flop_per_s(const struct cost_rates *rates, enum precision weights)
{
    double rate = cost_rates_dense(rates, llm_compute_precision(rates->llm, weights));
    return rates->llm->sparsity == LLM_TWO_OF_FOUR
               ? rate * (double)rates->gpu->sparse_speedup_nano * nano
               : rate;
}

struct cost_rates cost_rates_of(const struct cost_config *config,
                                const struct accelerator *accelerator,
                                const struct llm *llm,
                                const struct constants *constants,
                                const struct layout *layout)
{
    int64_t pp = layout->pp;
    int64_t largest = (llm->n_layers + pp - 1) / pp;
    bool in_node = layout_gpus(layout) <= accelerator->gpus_per_node;
    int64_t link =
        in_node ? accelerator->link_bytes_per_s : accelerator->node_bytes_per_s;
    bool pcie = accelerator->link == ACCELERATOR_PCIE && in_node;
    return (struct cost_rates){
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

double cost_rates_imbalance(const struct cost_rates *rates)
{
    return rates->layout->expert_parallel
               ? (double)rates->constants->expert_imbalance_nano * nano
               : 1.0;
}
