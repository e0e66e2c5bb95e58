#include "model/cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define AT(member) offsetof(struct cost_config, member)

static const struct field fields[] = {
    {"cost", FIELD_CHOICE, AT(kind), "", "roofline", NULL, NULL, "roofline|linear",
     "how a step is priced"},
    {"roofline", FIELD_CHOICE, AT(roofline), "", "operation", NULL, NULL,
     "operation|step",
     "max(compute, memory) per operation class, or once over the step's sums"},
    {"base_us", FIELD_FEMTO, AT(base_fs), "us", "0", "0", "1000000000", NULL,
     "cost = linear: fixed time of a step"},
    {"prefill_token_us", FIELD_FEMTO, AT(prefill_token_fs), "us", "0", "0", "1000000",
     NULL, "cost = linear: time per prefill token"},
    {"decode_seq_us", FIELD_FEMTO, AT(decode_seq_fs), "us", "0", "0", "1000000", NULL,
     "cost = linear: time per decoding sequence"},
    {"context_token_us", FIELD_FEMTO, AT(context_token_fs), "us", "0", "0", "1000000",
     NULL, "cost = linear: time per token of context of the decodes"},
};

const struct field_table cost_table = {
    .name = "cost",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static const double fs_per_s = 1e15;
static const double nano = 1e-9;

/* Seconds as integer femtoseconds; false if something vanishes or does not fit. */
static bool to_fs(double seconds, int64_t *fs)
{
    double value = seconds * fs_per_s;
    if (!(value < 4e18)) {
        return false;
    }
    *fs = (int64_t)floor(value + 0.5);
    return *fs > 0 || seconds <= 0;
}

/* The rates a kernel reaches, from the data sheet and the engine's efficiencies. */
struct rates {
    double flop_per_s;
    double bytes_per_s;
    double link_bytes_per_s;
};

static struct rates attainable(const struct accelerator *gpu,
                               const struct constants *constants)
{
    return (struct rates){
        .flop_per_s = (double)gpu->bf16_flop_per_s *
                      ((double)constants->compute_efficiency_nano * nano),
        .bytes_per_s = (double)gpu->memory_bytes_per_s *
                       ((double)constants->memory_efficiency_nano * nano),
        .link_bytes_per_s = (double)gpu->link_bytes_per_s *
                            ((double)constants->link_efficiency_nano * nano),
    };
}

/* A matrix of `params` weights, split over tp GPUs: FLOPs per token, bytes per read. */
static bool matrix_term(struct cost_term *term, int64_t params, int64_t weight_bits,
                        double tp, const struct rates *rates)
{
    double flops = 2.0 * (double)params / tp;
    double bytes = (double)params * (double)weight_bits / 8.0 / tp;
    return to_fs(flops / rates->flop_per_s, &term->compute_fs) &&
           to_fs(bytes / rates->bytes_per_s, &term->memory_fs);
}

static bool attention_terms(struct cost_term terms[2], const struct llm *llm,
                            const struct constants *constants, int64_t tp,
                            const struct rates *rates)
{
    double flops = (double)llm_flops_per_pair(llm) / (double)tp;
    double seconds = (double)llm_kv_bytes_per_token(llm, tp) / rates->bytes_per_s;
    double mixed = (double)constants->mixed_attention_efficiency_nano * nano;
    return to_fs(flops / rates->flop_per_s, &terms[0].compute_fs) &&
           to_fs(flops / rates->flop_per_s, &terms[1].compute_fs) &&
           to_fs(seconds, &terms[0].memory_fs) &&
           to_fs(seconds / mixed, &terms[1].memory_fs);
}

/* Two ring all-reduces per layer of one hidden vector per token (2 bytes a number). */
static bool network_terms(struct cost *cost, const struct llm *llm,
                          const struct constants *constants, double tp,
                          const struct rates *rates)
{
    cost->network_fs = 0;
    cost->network_token_fs = 0;
    if (tp < 2) {
        return true;
    }
    double bytes = 2.0 * (double)llm->hidden * 2.0 * (tp - 1) / tp;
    double n_collectives = 2.0 * (double)llm->n_layers;
    cost->network_fs = 2 * llm->n_layers * constants->allreduce_latency_fs;
    return to_fs(n_collectives * bytes / rates->link_bytes_per_s,
                 &cost->network_token_fs);
}

/* value x share, half up; false if it vanishes. */
static bool hide_value(int64_t *hidden, int64_t value, int64_t share_nano)
{
    *hidden = wide_narrow(wide_div_half_up((wide)value * share_nano, 1000000000));
    return *hidden > 0 || value == 0 || share_nano == 0;
}

static bool hide_term(struct cost_term *hidden, const struct cost_term *full,
                      int64_t share_nano)
{
    return hide_value(&hidden->compute_fs, full->compute_fs, share_nano) &&
           hide_value(&hidden->memory_fs, full->memory_fs, share_nano);
}

static bool hide(struct cost *cost, int64_t share_nano)
{
    const struct cost_coefficients *full = &cost->full;
    struct cost_coefficients *hidden = &cost->hidden;
    return hide_term(&hidden->projections, &full->projections, share_nano) &&
           hide_term(&hidden->mlp, &full->mlp, share_nano) &&
           hide_term(&hidden->head, &full->head, share_nano) &&
           hide_term(&hidden->attention[0], &full->attention[0], share_nano) &&
           hide_term(&hidden->attention[1], &full->attention[1], share_nano) &&
           hide_value(&hidden->activation_fs, full->activation_fs, share_nano);
}

int cost_init(struct cost *cost, const struct cost_config *config,
              const struct accelerator *accelerator, const struct llm *llm,
              const struct constants *constants, int64_t tp, struct err *err)
{
    memset(cost, 0, sizeof *cost);
    cost->kind = (enum cost_kind)config->kind;
    cost->roofline = (enum cost_roofline)config->roofline;
    cost->linear = *config;
    if (cost->kind == COST_LINEAR) {
        return 0;
    }
    struct rates rates = attainable(accelerator, constants);
    double activation = (double)constants->activation_traffic_nano * nano * 2.0 *
                        (double)llm->hidden * (double)llm->n_layers;
    int64_t layer_fs =
        tp > 1 ? constants->layer_overhead_tp_fs : constants->layer_overhead_fs;
    cost->knee_tokens = constants->knee_tokens;
    cost->overhead_fs = constants->step_overhead_fs + llm->n_layers * layer_fs;
    cost->sequence_fs = constants->sequence_overhead_fs;
    double gpus = (double)tp;
    int64_t bits = llm->weight_bits;
    struct cost_coefficients *full = &cost->full;
    if (matrix_term(&full->projections, llm_attention_params(llm), bits, gpus,
                    &rates) &&
        matrix_term(&full->mlp, llm_mlp_params(llm), bits, gpus, &rates) &&
        matrix_term(&full->head, llm_head_params(llm), bits, gpus, &rates) &&
        attention_terms(full->attention, llm, constants, tp, &rates) &&
        network_terms(cost, llm, constants, gpus, &rates) &&
        to_fs(activation / rates.bytes_per_s, &full->activation_fs) &&
        hide(cost, 1000000000 - constants->overlap_nano)) {
        return 0;
    }
    return err_set(err,
                   "a cost coefficient is below half a femtosecond or above 4000 s per "
                   "unit: check the accelerator, the model and the engine constants");
}

/* The attention of a step: [0] pure, [1] mixed prefill and decode. */
static int attention_kind(const struct step_counts *counts)
{
    return counts->n_decodes > 0 && counts->prefill_tokens > 0;
}

/* One class: the longer side, and what the overlap does not hide of the shorter one. */
static void add_class(struct step_price *price, const struct cost_term *full,
                      const struct cost_term *hidden, wide n_compute, wide n_memory,
                      enum bound memory_bound)
{
    bool compute_bound = full->compute_fs * n_compute >= full->memory_fs * n_memory;
    const struct cost_term *compute = compute_bound ? full : hidden;
    const struct cost_term *memory = compute_bound ? hidden : full;
    price->fs[BOUND_COMPUTE] += compute->compute_fs * n_compute;
    price->fs[memory_bound] += memory->memory_fs * n_memory;
}

static void price_operations(const struct cost *cost, const struct step_counts *counts,
                             struct step_price *price)
{
    const struct cost_coefficients *full = &cost->full;
    const struct cost_coefficients *hidden = &cost->hidden;
    int64_t tokens = counts->n_decodes + counts->prefill_tokens;
    int64_t knee = tokens + cost->knee_tokens;
    int kind = attention_kind(counts);
    add_class(price, &full->projections, &hidden->projections, knee, 1, BOUND_WEIGHT);
    add_class(price, &full->mlp, &hidden->mlp, knee, 1, BOUND_WEIGHT);
    add_class(price, &full->head, &hidden->head, counts->n_emitting,
              counts->n_emitting > 0, BOUND_WEIGHT);
    add_class(price, &full->attention[kind], &hidden->attention[kind],
              counts->decode_context, counts->decode_context, BOUND_KV);
    add_class(price, &full->attention[kind], &hidden->attention[kind],
              counts->prefill_pairs, counts->prefill_context, BOUND_KV);
    price->fs[BOUND_WEIGHT] += (wide)full->activation_fs * tokens;
}

/* Compute, weight and KV time of a whole step. */
struct sums {
    wide compute;
    wide weight;
    wide kv;
};

static struct sums step_sums(const struct cost_coefficients *of, int64_t knee_tokens,
                             const struct step_counts *counts)
{
    int64_t tokens = counts->n_decodes + counts->prefill_tokens;
    const struct cost_term *attention = &of->attention[attention_kind(counts)];
    wide pairs = (wide)counts->decode_context + counts->prefill_pairs;
    wide context = (wide)counts->decode_context + counts->prefill_context;
    return (struct sums){
        .compute = ((wide)of->projections.compute_fs + of->mlp.compute_fs) *
                       (tokens + knee_tokens) +
                   (wide)of->head.compute_fs * counts->n_emitting +
                   attention->compute_fs * pairs,
        .weight = (wide)of->projections.memory_fs + of->mlp.memory_fs +
                  (counts->n_emitting > 0 ? of->head.memory_fs : 0) +
                  (wide)of->activation_fs * tokens,
        .kv = attention->memory_fs * context,
    };
}

static void price_step_sums(const struct cost *cost, const struct step_counts *counts,
                            struct step_price *price)
{
    struct sums full = step_sums(&cost->full, cost->knee_tokens, counts);
    struct sums hidden = step_sums(&cost->hidden, cost->knee_tokens, counts);
    bool compute_bound = full.compute >= full.weight + full.kv;
    const struct sums *memory = compute_bound ? &hidden : &full;
    price->fs[BOUND_COMPUTE] = compute_bound ? full.compute : hidden.compute;
    price->fs[BOUND_WEIGHT] = memory->weight;
    price->fs[BOUND_KV] = memory->kv;
}

static void price_linear(const struct cost *cost, const struct step_counts *counts,
                         struct step_price *price)
{
    price->fs[BOUND_OVERHEAD] =
        cost->linear.base_fs + (wide)cost->linear.decode_seq_fs * counts->n_decodes;
    price->fs[BOUND_COMPUTE] =
        (wide)cost->linear.prefill_token_fs * counts->prefill_tokens;
    price->fs[BOUND_KV] = (wide)cost->linear.context_token_fs * counts->decode_context;
}

void cost_price(const struct cost *cost, const struct step_counts *counts,
                struct step_price *price)
{
    memset(price, 0, sizeof *price);
    if (cost->kind == COST_LINEAR) {
        price_linear(cost, counts, price);
        return;
    }
    if (cost->roofline == COST_STEP) {
        price_step_sums(cost, counts, price);
    } else {
        price_operations(cost, counts, price);
    }
    int64_t tokens = counts->n_decodes + counts->prefill_tokens;
    price->fs[BOUND_NETWORK] = cost->network_fs + (wide)cost->network_token_fs * tokens;
    price->fs[BOUND_OVERHEAD] =
        cost->overhead_fs + (wide)cost->sequence_fs * counts->n_decodes;
}

/* How far the context may grow before the other side of the step's max wins. */
static int64_t most_context(const struct cost *cost, const struct step_counts *counts)
{
    struct sums sums = step_sums(&cost->full, cost->knee_tokens, counts);
    const struct cost_term *attention = &cost->full.attention[0];
    wide lead = sums.compute - (sums.weight + sums.kv);
    int64_t slope = attention->compute_fs - attention->memory_fs;
    wide steps;
    if (lead >= 0 && slope < 0) {
        steps = lead / -slope;
    } else if (lead < 0 && slope > 0) {
        steps = (-lead + slope - 1) / slope - 1;
    } else {
        return INT64_MAX;
    }
    wide most = counts->decode_context + steps;
    return most < INT64_MAX ? (int64_t)most : INT64_MAX;
}

static void fill_form(const struct cost *cost, int64_t n_decodes, int64_t context,
                      struct cost_form *form)
{
    struct step_counts counts = {
        .n_decodes = n_decodes, .decode_context = context, .n_emitting = n_decodes};
    cost_price(cost, &counts, &form->at);
    form->at_fs = cost_sum_fs(&form->at);
    form->context = context;
    form->most_context = INT64_MAX;
    if (cost->kind == COST_LINEAR) {
        form->compute_slope_fs = 0;
        form->kv_slope_fs = cost->linear.context_token_fs;
        return;
    }
    const struct cost_term *full = &cost->full.attention[0];
    const struct cost_term *hidden = &cost->hidden.attention[0];
    bool compute_bound = full->compute_fs >= full->memory_fs;
    if (cost->roofline == COST_STEP) {
        struct sums sums = step_sums(&cost->full, cost->knee_tokens, &counts);
        compute_bound = sums.compute >= sums.weight + sums.kv;
        form->most_context = most_context(cost, &counts);
    }
    form->compute_slope_fs = compute_bound ? full->compute_fs : hidden->compute_fs;
    form->kv_slope_fs = compute_bound ? hidden->memory_fs : full->memory_fs;
}

void cost_forms_init(struct cost_forms *forms, const struct cost *cost,
                     int64_t most_decodes)
{
    const int64_t most_known = 1000;
    bool keeps = cost->kind == COST_LINEAR || cost->roofline == COST_OPERATION;
    int64_t n = most_decodes < most_known ? most_decodes : most_known;
    *forms = (struct cost_forms){.cost = cost, .n_known = keeps ? n + 1 : 0};
    forms->known = memory_new((size_t)forms->n_known, sizeof *forms->known);
}

void cost_forms_free(struct cost_forms *forms)
{
    free(forms->known);
}

const struct cost_form *cost_decode_form(struct cost_forms *forms, int64_t n_decodes,
                                         int64_t context)
{
    struct cost_form *form = &forms->latest;
    if (n_decodes < forms->n_known) {
        form = &forms->known[n_decodes];
        if (form->at_fs > 0) {
            return form;
        }
    }
    fill_form(forms->cost, n_decodes, context, form);
    return form;
}

wide cost_sum_fs(const struct step_price *price)
{
    wide fs = 0;
    for (int i = 0; i < N_BOUNDS; i++) {
        fs += price->fs[i];
    }
    return fs;
}

int64_t cost_duration_ns(wide fs)
{
    const int64_t most = INT64_C(1) << 60;
    wide ns = wide_div(fs + 500000, 1000000);
    return ns < 1 ? 1 : ns < most ? (int64_t)ns : most;
}

const char *cost_bound_name(enum bound bound)
{
    static const char *const names[N_BOUNDS] = {
        [BOUND_COMPUTE] = "compute", [BOUND_WEIGHT] = "weight",     [BOUND_KV] = "kv",
        [BOUND_NETWORK] = "network", [BOUND_OVERHEAD] = "overhead",
    };
    return names[bound];
}
