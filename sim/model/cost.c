#include "model/cost.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct cost_config, member)

static const struct field fields[] = {
    {"cost", FIELD_CHOICE, AT(kind), "", "roofline", NULL, NULL, "roofline|linear",
     "how a step is priced"},
    {"roofline", FIELD_CHOICE, AT(roofline), "", "operation", NULL, NULL,
     "operation|step",
     "max(compute, memory) per operation class, or once over the step's sums"},
    {"scale", FIELD_NANO, AT(scale_nano), "", "1", "0.01", "100", NULL,
     "cost = roofline: factor on every step, from measurements of this deployment"},
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

static const struct {
    const char *name;
    enum bound memory;
} classes[N_COST_CLASSES] = {
    [COST_PROJECTIONS] = {"attention projections", BOUND_WEIGHT},
    [COST_MLP] = {"MLP", BOUND_WEIGHT},
    [COST_HEAD] = {"LM head", BOUND_WEIGHT},
    [COST_DECODE_ATTENTION] = {"decode attention", BOUND_KV},
    [COST_PREFILL_ATTENTION] = {"prefill attention", BOUND_KV},
    [COST_ACTIVATIONS] = {"activations", BOUND_WEIGHT},
    [COST_EXPERTS] = {"routed experts", BOUND_WEIGHT},
    [COST_WINDOW_DECODE] = {"window decode attention", BOUND_KV},
    [COST_WINDOW_PREFILL] = {"window prefill attention", BOUND_KV},
    [COST_STATE] = {"linear layers' state", BOUND_KV},
};

/* Of a step of all ranks. */
static int64_t micro_batches(const struct cost *cost, const struct step_counts *counts)
{
    int64_t sequences = counts->n_decodes + counts->n_chunks;
    if (cost->n_stages == 1 || sequences == 0) {
        return 1;
    }
    return sequences < cost->n_stages ? sequences : cost->n_stages;
}

static int64_t tokens_of(const struct step_counts *counts)
{
    return counts->n_decodes + counts->draft_tokens + counts->prefill_tokens;
}

/* What all ranks together would hold if each were like this one. */
static struct step_counts times(const struct step_counts *rank, int64_t n)
{
    return (struct step_counts){
        .n_decodes = rank->n_decodes * n,
        .n_chunks = rank->n_chunks * n,
        .decode_context = rank->decode_context * n,
        .decode_window = rank->decode_window * n,
        .prefill_tokens = rank->prefill_tokens * n,
        .padding_tokens = rank->padding_tokens * n,
        .prefill_pairs = rank->prefill_pairs * n,
        .prefill_context = rank->prefill_context * n,
        .window_pairs = rank->window_pairs * n,
        .window_context = rank->window_context * n,
        .n_emitting = rank->n_emitting * n,
        .draft_tokens = rank->draft_tokens * n,
        .draft_pairs = rank->draft_pairs * n,
        .draft_window_pairs = rank->draft_window_pairs * n,
    };
}

/* Where a micro-batch of `counts` stands in the tables by tokens. */
static int64_t expert_index(const struct cost *cost, int64_t m,
                            const struct step_counts *counts)
{
    int64_t tokens = (tokens_of(counts) + m - 1) / m;
    return tokens < cost->n_expert_fs ? tokens : cost->n_expert_fs - 1;
}

int64_t cost_micro_batches(const struct cost *cost, const struct step_counts *counts)
{
    if (cost->n_ranks > 1) {
        struct step_counts all = times(counts, cost->n_ranks);
        return micro_batches(cost, &all);
    }
    return micro_batches(cost, counts);
}

int64_t cost_expert_milli_of(const struct cost *cost, const struct step_counts *all)
{
    if (cost->n_expert_fs == 0) {
        return 0;
    }
    int64_t m = micro_batches(cost, all);
    return m * cost->expert_milli[expert_index(cost, m, all)];
}

int64_t cost_expert_milli(const struct cost *cost, const struct step_counts *counts)
{
    if (cost->n_ranks > 1) { /* a rank's part of what all of them visit */
        struct step_counts all = times(counts, cost->n_ranks);
        return (cost_expert_milli_of(cost, &all) + cost->n_ranks / 2) / cost->n_ranks;
    }
    return cost_expert_milli_of(cost, counts);
}

/* How many units of a class's terms the step has. */
struct units {
    int64_t compute;
    int64_t memory;
};

/* What a step has of everything that takes time. */
struct step_units {
    bool mixed;
    int64_t naive_pairs; /* and memory of COST_PREFILL_ATTENTION beyond its units */
    int64_t expert;      /* memory of COST_EXPERTS: by table, from here; -1: none */
    int64_t others; /* tokens of all ranks beyond those that `of` takes them to be */
    struct units of[N_COST_CLASSES];
};

static inline struct step_units units_of(const struct cost *cost, int64_t m,
                                         const struct step_counts *counts)
{
    int64_t tokens = tokens_of(counts);
    int64_t knee = tokens + cost->knee_tokens[m - 1];
    return (struct step_units){
        .mixed = counts->n_decodes > 0 && counts->prefill_tokens > 0,
        .naive_pairs = counts->prefill_pairs,
        .expert = cost->n_expert_fs > 0 ? expert_index(cost, m, counts) : -1,
        .of = {
            [COST_PROJECTIONS] = {knee, 1},
            [COST_MLP] = {knee, 1},
            [COST_HEAD] = {counts->n_emitting + counts->draft_tokens,
                           counts->n_emitting > 0},
            [COST_DECODE_ATTENTION] = {counts->decode_context + counts->draft_pairs,
                                       counts->decode_context},
            [COST_PREFILL_ATTENTION] = {counts->prefill_pairs, counts->prefill_context},
            [COST_ACTIVATIONS] = {0, tokens},
            [COST_EXPERTS] = {tokens, 0},
            [COST_WINDOW_DECODE] = {counts->decode_window + counts->draft_window_pairs,
                                    counts->decode_window},
            [COST_WINDOW_PREFILL] = {counts->window_pairs, counts->window_context},
            [COST_STATE] = {tokens, counts->n_decodes + counts->n_chunks},
        }};
}

static inline wide compute_fs(const struct cost_coefficients *of,
                              const struct step_units *step, int32_t class)
{
    return (wide)of->terms[step->mixed][class].compute_fs * step->of[class].compute;
}

static inline wide memory_fs(const struct cost_coefficients *of,
                             const struct step_units *step, int32_t class)
{
    wide fs = (wide)of->terms[step->mixed][class].memory_fs * step->of[class].memory;
    if (class == COST_PREFILL_ATTENTION && of->naive_pair_fs > 0) {
        fs += (wide)of->naive_pair_fs * step->naive_pairs;
    }
    if (class == COST_EXPERTS && step->expert >= 0) {
        fs += of->expert_fs[step->expert];
    }
    if (class == COST_ACTIVATIONS && step->others != 0) {
        fs += (wide)of->copies_fs * step->others;
    }
    return fs;
}

static void fill_sides(const struct cost *cost, const struct cost_coefficients *of,
                       const struct step_units *step,
                       struct cost_sides sides[N_COST_CLASSES])
{
    for (int32_t i = 0; i < cost->n_classes; i++) {
        sides[i].compute_fs = compute_fs(of, step, i);
        sides[i].memory_fs = memory_fs(of, step, i);
    }
}

void cost_sides_of(const struct cost *cost, const struct cost_coefficients *of,
                   const struct step_counts *counts,
                   struct cost_sides sides[N_COST_CLASSES])
{
    struct step_counts all = *counts;
    if (cost->n_ranks > 1) {
        all = times(counts, cost->n_ranks);
    }
    struct step_units step = units_of(cost, micro_batches(cost, &all), &all);
    fill_sides(cost, of, &step, sides);
}

/* One max per class; of the other side, what the overlap does not hide. */
static inline void price_operations(const struct cost *cost, int64_t m,
                                    const struct step_units *step,
                                    struct step_price *price)
{
    const struct cost_coefficients *full = &cost->full[m - 1];
    const struct cost_coefficients *hidden = &cost->hidden[m - 1];
    for (int32_t i = 0; i < cost->n_classes; i++) {
        wide compute = compute_fs(full, step, i);
        wide memory = memory_fs(full, step, i);
        if (compute >= memory) {
            memory = cost->hides ? memory_fs(hidden, step, i) : 0;
        } else {
            compute = cost->hides ? compute_fs(hidden, step, i) : 0;
        }
        price->fs[BOUND_COMPUTE] += compute;
        price->fs[classes[i].memory] += memory;
    }
}

/* One max over the sums of all classes. */
static void price_sums(const struct cost *cost, int64_t m,
                       const struct step_units *step, struct step_price *price)
{
    struct cost_sides full[N_COST_CLASSES];
    struct cost_sides hidden[N_COST_CLASSES];
    fill_sides(cost, &cost->full[m - 1], step, full);
    fill_sides(cost, &cost->hidden[m - 1], step, hidden);
    wide lead_fs = 0;
    for (int32_t i = 0; i < cost->n_classes; i++) {
        lead_fs += full[i].compute_fs - full[i].memory_fs;
    }
    const struct cost_sides *compute = lead_fs >= 0 ? full : hidden;
    const struct cost_sides *memory = lead_fs >= 0 ? hidden : full;
    for (int32_t i = 0; i < cost->n_classes; i++) {
        price->fs[BOUND_COMPUTE] += compute[i].compute_fs;
        price->fs[classes[i].memory] += memory[i].memory_fs;
    }
}

static void price_linear(const struct cost *cost, const struct step_counts *counts,
                         struct step_price *price)
{
    price->fs[BOUND_OVERHEAD] =
        cost->linear.base_fs + (wide)cost->linear.decode_seq_fs * counts->n_decodes;
    price->fs[BOUND_COMPUTE] = (wide)cost->linear.prefill_token_fs *
                               (counts->prefill_tokens + counts->draft_tokens);
    price->fs[BOUND_KV] = (wide)cost->linear.context_token_fs * counts->decode_context;
}

static inline void price_units(const struct cost *cost, int64_t m,
                               const struct step_units *step,
                               const struct step_counts *counts,
                               struct step_price *price)
{
    if (cost->roofline == COST_STEP) {
        price_sums(cost, m, step, price);
    } else {
        price_operations(cost, m, step, price);
    }
    price->fs[BOUND_NETWORK] =
        cost->network_fs + (wide)cost->network_token_fs[m - 1] * tokens_of(counts);
    price->fs[BOUND_OVERHEAD] = cost->overhead_fs +
                                (wide)cost->sequence_fs * counts->n_decodes +
                                (counts->prefill_tokens > 0 ? cost->prefill_fs : 0);
}

void cost_price(const struct cost *cost, const struct step_counts *counts,
                struct step_price *price)
{
    memset(price, 0, sizeof *price);
    if (cost->kind == COST_LINEAR) {
        price_linear(cost, counts, price);
        return;
    }
    if (cost->n_ranks > 1) {
        struct step_counts all = times(counts, cost->n_ranks);
        cost_price_rank(cost, counts, &all, price);
        return;
    }
    int64_t m = micro_batches(cost, counts);
    struct step_units step = units_of(cost, m, counts);
    price_units(cost, m, &step, counts, price);
}

void cost_price_rank(const struct cost *cost, const struct step_counts *rank,
                     const struct step_counts *all, struct step_price *price)
{
    memset(price, 0, sizeof *price);
    if (cost->kind == COST_LINEAR) {
        price_linear(cost, rank, price);
        return;
    }
    struct step_counts alike = times(rank, cost->n_ranks);
    int64_t m = micro_batches(cost, all);
    struct step_units step = units_of(cost, m, &alike);
    step.others = tokens_of(all) - tokens_of(&alike);
    step.of[COST_EXPERTS].compute = tokens_of(all);
    step.expert = cost->n_expert_fs > 0 ? expert_index(cost, m, all) : -1;
    price_units(cost, m, &step, &alike, price);
    price->fs[BOUND_NETWORK] += (wide)cost->dispatch_token_fs[m - 1] * step.others;
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

const char *cost_class_name(enum cost_class class)
{
    return classes[class].name;
}

enum bound cost_class_memory(enum cost_class class)
{
    return classes[class].memory;
}

void cost_free(struct cost *cost)
{
    free(cost->expert_milli);
    free(cost->full[0].expert_fs);
    free(cost->hidden[0].expert_fs);
}
