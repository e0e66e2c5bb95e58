/* transfer_route: who computes a request's prompt, and who answers it.
 *
 * Plain: prompts go to prefill pools (and pools of role both), or, if they are shorter than
 * min_prompt_tokens or no prefill pool can serve them, to a decode replica, which then
 * does all.  (Who comes with output from a replica that failed has that to compute, too.)
 * Splitwise (Patel et al., ISCA 2024, its cluster-level scheduler): a prompt goes
 * to the prefill machine with the fewest prompt tokens pending, unless those are more than
 * overflow_tokens, then to a mixed machine (role both) on the same terms, then to the least
 * loaded decode machine.  An output goes to a decode machine that has blocks for it now,
 * else to a mixed one that has, else it stays on its prefill machine; where that cannot
 * be (preempt = none), it waits at a decode machine.
 */
#ifndef SERVESIM_ENGINE_TRANSFER_ROUTE_H
#define SERVESIM_ENGINE_TRANSFER_ROUTE_H

#include <stdint.h>

#include "engine/transfer.h"

enum { TRANSFER_ROUTE_STAYS = -2 };

/* Output tokens that a replica of the pool writes of a request with so many. */
int64_t transfer_route_part(const struct transfers *transfers, const struct pool *pool,
                            int64_t output_tokens);

/* Of the pools that could do their part of a request, those that come into question. */
uint64_t transfer_route_pools(const struct transfers *transfers, uint64_t pools);

/* The pools to one of which a request goes first. */
uint64_t transfer_route_wanted(const struct sim *sim, const struct request *request);

/* The replica that it goes to first; -1: none is ready. */
int32_t transfer_route_first(struct sim *sim, struct request *request);

/* The replica that answers a request whose prompt is computed; -1: none is ready; or
 * TRANSFER_ROUTE_STAYS. */
int32_t transfer_route_decode(struct sim *sim, struct request *request);

#endif
