/* transfer_verify: what must be true of KV caches on their way, for sim_verify(). */
#ifndef SERVESIM_ENGINE_TRANSFER_VERIFY_H
#define SERVESIM_ENGINE_TRANSFER_VERIFY_H

#include <stdint.h>

struct replica;
struct sim;

/* Aborts if the replica's part of it is not as it should be; adds the blocks that it holds
 * for others than its scheduler, and how many of them it shares. */
void transfer_verify_replica(const struct replica *replica, int64_t *held_blocks,
                             int64_t *n_shares);

/* The same of the run: requests without a decode replica, links. */
void transfer_verify_run(const struct sim *sim);

#endif
