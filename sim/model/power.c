#include "model/power.h"

#include <math.h>
#include <string.h>

static const double nano = 1e-9;

static int64_t round_up_half(double value)
{
    return (int64_t)floor(value + 0.5);
}

void power_init(struct power *power, const struct cost *cost,
                const struct accelerator *accelerator, int64_t tp)
{
    memset(power, 0, sizeof *power);
    int64_t range_mw = (accelerator->tdp_mw - accelerator->idle_mw) * tp;
    power->idle_mw = accelerator->idle_mw * tp;
    if (cost->kind == COST_LINEAR) {
        power->busy_mw = accelerator->tdp_mw * tp;
        return;
    }
    double range = (double)range_mw;
    double active_mw = range * (double)accelerator->active_share_nano * nano;
    power->busy_mw = power->idle_mw + round_up_half(active_mw);
    /* picojoules per femtosecond at the attainable rate */
    double compute = range * (double)accelerator->compute_share_nano * nano * 1e-6;
    double memory = range * (double)accelerator->memory_share_nano * nano * 1e-6;
    const struct cost_coefficients *c = &cost->full;
    double weights_fs = (double)c->projections.memory_fs + (double)c->mlp.memory_fs;
    double matrices_fs = (double)c->projections.compute_fs + (double)c->mlp.compute_fs;
    power->step_pj = round_up_half(weights_fs * memory);
    power->emitting_step_pj = round_up_half((double)c->head.memory_fs * memory);
    power->token_pj =
        round_up_half(matrices_fs * compute + (double)c->activation_fs * memory);
    power->emission_pj = round_up_half((double)c->head.compute_fs * compute);
    power->pair_pj = round_up_half((double)c->attention[0].compute_fs * compute);
    power->context_pj = round_up_half((double)c->attention[0].memory_fs * memory);
}

struct work power_work(const struct step_counts *counts)
{
    return (struct work){
        .steps = 1,
        .emitting_steps = counts->n_emitting > 0,
        .tokens = counts->n_decodes + counts->prefill_tokens,
        .emissions = counts->n_emitting,
        .pairs = (wide)counts->decode_context + counts->prefill_pairs,
        .context = (wide)counts->decode_context + counts->prefill_context,
    };
}

void power_work_add(struct work *sum, const struct work *more)
{
    sum->steps += more->steps;
    sum->emitting_steps += more->emitting_steps;
    sum->tokens += more->tokens;
    sum->emissions += more->emissions;
    sum->pairs += more->pairs;
    sum->context += more->context;
}

wide power_energy_pj(const struct power *power, const struct work *work, wide busy_ns)
{
    return power->busy_mw * busy_ns + (wide)power->step_pj * work->steps +
           (wide)power->emitting_step_pj * work->emitting_steps +
           (wide)power->token_pj * work->tokens +
           (wide)power->emission_pj * work->emissions + power->pair_pj * work->pairs +
           power->context_pj * work->context;
}

wide power_flops(const struct llm *llm, const struct work *work)
{
    wide matrices = (wide)llm_attention_params(llm) + llm_mlp_params(llm);
    return 2 * matrices * work->tokens +
           2 * (wide)llm_head_params(llm) * work->emissions +
           (wide)llm_flops_per_pair(llm) * work->pairs;
}

wide power_bytes(const struct llm *llm, const struct constants *constants, int64_t tp,
                 const struct work *work)
{
    wide matrices = (wide)llm_attention_params(llm) + llm_mlp_params(llm);
    wide activation = (wide)constants->activation_traffic_nano * 2 * llm->hidden *
                      llm->n_layers / 1000000000;
    return matrices * llm->weight_bits / 8 * work->steps +
           (wide)llm_head_params(llm) * llm->weight_bits / 8 * work->emitting_steps +
           (wide)llm_kv_bytes_per_token(llm, tp) * tp * work->context +
           activation * tp * work->tokens;
}
