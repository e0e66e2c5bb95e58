/* kv: the paged KV cache of one replica.
 *
 * Blocks are counted, not addressed, except those that requests may share: which is which
 * is known to engine/prefix.h, if any request ever had a prompt with an identity.
 * Blocks that somebody holds and blocks free, whatever these still remember, always sum
 * to the total; who holds how many is the requests' affair (request.h), and the decoding
 * group's (residues).
 */
#ifndef SERVESIM_ENGINE_KV_H
#define SERVESIM_ENGINE_KV_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "engine/prefix.h"

struct kv {
    int64_t block_tokens;
    int64_t total_blocks; /* less the null block, which nobody holds */
    int64_t free_blocks;
    struct prefix *prefix; /* NULL: blocks are all alike */
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
    if (kv->prefix != NULL) {
        prefix_take(kv->prefix, n_blocks);
    }
}

/* Takes blocks for the next step, which kv_put_back() may find not to come. */
static inline void kv_take_ahead(struct kv *kv, int64_t n_blocks)
{
    CHECK(n_blocks >= 0 && n_blocks <= kv->free_blocks);
    kv->free_blocks -= n_blocks;
    if (kv->prefix != NULL) {
        prefix_take_ahead(kv->prefix, n_blocks);
    }
}

static inline void kv_put_back(struct kv *kv, int64_t n_blocks)
{
    kv->free_blocks += n_blocks;
    CHECK(n_blocks >= 0 && kv->free_blocks <= kv->total_blocks);
    if (kv->prefix != NULL) {
        prefix_put_back(kv->prefix, n_blocks);
    }
}

/* Takes the known blocks that were found for the chain. */
static inline void kv_hold(struct kv *kv, struct prefix_chain *chain)
{
    CHECK(chain->n_free_hits <= kv->free_blocks);
    kv->free_blocks -= chain->n_free_hits;
    prefix_hold(kv->prefix, chain);
}

/* Gives back the blocks of a request, the last one first: those with output, then those
 * of its chain, if it has one. */
static inline void kv_give(struct kv *kv, int64_t n_blocks, struct prefix_chain *chain)
{
    int64_t n_known = chain != NULL ? chain->n_known : 0;
    CHECK(n_blocks >= n_known);
    kv->free_blocks += n_blocks - n_known;
    if (kv->prefix != NULL) {
        prefix_give(kv->prefix, n_blocks - n_known);
    }
    if (chain != NULL) {
        kv->free_blocks += prefix_release(kv->prefix, chain);
    }
    CHECK(kv->free_blocks <= kv->total_blocks);
}

#endif
