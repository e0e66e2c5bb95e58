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

static double own_flop_per_s(const struct cost_rates *rates, enum precision products)
{
    const struct constants *c = rates->constants;
    bool eight = products == PRECISION_FP8 || products == PRECISION_INT8;
    int64_t relative =
        eight ? c->fp8_compute_efficiency_nano : c->fp4_compute_efficiency_nano;
    return (double)accelerator_flop_per_s(rates->gpu, products) *
           ((double)relative * nano);
}

bool cost_rates_own_units(const struct cost_rates *rates, enum precision products)
{
    return products != PRECISION_BF16 && products != PRECISION_INT4 &&
           accelerator_flop_per_s(rates->gpu, products) !=
               rates->gpu->bf16_flop_per_s &&
           own_flop_per_s(rates, products) > (double)rates->gpu->bf16_flop_per_s;
}

double cost_rates_dense(const struct cost_rates *rates, enum precision products)
{
    double flop_per_s = cost_rates_own_units(rates, products)
                            ? own_flop_per_s(rates, products)
                            : (double)rates->gpu->bf16_flop_per_s;
    return flop_per_s * ((double)rates->constants->compute_efficiency_nano * nano);
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
    return (struct cost_rates){
        .gpu = accelerator,
        .llm = llm,
        .constants = constants,
        .layout = layout,
        .scale = (double)config->scale_nano * nano,
        .bytes_per_s = (double)accelerator->memory_bytes_per_s *
                       ((double)constants->memory_efficiency_nano * nano),
        .stage_share = (double)(largest * pp) / (double)llm->n_layers,
    };
}

double cost_rates_link(const struct cost_rates *rates, int64_t gpus, int64_t ports)
{
    const struct accelerator *gpu = rates->gpu;
    const struct constants *c = rates->constants;
    int64_t share = gpu->link == ACCELERATOR_PCIE ? c->pcie_efficiency_nano
                                                  : c->link_efficiency_nano;
    double inside = (double)gpu->link_bytes_per_s * ((double)share * nano);
    double across = (double)gpu->node_bytes_per_s * (double)ports *
                    ((double)c->link_efficiency_nano * nano);
    return gpus <= gpu->gpus_per_node || across > inside ? inside : across;
}

double cost_rates_imbalance(const struct cost_rates *rates)
{
    return rates->layout->expert_parallel
               ? (double)rates->constants->expert_imbalance_nano * nano
               : 1.0;
}
