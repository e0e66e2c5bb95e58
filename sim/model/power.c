#include "model/power.h"

#include <math.h>
#include <string.h>

static const double nano = 1e-9;

static int64_t round_half_up(double value)
{
    return (int64_t)floor(value + 0.5);
}

/* Joules from the time that the compute units and the memory would be busy. */
static void fill_energy(struct power *power, const struct cost *cost, double compute,
                        double memory)
{
    const struct cost_coefficients *full = &cost->full[cost->n_stages - 1];
    const struct cost_term *terms = full->terms[0];
    const struct cost_term *state = &terms[COST_STATE];
    double weights_fs =
        (double)terms[COST_PROJECTIONS].memory_fs + (double)terms[COST_MLP].memory_fs;
    double matrices_fs = (double)terms[COST_PROJECTIONS].compute_fs +
                         (double)terms[COST_MLP].compute_fs +
                         (double)terms[COST_EXPERTS].compute_fs +
                         (double)state->compute_fs;
    double activations_fs = (double)terms[COST_ACTIVATIONS].memory_fs;
    struct power_weights *pj = &power->pj;
    pj->step = round_half_up(weights_fs * memory);
    /* one stage alone reads the head, for every micro-batch */
    double head_fs = (double)cost->full[0].terms[0][COST_HEAD].memory_fs;
    pj->emitting_step = round_half_up(head_fs * memory);
    pj->token = round_half_up(matrices_fs * compute + activations_fs * memory);
    pj->emission = round_half_up((double)terms[COST_HEAD].compute_fs * compute);
    pj->sequence = round_half_up((double)state->memory_fs * memory);
    const struct cost_term *term = &terms[COST_DECODE_ATTENTION];
    pj->draft_pair = round_half_up((double)term->compute_fs * compute);
    pj->decode_context =
        pj->draft_pair + round_half_up((double)term->memory_fs * memory);
    term = &terms[COST_WINDOW_DECODE];
    pj->draft_window_pair = round_half_up((double)term->compute_fs * compute);
    pj->decode_window =
        pj->draft_window_pair + round_half_up((double)term->memory_fs * memory);
    term = &terms[COST_PREFILL_ATTENTION];
    pj->prefill_pair = round_half_up((double)term->compute_fs * compute +
                                     (double)full->naive_pair_fs * memory);
    pj->prefill_context = round_half_up((double)term->memory_fs * memory);
    term = &terms[COST_WINDOW_PREFILL];
    pj->window_pair = round_half_up((double)term->compute_fs * compute);
    pj->window_context = round_half_up((double)term->memory_fs * memory);
    if (cost->n_expert_fs > 1) { /* the last entry is all experts at once */
        int64_t last = cost->n_expert_fs - 1;
        /* the time is that of all stages, each of which has a micro-batch of its own */
        double all_milli = (double)(cost->expert_milli[last] * cost->n_stages);
        pj->expert_milli =
            round_half_up((double)full->expert_fs[last] * memory / all_milli);
    }
}

static void fill_flops(struct power_weights *flops, const struct llm *llm)
{
    int64_t full = llm_full_layers(llm);
    int64_t window = llm->n_window_layers;
    int64_t index = 2 * llm->index_heads * llm->index_head_dim * window;
    int64_t decode = llm_flops_per_pair(llm, true);
    int64_t prefill = llm_flops_per_pair(llm, false);
    flops->token = 2 * (llm_attention_params(llm) + llm_mlp_params(llm) +
                        llm->n_experts_active * llm_expert_params(llm)) +
                   8 * llm->n_linear_layers * llm->linear_state;
    flops->emission = 2 * llm_head_params(llm);
    flops->decode_context = decode * full + index;
    flops->decode_window = decode * window;
    flops->draft_pair = flops->decode_context;
    flops->draft_window_pair = flops->decode_window;
    flops->prefill_pair = prefill * full + index;
    flops->window_pair = prefill * window;
}

static void fill_bytes(struct power_weights *bytes, const struct llm *llm,
                       const struct constants *constants, const struct layout *layout)
{
    int64_t tp = layout->tp;
    int64_t per_layer = llm_kv_bytes_per_layer(llm, tp) * tp;
    int64_t full = llm_full_layers(llm);
    int64_t window = llm->n_window_layers;
    int64_t index = llm->index_heads > 0 ? llm->index_head_dim * window * tp : 0;
    int64_t stages = layout->pp; /* every micro-batch reads them again */
    bytes->step =
        layout->dp * stages *
        (llm_read_bytes(llm, llm_attention_precision(llm), llm_attention_params(llm)) +
         llm_read_bytes(llm, (enum precision)llm->weight_precision,
                        llm_mlp_params(llm)));
    bytes->emitting_step =
        layout->dp * stages *
        llm_read_bytes(llm, (enum precision)llm->head_precision, llm_head_params(llm));
    /* copies for experts: on every GPU that holds slices of them, once if whole ones */
    int64_t copies = layout->expert_parallel ? 1 : layout_stage_gpus(layout);
    double visits = (double)(llm_moe_layers(llm) * llm->n_experts_active * copies);
    bytes->token = round_half_up(
        2.0 * (double)llm->hidden * nano *
        ((double)constants->activation_traffic_nano * (double)(llm->n_layers * tp) +
         (double)constants->expert_activation_traffic_nano * visits));
    bytes->sequence = 2 * llm_state_bytes(llm);
    bytes->decode_context = per_layer * full + index;
    bytes->prefill_context = bytes->decode_context;
    bytes->decode_window = per_layer * window;
    bytes->window_context = bytes->decode_window;
    bytes->prefill_pair =
        constants->attention_kernel == CONSTANTS_NAIVE
            ? 8 * llm->n_heads * (llm->n_layers - llm->n_linear_layers)
            : 0;
    int64_t expert =
        llm_read_bytes(llm, llm_expert_precision(llm), llm_expert_params(llm));
    bytes->expert_milli = (expert + 500) / 1000;
}

