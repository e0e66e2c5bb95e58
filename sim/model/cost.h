/* cost: the price of one engine step.
 *
 * A step is a set of decodes (one token each) and prefill chunks.  Its price is a sum of
 * operation classes, each max(compute, memory) by the roofline, plus network and
 * overheads:
 *
 *   class                 FLOPs                      bytes
 *   attention projections 2 W_a (T + T0) / tp        W_a b / tp
 *   MLP                   2 W_d (T + T0) / tp        W_d b / tp
 *   LM head               2 h V / tp per emission    h V b / tp when any sequence emits
 *   decode attention      4 H d L / tp per pair      KV bytes x context
 *   prefill attention     4 H d L / tp per pair      KV bytes x context, once per chunk
 *   activations           -                          a x 2 h L T
 *
 * T tokens in the step, T0 knee_tokens, b bytes of a weight, H query heads, d head size,
 * L layers, h hidden, V vocabulary.  A pair is one (query, key): a decode has as many as
 * its context, itself included; a chunk of p tokens on top of s has p s + p (p + 1) / 2.
 * KV bytes are per GPU (llm_kv_bytes_per_token); `mixed_attention_efficiency` divides the
 * bandwidth of both attention classes in steps that have prefill and decode.  With
 * tensor parallelism, two all-reduces per layer of 2 h T bytes: latency + 2 (g - 1) / g x
 * bytes / link.  `roofline = step` takes one max over the sums instead.  Sources:
 * Williams et al., 2009 (roofline); Pope et al., 2022 (arXiv 2211.05102), Kwon et al.,
 * 2023 (arXiv 2309.06180) for the classes; constants as engine files say.
 *
 * Every coefficient becomes an integer of femtoseconds per unit once per run, so a step's
 * price is an exact integer and a run of decode steps an exact arithmetic progression.
 *
 * `cost = linear` replaces all of it by base + prefill tokens + decodes + contexts.
 */
#ifndef SERVESIM_MODEL_COST_H
#define SERVESIM_MODEL_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/wide.h"
#include "model/accelerator.h"
#include "model/constants.h"
#include "model/llm.h"

enum cost_kind { COST_ROOFLINE, COST_LINEAR };
enum cost_roofline { COST_OPERATION, COST_STEP };

struct cost_config {
    int64_t kind;     /* enum cost_kind */
    int64_t roofline; /* enum cost_roofline */
    int64_t base_fs;  /* these four: cost = linear */
    int64_t prefill_token_fs;
    int64_t decode_seq_fs;
    int64_t context_token_fs;
};

extern const struct field_table cost_table;

/* What a step holds. */
struct step_counts {
    int64_t n_decodes;
    int64_t decode_context; /* tokens attended by the decodes, themselves included */
    int64_t prefill_tokens;
    int64_t prefill_pairs;
    int64_t prefill_context; /* tokens cached after each chunk, summed over chunks */
    int64_t n_emitting;      /* sequences that emit a token at the end of the step */
};

/* What the time of a step is bound by. */
enum bound {
    BOUND_COMPUTE,
    BOUND_WEIGHT,
    BOUND_KV,
    BOUND_NETWORK,
    BOUND_OVERHEAD,
    N_BOUNDS
};

struct step_price {
    wide fs[N_BOUNDS]; /* sums to the step's price; weights include activations */
};

/* Compute and memory time of one operation class, per unit. */
struct cost_term {
    int64_t compute_fs;
    int64_t memory_fs;
};

struct cost_coefficients {
    struct cost_term projections;  /* compute per token, memory per step */
    struct cost_term mlp;          /* the same */
    struct cost_term head;         /* compute per emission, memory per step with any */
    struct cost_term attention[2]; /* per pair, per context token; [1] in mixed steps */
    int64_t activation_fs;         /* per token */
};

struct cost {
    enum cost_kind kind;
    enum cost_roofline roofline;
    struct cost_coefficients full;
    struct cost_coefficients
        hidden; /* full x (1 - overlap): what the shorter side adds */
    int64_t knee_tokens;
    int64_t network_fs; /* per step */
    int64_t network_token_fs;
    int64_t overhead_fs; /* per step */
    int64_t sequence_fs; /* per decode */
    struct cost_config linear;
};

/* Steps of decodes only: the price when their contexts sum to `context` is `at`, and every
 * token more adds the slopes, as long as the sum stays at or below most_context. */
struct cost_form {
    struct step_price at;
    wide at_fs; /* the sum of `at` */
    int64_t context;
    int64_t most_context;
    int64_t compute_slope_fs;
    int64_t kv_slope_fs;
};

/* The forms of a cost by number of decodes.  Where no max can change sides, a form holds
 * for every context and is worked out once. */
struct cost_forms {
    const struct cost *cost;
    struct cost_form *known; /* by n_decodes; at_fs 0: not yet */
    int64_t n_known;
    struct cost_form latest; /* of those that are not kept */
};

/* Turns the data sheet, the model and the engine's constants into integer coefficients
 * for `tp` GPUs.  `accelerator`, `llm` and `constants` are read only for COST_ROOFLINE.
 * -1 if a coefficient that is not zero is less than half a femtosecond. */
int cost_init(struct cost *cost, const struct cost_config *config,
              const struct accelerator *accelerator, const struct llm *llm,
              const struct constants *constants, int64_t tp, struct err *err);

/* The price of one step, split by what it is bound by. */
void cost_price(const struct cost *cost, const struct step_counts *counts,
                struct step_price *price);

/* Room for the forms of up to `most_decodes` decodes (or of a thousand, if fewer). */
void cost_forms_init(struct cost_forms *forms, const struct cost *cost,
                     int64_t most_decodes);
void cost_forms_free(struct cost_forms *forms);

/* The form of steps of `n_decodes` decodes whose contexts sum to `context` or more.  Valid
 * until the next call. */
const struct cost_form *cost_decode_form(struct cost_forms *forms, int64_t n_decodes,
                                         int64_t context);

/* What the form says when contexts sum to `context`. */
static inline wide cost_form_fs(const struct cost_form *form, int64_t context)
{
    return form->at_fs + (wide)(form->compute_slope_fs + form->kv_slope_fs) *
                             (context - form->context);
}

/* The sum of a price, and the duration it gives: rounded half up, at least 1 ns, and at
 * most 2^60 ns, which no clock here can pass. */
wide cost_sum_fs(const struct step_price *price);
int64_t cost_duration_ns(wide fs);

/* max(1, floor((fs + 500000) / 10^6)): rule 2. */
static inline int64_t cost_round_ns(int64_t fs)
{
    int64_t ns = (int64_t)(((uint64_t)fs + 500000) / 1000000); /* unsigned is cheaper */
    return ns > 1 ? ns : 1;
}

/* "compute", "weight", "kv", "network" or "overhead". */
const char *cost_bound_name(enum bound bound);

#endif
