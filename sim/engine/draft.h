/* draft: speculative decoding in one replica (model/speculative.h): how many tokens are
 * drafted for whom, what that adds to a step, and how many of them are right.
 *
 * A running sequence that decodes gets its one token and k' drafted ones, k' the least of
 *   - k, num_speculative_tokens, or what `adaptive` chose for this step;
 *   - max_new - n_emitted - 1: no token is drafted beyond the last that it may have;
 *   - what long_prefill_token_threshold and the budget leave beside its own token, in the
 *     order in which the discipline serves, as in vLLM v1.
 * One that has just been admitted, or came back from the host, drafts nothing in that step.
 * KV blocks are taken for computed + 1 + k' tokens and kept: keys and values of what was
 * wrong are overwritten.  At the end of the step, in the order of planning, its drafted
 * tokens are drawn one by one until the first that is wrong, from the stream "speculation"
 * of the run's seed: right if rng_below(10^9) < probability.  Of a that are right
 *
 *   e = min(a + 1, output_tokens - n_emitted)
 *
 * tokens come out, all at the step's end: computed and n_emitted grow by e, and the gaps of
 * all but the first of them are 0.  e - 1 count as accepted and k' - (e - 1) as rejected;
 * these are the tokens that were computed and thrown away.
 *
 * `adaptive` chooses before each plan the k from 0 to num_speculative_tokens for which the
 * price of a step of all running decodes, budget and prefill apart, over the tokens that
 * come out of it in the mean is least, the smaller k where two are alike.  That is what
 * SmartSpec's goodput comes to (Liu et al., arXiv 2406.14066), except that it estimates
 * acceptance from what it has seen and this one is told.
 */
#ifndef SERVESIM_ENGINE_DRAFT_H
#define SERVESIM_ENGINE_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "engine/request.h"
#include "model/speculative.h"

struct replica;
struct step_price;

struct draft {
    const struct speculative *of; /* NULL: nothing is drafted */
    struct rng *draws;            /* of the run */
    int64_t most;                 /* per sequence, in this plan */
    int64_t n_drafted;            /* tokens, of all steps that have ended */
    int64_t n_accepted;
    int64_t n_verified; /* decodes that had drafted tokens */
};

/* Before a plan: how many tokens a sequence may have drafted. */
void draft_choose(struct replica *replica);

/* The most that may be drafted for the request in this plan, threshold and budget apart. */
int64_t draft_room(const struct replica *replica, const struct request *request);

/* Adds to the price and the work of the planned step, or of its decodes alone, what drafting
 * takes. */
void draft_price(const struct replica *replica, bool with_chunks,
                 struct step_price *price, struct work *work);

/* The step has ended: how many of the request's `n_drafts` are kept. */
int64_t draft_accept(struct replica *replica, const struct request *request,
                     int64_t n_drafts);

/* Tokens drafted and thrown away. */
static inline int64_t draft_rejected(const struct draft *draft)
{
    return draft->n_drafted - draft->n_accepted;
}

#endif
