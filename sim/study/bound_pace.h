/* bound_pace: how many steps it takes to write outputs at a given pace.
 *
 * A step in which n sequences emit lasts at least A + b_1 + ... + b_n: A to read weights and
 * what is the same in every step, b_i what the i-th adds, by its context.  All n wait for it.
 * If the time from first to last token is at most t per token, then over all steps
 *
 *   sum n (A + w) <= t N,  w = b_1 + ... + b_n of the step,  N tokens in all
 *
 * and by Cauchy's inequality, used twice, sum n w >= Q^2 / S, Q the sum of sqrt(b) over all
 * tokens and S the steps.  So S >= Q^2 / ((t - A) N): a batch may not be larger than what its
 * members leave each other time for.  If t <= A no step is fast enough.
 *
 * A share of the requests may miss the pace.  Without those of the greatest Q there are at
 * least Q - dQ, and, no token having more than sqrt(b) of the longest context, at most N - dQ
 * / sqrt(b) tokens.  Drafted tokens: a sequence is in a step for k + 1 tokens at most, so N
 * and Q of steps are those of tokens divided by that.  Ranks in lockstep and fleets of
 * replicas obey the same inequality summed up.
 */
#ifndef SERVESIM_STUDY_BOUND_PACE_H
#define SERVESIM_STUDY_BOUND_PACE_H

#include "study/bound_price.h"

struct bound_pace {
    double seconds; /* per token after the first, at most */
    double share;   /* of the requests, that keep it at least */
};

/* Steps, at least, in which a replica, or several together, write the outputs of `n` lengths
 * of `n_requests` requests; 0 with nothing to write; INFINITY if it cannot be. */
double bound_pace_steps(const struct bound_price *price,
                        const struct bound_length *lengths, int64_t n,
                        int64_t n_requests, const struct bound_pace *pace);

#endif
