/* roofline: what the step model says of one replica, without any trace.
 *
 * Every time is cost_price()'s, every FLOP and byte power_sum()'s: there is no second
 * model here.  The same step is priced three ways, from below to above: one max over its
 * sums (`roofline = step`), one max per class of operations (`operation`), and no overlap
 * at all, the sum; a real step lies between the outer two (Williams et al., 2009).
 */
#ifndef SERVESIM_STUDY_ROOFLINE_H
#define SERVESIM_STUDY_ROOFLINE_H

#include <stdint.h>

#include "base/err.h"
#include "engine/pool.h"

enum roofline_way { ROOFLINE_STEP, ROOFLINE_OPERATION, ROOFLINE_SUM, N_ROOFLINE_WAYS };

struct roofline {
    const struct pool *pool;
    struct cost ways[N_ROOFLINE_WAYS];
};

/* One step, of decodes or of one prompt. */
struct roofline_step {
    double s[N_ROOFLINE_WAYS];
    double bound_s[N_BOUNDS]; /* of the one by operation */
    double tokens;
    double flops; /* over all GPUs of the replica, as are bytes */
    double bytes;
    double joules;
};

/* -1 if the pool has no hardware or its cost is linear.  `pool` outlives it. */
int roofline_init(struct roofline *roofline, const struct pool *pool, struct err *err);
void roofline_free(struct roofline *roofline);

/* `batch` decodes that attend to `context` tokens each, themselves included. */
void roofline_decode(const struct roofline *roofline, int64_t batch, int64_t context,
                     struct roofline_step *step);

/* One prompt in one step. */
void roofline_prefill(const struct roofline *roofline, int64_t tokens,
                      struct roofline_step *step);

/* What takes most of the step. */
enum bound roofline_regime(const struct roofline_step *step);

/* Shares of the data sheet's peaks, of all GPUs. */
double roofline_mfu(const struct roofline *roofline, const struct roofline_step *step);
double roofline_mbu(const struct roofline *roofline, const struct roofline_step *step);

/* FLOP per second of one GPU in its dense matrices, as the price of a step has it. */
double roofline_reached_flop_per_s(const struct roofline *roofline);

double roofline_usd_per_mtok(const struct roofline *roofline,
                             const struct roofline_step *step);

/* The smallest batch in which the classes' compute is no less than their memory traffic,
 * at that context (0: no KV, the weights and activations alone); -1: no batch is. */
int64_t roofline_critical_batch(const struct roofline *roofline, int64_t context);

/* ridge x bytes of a weight / 2: weights alone, each read once, at the data sheet's rates
 * (H100 in BF16: 295). */
double roofline_weights_batch(const struct roofline *roofline);

/* FLOPs per byte that decodes tend to as the batch grows: with a KV cache it stays
 * finite. */
double roofline_intensity_limit(const struct roofline *roofline, int64_t context);

/* Sequences of `context` tokens that the KV cache holds; the largest batch whose step
 * takes no longer than `most_ns` (0: not even one). */
int64_t roofline_most_in_memory(const struct roofline *roofline, int64_t context);
int64_t roofline_most_in_time(const struct roofline *roofline, int64_t context,
                              int64_t most_ns);

#endif
