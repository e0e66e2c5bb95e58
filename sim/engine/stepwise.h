/* stepwise: the slow, plain way to run a step (`--stepwise`).
 *
 * Every sequence is visited in every step; there is no span, no cumulative sum, no stack
 * and no table of residues.  It exists to be compared with the fast way: both must give
 * the same bytes in every file.
 */
#ifndef SERVESIM_ENGINE_STEPWISE_H
#define SERVESIM_ENGINE_STEPWISE_H

#include <stdint.h>

#include "model/adapter.h"
#include "model/cost.h"
#include "model/power.h"

struct replica;

/* What a planned step holds, and its decodes alone; what is drafted for either. */
struct stepwise_step {
    struct step_counts counts;
    struct step_counts decodes;
    struct work drafting;
    struct work decode_drafting;
    struct adapter_counts adapters; /* that they use */
    struct adapter_counts decode_adapters;
    struct work adapting;
    struct work decode_adapting;
    wide limited_fs; /* what a limit of power adds to it */
};

/* Starts the planned step. */
void stepwise_start(struct replica *replica, int64_t now_ns);

/* Its parts, for ranks that start theirs together (engine/lockstep.h): what the step
 * holds; what its decodes alone take beyond the price of their counts, what the whole step
 * does; and that it takes so long. */
void stepwise_count(struct replica *replica, struct stepwise_step *step);
void stepwise_add_decode_drafts(const struct replica *replica,
                                struct stepwise_step *step, struct step_price *price);
void stepwise_add_rest(const struct replica *replica, struct stepwise_step *step,
                       struct step_price *price);
void stepwise_begin(struct replica *replica, const struct stepwise_step *step,
                    const struct step_price *price, int64_t decode_ns, int64_t now_ns,
                    int64_t duration_ns);

/* Books the step that has ended, token by token. */
void stepwise_end(struct replica *replica, int64_t now_ns);

/* Divides the pots of the decoding group by visiting its members. */
void stepwise_divide(struct replica *replica);

#endif
