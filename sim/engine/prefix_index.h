/* prefix_index: which replica was last sent a prompt that begins like this.
 *
 * What a gateway remembers without asking anybody: for the hash of each block of the
 * prompts it has sent (engine/prefix_chain.h: it stands for all blocks before it, too), the
 * replica that got the last of them.  It holds so many blocks at most, and forgets those
 * that were not sent for longest, the end of a prompt before its beginning.  It does not
 * know what replicas themselves have forgotten.
 */
#ifndef SERVESIM_ENGINE_PREFIX_INDEX_H
#define SERVESIM_ENGINE_PREFIX_INDEX_H

#include <stdint.h>

struct prefix_index_block;

struct prefix_index {
    struct prefix_index_block *blocks; /* those of the table, then spare ones */
    int32_t *buckets;                  /* -1: empty */
    int32_t n_buckets;                 /* a power of two */
    int32_t room;                      /* of `blocks` */
    int32_t n;
    int32_t most_blocks;
    int32_t oldest; /* the two ends of a list by time; -1: none */
    int32_t newest;
};

void prefix_index_init(struct prefix_index *index, int32_t most_blocks);
void prefix_index_free(struct prefix_index *index);

/* How many of the hashes are known, from the first on; *replica was last sent the last of
 * these (untouched if there is none). */
int64_t prefix_index_match(const struct prefix_index *index, const uint64_t *hashes,
                           int64_t n_hashes, int32_t *replica);

/* A prompt with these hashes goes to the replica.  Of one with more blocks than the table
 * may have only the first ones are kept. */
void prefix_index_insert(struct prefix_index *index, const uint64_t *hashes,
                         int64_t n_hashes, int32_t replica);

/* Aborts unless table and list hold the same blocks. */
void prefix_index_verify(const struct prefix_index *index);

#endif
