/* throttle: steps that a limit of power makes longer (model/meter.h).
 *
 * What the limit adds to a step's price is compute's: its clock is lower.  In a span both
 * the price and the least that the limit allows are linear in the steps, so that the
 * larger one holds up to a step that is known; there the span ends.
 */
#ifndef SERVESIM_ENGINE_THROTTLE_H
#define SERVESIM_ENGINE_THROTTLE_H

#include <stdint.h>

#include "engine/replica.h"

/* Raises the price of a step, with the work of its drafter and of its adapters (NULL: it
 * has none), to what the limit allows at least; what it added. */
wide throttle_raise(const struct pool *pool, const struct step_counts *counts,
                    const struct work *drafting, const struct work *adapting,
                    struct step_price *price);

/* The same of a step whose work is known, where there is a limit. */
wide throttle_raise_work(const struct pool *pool, const struct work *work,
                         const struct work *drafting, const struct work *adapting,
                         struct step_price *price);

/* The price of the step in progress of a span and what every step adds to it: raised if
 * the limit holds them, which `span->limited` says.  For how many steps that is so. */
int64_t throttle_span(const struct replica *replica, struct replica_span *span,
                      wide *first_fs, wide *per_step_fs);

/* What the limit added to steps of a limited span, not alone, whose work is `work`. */
wide throttle_added_fs(const struct replica *replica, const struct work *work);

static inline wide throttle_price(const struct pool *pool,
                                  const struct step_counts *counts,
                                  const struct work *drafting,
                                  const struct work *adapting, struct step_price *price)
{
    return pool->power.limited ? throttle_raise(pool, counts, drafting, adapting, price)
                               : 0;
}

/* Adds to the sums what the limit added to the steps of which `work` is the work. */
static inline void throttle_add(const struct replica *replica, const struct work *work,
                                struct replica_sums *sums)
{
    const struct replica_span *span = &replica->span;
    if (span->limited) {
        wide fs = span->alone ? span->limited_fs : throttle_added_fs(replica, work);
        sums->limited_fs += fs;
        if (!span->alone) { /* else it is in the price */
            sums->bound_fs[BOUND_COMPUTE] += fs;
        }
    }
}

#endif
