/* speculative: several tokens of a sequence in one step: who drafts them, at what price.
 *
 * Something cheap guesses the next tokens of a sequence and the model verifies all guesses
 * in one step: it keeps them up to the first wrong one and adds one of its own (Leviathan
 * et al., arXiv 2211.17192; Chen et al., arXiv 2302.01318).  Whether a guess is right is
 * drawn: the j-th is, if all before it are, with the probability that the configuration
 * gives position j.  Of k drafted tokens at p each, (1 - p^(k+1)) / (1 - p) tokens come out
 * of a step in the mean, k + 1 if p is 1.
 *
 * A decode with k drafted tokens has k + 1 tokens to compute: matrices, LM head, experts,
 * activations and network see all of them, the KV cache is read once per sequence, and each
 * token attends to those before it.  That is in model/cost.h.  On top of it, per method:
 *
 *   draft   a second model on the same GPUs runs k passes, one token of each sequence in
 *           each, and the step's prefill chunks with the first one
 *   mtp     the same with `mtp_layers` further layers of the model itself and its LM head
 *           (multi-token prediction, DeepSeek-V3, arXiv 2412.19437)
 *   ngram   guesses are looked up in the text: `ngram_overhead_us` in a step that drafts
 *
 * A pass takes what the drafter's layers, head and network take by the same roofline and
 * engine constants; step, prefill and sequence overheads, which are the scheduler's, come
 * once per step only.  With cost = linear a pass takes draft_base_us + draft_seq_us per
 * sequence and chunks take nothing.  None of this was calibrated.
 */
#ifndef SERVESIM_MODEL_SPECULATIVE_H
#define SERVESIM_MODEL_SPECULATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/cost.h"
#include "model/power.h"

enum speculative_method {
    SPECULATIVE_NONE,
    SPECULATIVE_DRAFT,
    SPECULATIVE_NGRAM,
    SPECULATIVE_MTP
};

enum { SPECULATIVE_MOST = 32, SPECULATIVE_FIELDS = 10 };

struct speculative_config {
    int64_t method;   /* enum speculative_method */
    int64_t n_tokens; /* drafted per sequence and step, at most */
    int64_t acceptance_nano;
    const char *acceptance_by_position; /* "": acceptance_nano at all of them */
    const char *draft_model_name;
    int64_t draft_base_fs; /* these two: cost = linear */
    int64_t draft_seq_fs;
    int64_t ngram_overhead_fs;
    int64_t mtp_layers;
    int64_t adaptive;
    struct llm draft; /* method = draft, but for cost = linear */
};

extern const struct field speculative_fields[SPECULATIVE_FIELDS];

/* What a pool needs of it, worked out once per run. */
struct speculative {
    const struct speculative_config *config;
    int64_t acceptance_nano[SPECULATIVE_MOST]; /* by position */
    bool has_model;                            /* `drafter` drafts, on the GPUs */
    struct llm drafter;
    struct cost cost; /* of its passes; or linear */
    struct power power;
};

/* The passes of the drafter in one step; zeroed: none. */
struct speculative_passes {
    int64_t n;
    struct step_counts of[SPECULATIVE_MOST];
};

/* A probability from 0 to 1; -1 and the reason if `text` is none. */
int speculative_read_probability(const char *text, int64_t *nano, struct err *err);

/* The probability of each position; -1 and the reason if they are not as many as tokens,
 * or none from 0 to 1. */
int speculative_read_acceptance(const struct speculative_config *config,
                                int64_t nano[SPECULATIVE_MOST], struct err *err);

/* Who drafts; before speculative_price_init(), because the ledger wants to know, too. */
void speculative_init(struct speculative *speculative,
                      const struct speculative_config *config, const struct llm *target,
                      bool linear);

/* What the drafter's passes cost; as cost_init().  speculative_free() what it returns. */
int speculative_price_init(struct speculative *speculative,
                           const struct cost_config *cost,
                           const struct accelerator *accelerator,
                           const struct constants *constants,
                           const struct layout *layout, struct err *err);
void speculative_free(struct speculative *speculative);

/* Adds what the drafter does for a decode on top of `before` tokens, or with a chunk. */
void speculative_add_decode(const struct speculative *speculative,
                            struct speculative_passes *passes, int64_t before,
                            int64_t n_drafts);
void speculative_add_chunk(const struct speculative *speculative,
                           struct speculative_passes *passes, int64_t before,
                           int64_t tokens);

/* Adds the price of drafting to that of a step whose decodes verify `n_drafts`. */
void speculative_price(const struct speculative *speculative,
                       const struct speculative_passes *passes, int64_t n_drafts,
                       struct step_price *price);

/* What the passes do, for energy, FLOPs and bytes. */
struct work speculative_work(const struct speculative *speculative,
                             const struct speculative_passes *passes);

/* 10^9 times the tokens that come out of a step in the mean with that many drafted:
 * the product of what positions have, rounded down, summed up.  `own_nano` stands for all
 * positions unless it is -1. */
int64_t speculative_expected_nano(const struct speculative *speculative,
                                  int64_t own_nano, int64_t n_drafts);

#endif
