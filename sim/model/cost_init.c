#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/cost_rates.h"

static const double nano = 1e-9;

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
    /* a part of a coefficient, which may well vanish */
    hide_value(&hidden->copies_fs, full->copies_fs,
               all - overlap_of(constants, COST_ACTIVATIONS));
    return ok && hide_value(&hidden->naive_pair_fs, full->naive_pair_fs,
                            all - constants->attention_overlap_nano);
}

/* Distinct experts by tokens, until all are, and the time to read their weights. */
static bool fill_experts(struct cost *cost, const struct cost_rates *rates)
{
    const struct llm *llm = rates->llm;
    const struct constants *constants = rates->constants;
    const int64_t most_tokens = 1 << 16;
    double n = (double)llm->n_experts;
    double k = (double)llm->n_experts_active;
    double rate =
        rates->bytes_per_s * ((double)constants->expert_memory_efficiency_nano * nano);
    double one_s =
        (double)llm_read_bytes(llm, llm_expert_precision(llm), llm_expert_params(llm)) /
        (double)layout_stage_gpus(rates->layout) * rates->stage_share *
        cost_rates_imbalance(rates) / rate;
    int64_t length = 1;
    for (double left = n; left > 1e-4 && length < most_tokens; length++) {
        left -= left * (k / n);
    }
    cost->n_expert_fs = length;
    cost->expert_milli = memory_new((size_t)length, sizeof(int64_t));
    int64_t *full = memory_new((size_t)length, sizeof(int64_t));
    int64_t *hidden = memory_new((size_t)length, sizeof(int64_t));
    for (int64_t i = 0; i < rates->layout->pp; i++) {
        cost->full[i].expert_fs = full;
        cost->hidden[i].expert_fs = hidden;
    }
    double active = 0;
    for (int64_t tokens = 0; tokens < length; tokens++) {
        cost->expert_milli[tokens] = (int64_t)floor(active * 1e3 + 0.5);
        if (!cost_rates_fs(rates, active * one_s, &full[tokens]) ||
            !hide_value(&hidden[tokens], full[tokens],
                        1000000000 - constants->expert_overlap_nano)) {
            return false;
        }
        active = k + (1.0 - k / n) * active; /* rules.md 14 */
    }
    return true;
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
    cost->n_ranks = 1;
    if (cost->kind == COST_LINEAR) {
        return 0;
    }
    struct cost_rates rates =
        cost_rates_of(config, accelerator, llm, constants, layout);
    cost->n_stages = layout->pp;
    cost->n_ranks = layout_ranks(layout);
    cost->n_classes = count_classes(llm);
    cost->window_tokens = llm->n_window_layers > 0 ? llm->window_tokens : 0;
    cost->hides = constants->overlap_nano < 1000000000 ||
                  constants->attention_overlap_nano < 1000000000 ||
                  constants->expert_overlap_nano < 1000000000;
    cost_overheads_fill(cost, &rates);
    bool ok = llm->n_experts == 0 || fill_experts(cost, &rates);
    for (int64_t m = 1; ok && m <= layout->pp; m++) {
        ok = cost_terms_fill(cost, &rates, m) && hide(cost, constants, m);
    }
    if (ok) {
        return 0;
    }
    return err_set(err,
                   "a cost coefficient is below half a femtosecond or above 4000 s per "
                   "unit: check the accelerator, the model and the engine constants");
}