/* Every rank reads its own copy of what all of them read in a step. */
static void take_share(struct power_weights *weights, const struct layout *layout)
{
    int64_t n = layout_ranks(layout);
    weights->step = wide_narrow(wide_div_half_up(weights->step, n));
    weights->emitting_step = wide_narrow(wide_div_half_up(weights->emitting_step, n));
}

int64_t power_peak_flop_per_s(const struct accelerator *accelerator,
                              const struct llm *llm)
{
    enum precision weights[] = {llm_attention_precision(llm), llm_expert_precision(llm),
                                (enum precision)llm->weight_precision};
    int64_t peak = accelerator->bf16_flop_per_s; /* attention's */
    for (int i = llm->n_experts > 0 ? 0 : 2; i < 3; i++) {
        int64_t rate =
            accelerator_flop_per_s(accelerator, llm_compute_precision(llm, weights[i]));
        peak = rate > peak ? rate : peak;
    }
    if (llm->index_heads > 0) { /* the indexer's are in FP8 */
        int64_t rate = accelerator_flop_per_s(accelerator, PRECISION_FP8);
        peak = rate > peak ? rate : peak;
    }
    return llm->sparsity == LLM_TWO_OF_FOUR
               ? wide_narrow((wide)peak * accelerator->sparse_speedup_nano / 1000000000)
               : peak;
}

void power_init_work(struct power *power, const struct llm *llm,
                     const struct constants *constants, const struct layout *layout)
{
    fill_flops(&power->flops, llm);
    fill_bytes(&power->bytes, llm, constants, layout);
    take_share(&power->bytes, layout);
}

/* 1 mW x 1 ns is 1 pJ.  False: too long for 64 bits. */
static bool limit(int64_t pj, int64_t room_mw, int64_t *fs)
{
    wide least = ((wide)pj * 1000000 + room_mw - 1) / room_mw;
    *fs = (int64_t)least;
    return least < INT64_MAX / 4;
}

bool power_limit(struct power *power, int64_t room_mw)
{
    const struct power_weights *pj = &power->pj;
    struct power_weights *fs = &power->least_fs;
    return limit(pj->step, room_mw, &fs->step) &&
           limit(pj->emitting_step, room_mw, &fs->emitting_step) &&
           limit(pj->token, room_mw, &fs->token) &&
           limit(pj->emission, room_mw, &fs->emission) &&
           limit(pj->sequence, room_mw, &fs->sequence) &&
           limit(pj->decode_context, room_mw, &fs->decode_context) &&
           limit(pj->decode_window, room_mw, &fs->decode_window) &&
           limit(pj->prefill_pair, room_mw, &fs->prefill_pair) &&
           limit(pj->prefill_context, room_mw, &fs->prefill_context) &&
           limit(pj->window_pair, room_mw, &fs->window_pair) &&
           limit(pj->window_context, room_mw, &fs->window_context) &&
           limit(pj->expert_milli, room_mw, &fs->expert_milli) &&
           limit(pj->draft_pair, room_mw, &fs->draft_pair) &&
           limit(pj->draft_window_pair, room_mw, &fs->draft_window_pair);
}

void power_init(struct power *power, const struct cost *cost,
                const struct accelerator *accelerator, const struct llm *llm,
                const struct constants *constants, const struct layout *layout)
{
    memset(power, 0, sizeof *power);
    int64_t n_gpus = layout_rank_gpus(layout);
    int64_t range_mw = (accelerator->tdp_mw - accelerator->idle_mw) * n_gpus;
    power->idle_mw = accelerator->idle_mw * n_gpus;
    if (cost->kind == COST_LINEAR) {
        power->busy_mw = accelerator->tdp_mw * n_gpus;
        return;
    }
    double range = (double)range_mw;
    double active_mw = range * (double)accelerator->active_share_nano * nano;
    power->busy_mw = power->idle_mw + round_half_up(active_mw);
    /* picojoules per femtosecond at the attainable rate, of all GPUs of the replica: a
     * coefficient is the time that each of them is busy with its part of a unit */
    range *= (double)layout_ranks(layout);
    fill_energy(power, cost,
                range * (double)accelerator->compute_share_nano * nano * 1e-6,
                range * (double)accelerator->memory_share_nano * nano * 1e-6);
    take_share(&power->pj, layout);
    power_init_work(power, llm, constants, layout);
}
