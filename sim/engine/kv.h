/* kv: the paged KV cache of one replica.
 *
 * Blocks are counted, not addressed: no policy here can tell one block from another.
 * Blocks held by requests and blocks free always sum to the total; who holds how many is
 * the requests' affair (request.h), and the decoding group's (residues).
 */
#ifndef SERVESIM_ENGINE_KV_H
#define SERVESIM_ENGINE_KV_H

#include <stdint.h>

#include "base/check.h"

struct kv {
    int64_t block_tokens;
    int64_t total_blocks; /* less the null block, which nobody holds */
    int64_t free_blocks;
};

/* Blocks that `tokens` tokens fill: ceil(tokens / block_tokens). */
static inline int64_t kv_blocks(const struct kv *kv, int64_t tokens)
{
    return (tokens + kv->block_tokens - 1) / kv->block_tokens;
}

/* Blocks that somebody holds. */
static inline int64_t kv_used(const struct kv *kv)
{
    return kv->total_blocks - kv->free_blocks;
}

/* Takes blocks that must be free. */
static inline void kv_take(struct kv *kv, int64_t n_blocks)
{
    CHECK(n_blocks >= 0 && n_blocks <= kv->free_blocks);
    kv->free_blocks -= n_blocks;
}

/* Gives blocks back. */
static inline void kv_give(struct kv *kv, int64_t n_blocks)
{
    kv->free_blocks += n_blocks;
    CHECK(n_blocks >= 0 && kv->free_blocks <= kv->total_blocks);
}

#endif
