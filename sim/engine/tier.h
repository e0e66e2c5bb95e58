/* tier: host memory and disk behind a replica's prefix cache (`[offload]`).
 *
 * What the prefix cache of the GPUs forgets (engine/prefix.h), block by block in the order
 * in which it does, goes to host memory; what that pushes out, the block that arrived or
 * was fetched longest ago, goes to disk; what the disk pushes out is gone.  A tier without
 * blocks passes on what comes.  What a tier has already only becomes its youngest: nothing
 * is written.  Writing takes no time, for copies run beside the steps.
 *
 * At an admission the row of known blocks on the GPUs may go on in the tiers: each next
 * full block of the prompt that host memory or disk has (host memory first), until one is
 * in neither.  They are fetched all or none: `always`, `never`, or, `cheaper`, if that takes
 * less time than a step with nothing but those tokens, computed behind what was found.
 * Fetched blocks take free blocks of the GPUs, count as found in the cache, and are known
 * there to whoever is admitted next.  They stay in their tiers, as vLLM's offloading and
 * LMCache have it, as the youngest, in the row's order; those from disk do not go to host
 * memory before the GPUs forget them again.  The step of the plan lasts longer, for each
 * admission and each tier that it fetches from, by `latency` and by the blocks' time, as it
 * does by blocks that are swapped in (engine/swap.h).
 *
 * Space for swapped sequences is another (`swap_blocks`).
 */
#ifndef SERVESIM_ENGINE_TIER_H
#define SERVESIM_ENGINE_TIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"
#include "engine/prefix_chain.h"
#include "engine/tier_store.h"
#include "model/cost.h"

enum tier_kind { TIER_HOST, TIER_DISK, N_TIERS };

enum tier_fetching { TIER_ALWAYS, TIER_NEVER, TIER_CHEAPER };

/* What [offload] says, for every replica. */
struct tier_config {
    struct tier_level_config {
        int64_t bytes;    /* of all GPUs of a sequence together */
        int64_t n_blocks; /* instead; 0 both: there is no such tier */
        int64_t bytes_per_s;
        int64_t block_fs; /* 0: from bytes_per_s */
        int64_t latency_fs;
    } levels[N_TIERS];
    int64_t fetch; /* enum tier_fetching */
};

/* The same in blocks and femtoseconds. */
struct tier_limits {
    struct tier_level {
        int64_t most_blocks;
        int64_t block_fs;
        int64_t latency_fs;
    } levels[N_TIERS];
    enum tier_fetching fetch;
};

/* What has to be known of a block; block_bytes 0: how large it is is not. */
struct tier_block_size {
    int64_t block_bytes; /* of one GPU */
    int64_t n_gpus;      /* that hold a part of it */
};

/* Works the limits out; -1 if a size cannot be turned into blocks. */
int tier_limit(struct tier_limits *limits, const struct tier_config *config,
               const struct tier_block_size *size, struct err *err);

struct tier {
    const struct tier_limits *limits;
    const struct cost *cost;
    int64_t block_tokens;
    struct tier_store stores[N_TIERS];
    wide fetch_fs; /* of this plan */
    int64_t n_fetched[N_TIERS];
    int64_t n_offloaded; /* blocks that the GPUs forgot and a tier has written */
    int64_t n_spilled; /* blocks that host memory pushed out and the disk has written */
};

void tier_init(struct tier *tier, const struct tier_limits *limits,
               const struct cost *cost, int64_t block_tokens);
void tier_free(struct tier *tier);

/* Whether there is any. */
bool tier_exists(const struct tier *tier);

/* The GPUs have forgotten the block. */
void tier_take(struct tier *tier, uint64_t hash);

/* Fills n_beyond and n_fetches of a chain whose n_hits are known, for its first
 * `most_blocks` blocks. */
void tier_find(const struct tier *tier, struct prefix_chain *chain,
               int64_t most_blocks);

/* Fetches what was found. */
void tier_fetch(struct tier *tier, const struct prefix_chain *chain);

/* Aborts unless every tier holds each of its blocks once, and has room for them. */
void tier_verify(const struct tier *tier);

#endif
