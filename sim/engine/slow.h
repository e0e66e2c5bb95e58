/* slow: what steps cost on a replica that is slower than its pool.
 *
 * A straggler (a GPU that throttles, a bad link) does the same work in `factor` times the
 * time, everything in a step included: what moves to and from the host, and drafting.
 * Each factor of a pool has prices of its own: all coefficients of the pool's, times the
 * factor, rounded half up to femtoseconds.  So a step's price stays exact, spans need know
 * nothing of it, and a step keeps the price that it began with.
 */
#ifndef SERVESIM_ENGINE_SLOW_H
#define SERVESIM_ENGINE_SLOW_H

#include <stdint.h>

#include "base/err.h"
#include "engine/pool.h"
#include "model/cost.h"

struct replica;

enum { SLOW_NOT = 1000000000 }; /* a factor of 1, in 10^-9 */

/* The prices of a pool at a factor. */
struct slow_prices {
    const struct pool *pool;
    int64_t factor_nano;
    struct cost cost;
    struct cost_forms forms;
};

/* Zeroed: nothing is slow. */
struct slow {
    struct slow_prices **prices;
    int32_t n;
};

/* The factor a times b, rounded half up. */
int64_t slow_times(int64_t a_nano, int64_t b_nano);

/* Works prices out; -1 if they leave the range of prices. */
int slow_add(struct slow *slow, const struct pool *pool, int64_t factor_nano,
             struct err *err);
void slow_free(struct slow *slow);

/* Steps that the replica plans from now on last `factor_nano` times what its pool's do, a
 * factor that was added. */
void slow_set(const struct slow *slow, struct replica *replica, int64_t factor_nano);

/* What takes `fs` on a replica of the pool's own pace. */
static inline wide slow_fs(int64_t factor_nano, wide fs)
{
    return factor_nano == SLOW_NOT ? fs : wide_div_half_up(fs * factor_nano, SLOW_NOT);
}

#endif
