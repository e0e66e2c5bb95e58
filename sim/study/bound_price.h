/* bound_price: the least time that steps take in which so much is computed.
 *
 * A step's price is a sum over operation classes of the larger of compute and memory, plus
 * what overlap leaves of the smaller one, network and overheads (model/cost.h).  Whichever
 * of the two a class is asked for, it takes no less than that side and what overlap leaves
 * of the other.  Both are linear in the step's counts, with coefficients that are not
 * negative, so over many steps a class takes at least
 *
 *   max(compute of the sums + what is left of memory, memory of the sums + ... of compute)
 *
 * of any counts that the steps have at least (study/bound_sums.h).  `roofline = step` has
 * that max once, over the sums of all classes; which side it takes, whole sums decide, so
 * of the other one no more is sure than the class of the best overlap leaves.  Where a coefficient depends on the number
 * of micro-batches, or on whether the step is mixed, the least one stands.
 *
 * Experts are read once per step, by a concave function of its tokens: on its chord, which
 * is below it, so many steps with so many tokens read at least what the line says.
 *
 * Who was preempted and computes again emits with a chunk, not with a decode: it pays less
 * for that one token, and for all that it lost once more.  If the least context's loss is
 * paid for, so is every other's; else, and where a cache may hold what was lost, tokens of
 * output are counted at the smaller price of the two.
 *
 * Ranks in lockstep: a step lasts as long as the rank that finds it longest, so at least as
 * long as the mean of the ranks, and that is the price of the counts of all, for they are
 * priced as if all held what one does; with cost = linear, the counts of all over the
 * number of ranks.
 *
 * A step lasts its price rounded to nanoseconds, at least 1: no less than price - 0.5 ns,
 * nor than 2/3 of the price.  Hidden coefficients were rounded, half a femtosecond per unit
 * at most: that much is left off.  Sums are in double; the result is lowered by 10^-9 of
 * itself, far more than they lose.
 */
#ifndef SERVESIM_STUDY_BOUND_PRICE_H
#define SERVESIM_STUDY_BOUND_PRICE_H

#include "engine/pool.h"
#include "study/bound_sums.h"

enum { BOUND_PRICE_COMPUTE, BOUND_PRICE_MEMORY };

/* One side of every class, and what overlap leaves of the other: femtoseconds per unit. */
struct bound_price_side {
    double compute[N_COST_CLASSES];
    double memory[N_COST_CLASSES];
    double knee[N_COST_CLASSES]; /* compute per step */
    double naive_pair;
    double copies; /* of the activations' memory: per token of all ranks */
    const int64_t *experts;
    double experts_share; /* of their table */
};

struct bound_price {
    const struct cost *cost;
    struct bound_limits limits;
    struct bound_price_side sides[2];
    double network_token;
    double dispatch_token; /* not in the former */
    double least_step_fs;  /* of any step */
};

/* A step in which sequences emit lasts at least step_s, and for each of them sequence_s,
 * context_s per token that it attends to and window_s per token within the window. */
struct bound_price_line {
    double step_s;
    double sequence_s;
    double context_s;
    double window_s;
};

void bound_price_init(struct bound_price *price, const struct pool *pool);

/* Seconds. */
double bound_price_s(const struct bound_price *price, const struct bound_sums *sums);

/* What tokens of output add to a step, by its memory side; `shares`: a cache may hold
 * prompts. */
struct bound_price_line bound_price_decode_line(const struct bound_price *price,
                                                bool shares);

#endif
