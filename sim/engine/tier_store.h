/* tier_store: a set of blocks, by the hash of what they hold, that forgets the oldest.
 *
 * A block is as old as its last arrival or use; who arrives where there is no more room
 * pushes the oldest out.
 */
#ifndef SERVESIM_ENGINE_TIER_STORE_H
#define SERVESIM_ENGINE_TIER_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct tier_block;

/* Zeroed but for `most` it is empty and ready. */
struct tier_store {
    int64_t most; /* blocks; 0: it takes none */
    int64_t n;
    struct tier_block *first; /* the oldest */
    struct tier_block *last;
    struct tier_block **buckets;
    int64_t n_buckets; /* a power of two, or 0 */
};

void tier_store_free(struct tier_store *store);

bool tier_store_has(const struct tier_store *store, uint64_t hash);

/* The block becomes the youngest; false if it is not there. */
bool tier_store_touch(struct tier_store *store, uint64_t hash);

/* Takes a block that is not there, into room that is. */
void tier_store_add(struct tier_store *store, uint64_t hash);

/* Takes the oldest block out of a store that is not empty. */
uint64_t tier_store_pop(struct tier_store *store);

/* Aborts unless every block is there once, and no more than there is room for. */
void tier_store_verify(const struct tier_store *store);

#endif
