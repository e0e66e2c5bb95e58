/* reuse: how much of the prompts a prefix cache could find, by its size.
 *
 * Prompts are lists of blocks; equal ids are equal content with equal content before it.
 * A request's hits are its blocks, from the first on, that are cached when it comes; then
 * all its blocks are cached, the last one touched first, so that of one prompt the end is
 * forgotten before the beginning.  A cache of n blocks keeps the n touched last (LRU).  No
 * time passes: a prompt is there for whoever comes next, outputs are not cached, and nobody
 * waits or holds blocks.
 *
 * LRU caches contain each other, so one pass serves all sizes: a block is a hit in those
 * that are at least as large as the number of blocks touched since it was.  These are
 * counted in a Fenwick tree, O(log n) per block.  Of the LRU rules tried this one gives the
 * reference figures of Mooncake's traces to the last decimal (tests/golden/test_reuse.py);
 * touching the first block first gives up to 0.3 points less.
 */
#ifndef SERVESIM_STUDY_REUSE_H
#define SERVESIM_STUDY_REUSE_H

#include <stdint.h>

/* A prompt; the last block may be cut off. */
struct reuse_prompt {
    const uint64_t *blocks;
    int64_t n_blocks;
    int64_t block_tokens;
    int64_t prompt_tokens;
    int64_t most_hits; /* so many blocks at most are looked for */
};

/* Zeroed it is empty and ready. */
struct reuse {
    int64_t n_requests;
    int64_t n_blocks;
    int64_t n_tokens;
    int64_t n_unique;
    int64_t hit_blocks; /* of a cache that forgets nothing */
    int64_t hit_tokens;
    struct reuse_index *index;
};

/* The next request's prompt. */
void reuse_add(struct reuse *reuse, const struct reuse_prompt *prompt);

/* The hits of a cache of so many blocks. */
void reuse_within(const struct reuse *reuse, int64_t cache_blocks, int64_t *hit_blocks,
                  int64_t *hit_tokens);

void reuse_free(struct reuse *reuse);

#endif
