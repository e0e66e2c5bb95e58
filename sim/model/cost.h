/* cost: the price of one engine step.
 *
 * A step is a set of decodes (one token each) and prefill chunks.  Its price is a sum of
 * operation classes, each max(compute, memory) by the roofline, plus network and
 * overheads.  Per GPU of tensor-parallel degree tp:
 *
 *   class                 FLOPs                        bytes
 *   attention projections 2 W_a (T + T0) / tp          W_a b / tp
 *   MLP, shared experts   2 W_d (T + T0) / tp          W_d b / tp
 *   routed experts        2 W_e k T / g                W_e b E_act(T) / g
 *   LM head               2 h V / tp per emission      h V b / tp when any sequence emits
 *                           and per drafted token
 *   decode attention      F / tp per pair              KV bytes x context
 *   prefill attention     F / tp per pair              KV bytes x context, once per chunk
 *   window attention      the same two, over min(context, window)
 *   linear layers' state  8 / tp per number            read and written, per sequence
 *   activations           -                            a x 2 h L T
 *
 * T tokens in the step, T0 knee_tokens, b bytes of a weight, h hidden, V vocabulary, L
 * layers, g GPUs of a pipeline stage, F llm_flops_per_pair x layers.  E_act(T) = E (1 -
 * (1 - k/E)^T) is the expected number of distinct experts that T tokens visit (rules.md
 * 14 has the recurrence).  A pair is one (query, key): a decode has as many as its
 * context, itself included; a chunk of p tokens on top of s has p s + p (p + 1) / 2, and
 * so has a decode that verifies p - 1 drafted tokens, which reads s + p tokens of context.
 * Within a window w a token has at most w pairs, and the chunk reads min(s, w - 1) + p
 * tokens.  KV bytes are per GPU (llm_kv_bytes_per_layer); `mixed_attention_efficiency` is
 * a factor on their bandwidth in steps that have prefill and decode.  Pairs compute in
 * BF16 whatever the cache is stored in.  `attention_kernel = naive` writes and reads the
 * scores: 8 bytes per pair, head and layer that attends, of a prefill.  An indexer adds to full
 * attention 2 FLOPs per pair, index head and number of its key, at the FP8 rate, and the
 * key's bytes per token of context.  From the first T at which E_act(T) leaves 10^-4
 * experts or fewer, it stays what it is there.
 *
 * Attention data parallelism divides T, contexts and sequences by its degree.  A pipeline
 * of pp stages runs m = min(pp, sequences) micro-batches: the step takes pp times a
 * stage's time on 1/m of the batch, and the largest stage, ceil(L / pp) layers, is what
 * counts; m < pp is the bubble.  The LM head is in one stage: read m times, computed once.
 * T of E_act is that of a micro-batch over all ranks, rounded up.  Ranks with a scheduler
 * each (`lockstep`) may hold unlike batches: cost_price_rank().
 *
 * Network: two ring all-reduces per layer of 2 h T bytes, latency + 2 (tp - 1) / tp x
 * bytes / link; with data parallelism a dispatch (1 byte a number) and a combine (2) of k
 * copies of every token per MoE layer, of which each GPU sends its share to the others;
 * 2 h T bytes and one latency for every pipeline stage.  The link of each is that of the
 * node if the GPUs that talk (tp, tp x dp, all) are in one; across nodes a GPU has a port,
 * and an all-reduce has rings over all of a node's.
 *
 * `roofline = step` takes one max over the sums instead.  `overlap` says how much of the
 * shorter side is hidden behind the longer one.  Sources: Williams et al., 2009
 * (roofline); Pope et al., 2022 (arXiv 2211.05102), Kwon et al., 2023 (arXiv 2309.06180)
 * for the classes; constants as engine files say.
 *
 * Every coefficient, all factors and `scale` included, is rounded half up to femtoseconds
 * once per run, for each number of micro-batches: per step (reading weights, E_act(T)
 * experts, overheads, latencies), token, emission, pair, token of context, sequence.  What
 * overlap leaves is that integer times 1 - overlap, half up.  The rest is integers, so a
 * step's price is exact and a run of decode steps an exact arithmetic progression.
 *
 * `cost = linear` replaces all of it by base + prefill tokens + decodes + contexts; a drafted
 * token that is verified costs as much as one of a prefill.
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
#include "model/layout.h"
#include "model/llm.h"

enum cost_kind { COST_ROOFLINE, COST_LINEAR };
enum cost_roofline { COST_OPERATION, COST_STEP };

struct cost_config {
    int64_t kind;       /* enum cost_kind */
    int64_t roofline;   /* enum cost_roofline */
    int64_t scale_nano; /* cost = roofline: factor on every step, of one deployment */
    int64_t base_fs;    /* these four: cost = linear */
    int64_t prefill_token_fs;
    int64_t decode_seq_fs;
    int64_t context_token_fs;
};

