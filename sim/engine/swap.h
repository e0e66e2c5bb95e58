/* swap: sequences whose KV cache was moved to host memory (`preempt = swap`).
 *
 * They come back in the order in which they left, as blocks as their own: what they shared
 * is shared no more.  Moving blocks either way makes the step of the plan that long
 * longer, as in vLLM v0, where copies run before the step's kernels.
 */
#ifndef SERVESIM_ENGINE_SWAP_H
#define SERVESIM_ENGINE_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/request.h"

struct replica;

struct swap {
    struct request_list requests;
    int64_t host_blocks; /* in use */
    int64_t most_blocks; /* INT64_MAX: no limit */
    int64_t moved;       /* blocks in this plan */
    int64_t n_out;       /* blocks in all */
    int64_t n_in;
};

/* Whether host memory has room for the request's tokens. */
bool swap_fits(const struct replica *replica, const struct request *request);

/* Puts a request that has just left the running ones, with what it computed, at the end. */
void swap_out(struct replica *replica, struct request *request);

/* Takes it out, to run or because it leaves altogether. */
void swap_take(struct replica *replica, struct request *request, bool back);

/* Femtoseconds that this plan's moves add to the step. */
wide swap_fs(const struct replica *replica);

#endif
