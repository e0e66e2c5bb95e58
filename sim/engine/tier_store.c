#include "engine/tier_store.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

struct tier_block {
    uint64_t hash;
    struct tier_block *before; /* the next older one */
    struct tier_block *next;
    struct tier_block *next_in_bucket;
};

void tier_store_free(struct tier_store *store)
{
    for (struct tier_block *block = store->first; block != NULL;) {
        struct tier_block *next = block->next;
        free(block);
        block = next;
    }
    free(store->buckets);
}

/* Where the table has the hash, or NULL's place at the end of the bucket. */
static struct tier_block **find(const struct tier_store *store, uint64_t hash)
{
    struct tier_block **at = &store->buckets[hash & (uint64_t)(store->n_buckets - 1)];
    while (*at != NULL && (*at)->hash != hash) {
        at = &(*at)->next_in_bucket;
    }
    return at;
}

static void grow(struct tier_store *store)
{
    enum { FIRST_BUCKETS = 1024 };
    free(store->buckets);
    store->n_buckets = store->n_buckets > 0 ? 2 * store->n_buckets : FIRST_BUCKETS;
    store->buckets = memory_new((size_t)store->n_buckets, sizeof(struct tier_block *));
    for (struct tier_block *block = store->first; block != NULL; block = block->next) {
        block->next_in_bucket = NULL;
        *find(store, block->hash) = block;
    }
}

static void append(struct tier_store *store, struct tier_block *block)
{
    block->before = store->last;
    block->next = NULL;
    *(store->last != NULL ? &store->last->next : &store->first) = block;
    store->last = block;
}

static void unlink_block(struct tier_store *store, struct tier_block *block)
{
    *(block->before != NULL ? &block->before->next : &store->first) = block->next;
    *(block->next != NULL ? &block->next->before : &store->last) = block->before;
}

bool tier_store_has(const struct tier_store *store, uint64_t hash)
{
    return store->n > 0 && *find(store, hash) != NULL;
}

bool tier_store_touch(struct tier_store *store, uint64_t hash)
{
    if (!tier_store_has(store, hash)) {
        return false;
    }
    struct tier_block *block = *find(store, hash);
    unlink_block(store, block);
    append(store, block);
    return true;
}

void tier_store_add(struct tier_store *store, uint64_t hash)
{
    CHECK(store->n < store->most);
    if (store->n == store->n_buckets) {
        grow(store);
    }
    struct tier_block **at = find(store, hash);
    CHECK(*at == NULL);
    *at = memory_new(1, sizeof **at);
    (*at)->hash = hash;
    append(store, *at);
    store->n++;
}

uint64_t tier_store_pop(struct tier_store *store)
{
    struct tier_block *block = store->first;
    CHECK(block != NULL);
    uint64_t hash = block->hash;
    *find(store, hash) = block->next_in_bucket;
    unlink_block(store, block);
    free(block);
    store->n--;
    return hash;
}

void tier_store_verify(const struct tier_store *store)
{
    int64_t n = 0;
    const struct tier_block *before = NULL;
    for (const struct tier_block *block = store->first; block != NULL;
         before = block, block = block->next, n++) {
        /* who is found by its hash is there once */
        CHECK(block->before == before && *find(store, block->hash) == block);
    }
    CHECK(before == store->last && n == store->n && n <= store->most);
}