extern const struct field_table cost_table;

/* What a step holds.  The counts within the window are 0 for models without one. */
struct step_counts {
    int64_t n_decodes;
    int64_t n_chunks;
    int64_t decode_context; /* tokens attended by the decodes, themselves included */
    int64_t decode_window;  /* the same, each at most the window */
    int64_t prefill_tokens;
    int64_t padding_tokens; /* of these, such as are of no prompt */
    int64_t prefill_pairs;
    int64_t prefill_context; /* tokens cached after each chunk, summed over chunks */
    int64_t window_pairs;    /* of the chunks, within the window */
    int64_t window_context;
    int64_t n_emitting; /* sequences that emit a token at the end of the step */
    /* Drafted tokens that the decodes verify beside their own (model/speculative.h), and
     * what they attend to beyond one pair per token of context. */
    int64_t draft_tokens;
    int64_t draft_pairs;
    int64_t draft_window_pairs;
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

/* The operation classes; those from COST_EXPERTS on are not in every model. */
enum cost_class {
    COST_PROJECTIONS,
    COST_MLP,
    COST_HEAD,
    COST_DECODE_ATTENTION,
    COST_PREFILL_ATTENTION,
    COST_ACTIVATIONS,
    COST_EXPERTS,
    COST_WINDOW_DECODE,
    COST_WINDOW_PREFILL,
    COST_STATE,
    N_COST_CLASSES
};

/* Compute and memory time: of a class per unit, or of a class in a step. */
struct cost_term {
    int64_t compute_fs;
    int64_t memory_fs;
};

struct cost_sides {
    wide compute_fs;
    wide memory_fs;
};

struct cost_coefficients {
    /* per unit of what cost_sides_of() counts; [1] in steps that mix prefill and decode */
    struct cost_term terms[2][N_COST_CLASSES];
    int64_t naive_pair_fs; /* memory per prefill pair */
    int64_t copies_fs;  /* of the activations' memory per token: copies for experts */
    int64_t *expert_fs; /* memory by tokens of a micro-batch, n_expert_fs of them */
};

struct cost {
    enum cost_kind kind;
    enum cost_roofline roofline;
    int32_t n_classes; /* without those at the end that the model has not */
    bool hides;        /* `hidden` is not all zero */
    int64_t n_stages;
    int64_t
        n_ranks; /* data-parallel ranks with a scheduler each; 1: a balanced replica */
    /* By micro-batches - 1.  `hidden` is full x (1 - overlap): what the shorter side adds. */
    struct cost_coefficients full[LAYOUT_MOST_STAGES];
    struct cost_coefficients hidden[LAYOUT_MOST_STAGES];
    int64_t knee_tokens[LAYOUT_MOST_STAGES];
    int64_t network_token_fs[LAYOUT_MOST_STAGES];
    int64_t dispatch_token_fs[LAYOUT_MOST_STAGES]; /* of it: to experts and back */
    int64_t n_expert_fs;
    int64_t *expert_milli; /* distinct experts of a MoE layer by tokens, in 10^-3 */
    int64_t network_fs;    /* per step */
    int64_t overhead_fs;   /* per step */
    int64_t prefill_fs;    /* per step with prefill */
    int64_t sequence_fs;   /* per decode */
    int64_t window_tokens; /* 0: none */
    struct cost_config linear;
};

/* Steps of decodes only: the price when their contexts sum to `context`, and within the
 * window to `window`, is `at`, and every token more adds the slopes, as long as the max of
 * `roofline = step` does not change sides: see cost_form_steps(). */
struct cost_form {
    struct step_price at;
    wide at_fs; /* the sum of `at` */
    int64_t context;
    int64_t window;
    wide lead_fs;           /* roofline = step: compute less memory, there */
    struct cost_term slope; /* per token of context: what is added to the price */
    struct cost_term window_slope; /* and of context within the window */
    int64_t lead_slope_fs;
    int64_t window_lead_slope_fs;
    bool bounded; /* the max can change sides */
};

/* The forms of a cost by number of decodes: each is worked out once. */
struct cost_forms {
    const struct cost *cost;
    struct cost_form *known; /* by n_decodes; at_fs 0: not yet */
    int64_t n_known;
    struct cost_form latest; /* of those that are not kept */
};

/* Turns the data sheet, the model and the engine's constants into integer coefficients
 * for one replica.  `accelerator`, `llm`, `constants` and `layout` are read only for
 * COST_ROOFLINE.  -1 if a coefficient that is not zero is less than half a femtosecond.
 * Whatever it returns, cost_free() frees. */
int cost_init(struct cost *cost, const struct cost_config *config,
              const struct accelerator *accelerator, const struct llm *llm,
              const struct constants *constants, const struct layout *layout,
              struct err *err);
void cost_free(struct cost *cost);

/* Micro-batches that the step's sequences are run in: 1 without pipeline stages. */
int64_t cost_micro_batches(const struct cost *cost, const struct step_counts *counts);

/* Compute and memory time of each class in the step; COST_ROOFLINE only. */
void cost_sides_of(const struct cost *cost, const struct cost_coefficients *of,
                   const struct step_counts *counts,
                   struct cost_sides sides[N_COST_CLASSES]);

/* The price of one step, split by what it is bound by.  Where data-parallel ranks have a
 * scheduler each, the counts are those of one rank, here and in all that follows, and the
 * other ranks are taken to hold as much. */
void cost_price(const struct cost *cost, const struct step_counts *counts,
                struct step_price *price);

/* The price of the step as one of the data-parallel ranks that share it finds it, of which
 * `all` are the counts of all ranks together.  Experts, the copies of tokens for them and
 * their way there and back take what the tokens of all ranks take; the rest is what a
 * balanced step would cost if every rank held what this one does, so that ranks that are
 * alike find cost_price() of their sum.  The step lasts as long as the rank that finds it
 * longest.  Where layers wait for each other one by one it may last longer still: a sum of
 * maxima, which this maximum of sums is at most.  COST_LINEAR has no part that is shared. */
void cost_price_rank(const struct cost *cost, const struct step_counts *rank,
                     const struct step_counts *all, struct step_price *price);

/* Distinct experts of one MoE layer that the step's tokens visit, times 1000, summed over
 * its micro-batches. */
int64_t cost_expert_milli(const struct cost *cost, const struct step_counts *counts);

/* The same of the counts of all ranks together. */
int64_t cost_expert_milli_of(const struct cost *cost, const struct step_counts *all);

/* Adds a chunk of `tokens` on top of `before` tokens to the counts. */
static inline void cost_count_chunk(const struct cost *cost, struct step_counts *counts,
                                    int64_t before, int64_t tokens)
{
    counts->n_chunks++;
    counts->prefill_tokens += tokens;
    counts->prefill_pairs += tokens * before + tokens * (tokens + 1) / 2;
    counts->prefill_context += before + tokens;
    int64_t window = cost->window_tokens;
    if (window == 0) {
        return;
    }
    /* the first `growing` tokens still see everything before them */
    int64_t growing = window > before ? window - before : 0;
    growing = growing < tokens ? growing : tokens;
    counts->window_pairs +=
        growing * before + growing * (growing + 1) / 2 + (tokens - growing) * window;
    /* the first token sees itself and window - 1 before it */
    int64_t reach = before < window ? before : window - 1;
    counts->window_context += reach + tokens;
}

/* Prefill tokens that somebody asked for. */
static inline int64_t cost_prompt_tokens(const struct step_counts *counts)
{
    return counts->prefill_tokens - counts->padding_tokens;
}

/* Adds a decode of `tokens` tokens, all but the first drafted, on top of `before`. */
static inline void cost_count_decode(const struct cost *cost,
                                     struct step_counts *counts, int64_t before,
                                     int64_t tokens)
{
    struct step_counts chunk = {0};
    cost_count_chunk(cost, &chunk, before, tokens);
    counts->n_decodes++;
    counts->n_emitting++;
    counts->decode_context += chunk.prefill_context;
    counts->decode_window += chunk.window_context;
    counts->draft_tokens += tokens - 1;
    counts->draft_pairs += chunk.prefill_pairs - chunk.prefill_context;
    counts->draft_window_pairs += chunk.window_pairs - chunk.window_context;
}

/* Tokens that a decode attends to in a window layer; 0 for models without. */
static inline int64_t cost_in_window(const struct cost *cost, int64_t context)
{
    return context < cost->window_tokens ? context : cost->window_tokens;
}

/* Room for the forms of up to `most_decodes` decodes (or of a thousand, if fewer). */
void cost_form_table_init(struct cost_forms *forms, const struct cost *cost,
                          int64_t most_decodes);
void cost_form_table_free(struct cost_forms *forms);

/* Works a form out. */
const struct cost_form *cost_form_fill(struct cost_forms *forms, int64_t n_decodes,
                                       int64_t context, int64_t window);

/* The form of steps of `n_decodes` decodes.  If it is `latest`, valid until the next call;
 * others stay. */
static inline const struct cost_form *cost_form_of(struct cost_forms *forms,
                                                   int64_t n_decodes, int64_t context,
                                                   int64_t window)
{
    if (n_decodes < forms->n_known && forms->known[n_decodes].at_fs > 0) {
        return &forms->known[n_decodes];
    }
    return cost_form_fill(forms, n_decodes, context, window);
}

/* What more tokens of context add, as long as the form holds. */
static inline wide cost_form_growth_fs(const struct cost_form *form, int64_t context,
                                       int64_t window)
{
    int64_t slope_fs = form->slope.compute_fs + form->slope.memory_fs;
    int64_t window_fs = form->window_slope.compute_fs + form->window_slope.memory_fs;
    return (wide)slope_fs * context + (wide)window_fs * window;
}

/* What the form says when contexts sum to `context`, and within the window to `window`. */
static inline wide cost_form_fs(const struct cost_form *form, int64_t context,
                                int64_t window)
{
    return form->at_fs +
           cost_form_growth_fs(form, context - form->context, window - form->window);
}

/* For how many steps the form holds, the first of which has these counts, if each adds
 * `growth` and `window_growth` tokens; at least 1, if cost_form_of() was asked for
 * just these. */
int64_t cost_form_steps(const struct cost_form *form, int64_t context, int64_t window,
                        int64_t growth, int64_t window_growth);

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

/* "attention projections" ... */
const char *cost_class_name(enum cost_class class);

/* Whose bytes a class reads: BOUND_WEIGHT or BOUND_KV. */
enum bound cost_class_memory(enum cost_class class);

#endif
