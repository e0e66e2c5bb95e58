#include "engine/prefix_index.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

struct prefix_index_block {
    uint64_t hash;
    int32_t replica;
    int32_t next_in_bucket; /* all -1: none */
    int32_t older;
    int32_t newer;
};

static void empty_buckets(struct prefix_index *index, int32_t n_buckets)
{
    free(index->buckets);
    index->n_buckets = n_buckets;
    index->buckets = memory_new((size_t)n_buckets, sizeof *index->buckets);
    for (int32_t i = 0; i < n_buckets; i++) {
        index->buckets[i] = -1;
    }
}

void prefix_index_init(struct prefix_index *index, int32_t most_blocks)
{
    enum { BUCKETS = 64 };
    CHECK(most_blocks > 0 && most_blocks <= INT32_MAX / 4);
    *index =
        (struct prefix_index){.most_blocks = most_blocks, .oldest = -1, .newest = -1};
    empty_buckets(index, BUCKETS);
}

void prefix_index_free(struct prefix_index *index)
{
    free(index->blocks);
    free(index->buckets);
}

static int32_t *bucket_of(const struct prefix_index *index, uint64_t hash)
{
    return &index->buckets[hash & (uint64_t)(index->n_buckets - 1)];
}

static int32_t find(const struct prefix_index *index, uint64_t hash)
{
    int32_t at = *bucket_of(index, hash);
    while (at >= 0 && index->blocks[at].hash != hash) {
        at = index->blocks[at].next_in_bucket;
    }
    return at;
}

static void chain(struct prefix_index *index, int32_t at)
{
    int32_t *bucket = bucket_of(index, index->blocks[at].hash);
    index->blocks[at].next_in_bucket = *bucket;
    *bucket = at;
}

static void unchain(struct prefix_index *index, int32_t at)
{
    int32_t *link = bucket_of(index, index->blocks[at].hash);
    while (*link != at) {
        link = &index->blocks[*link].next_in_bucket;
    }
    *link = index->blocks[at].next_in_bucket;
}

static void leave_list(struct prefix_index *index, int32_t at)
{
    const struct prefix_index_block *block = &index->blocks[at];
    *(block->older >= 0 ? &index->blocks[block->older].newer : &index->oldest) =
        block->newer;
    *(block->newer >= 0 ? &index->blocks[block->newer].older : &index->newest) =
        block->older;
}

static void join_list(struct prefix_index *index, int32_t at)
{
    index->blocks[at].older = index->newest;
    index->blocks[at].newer = -1;
    *(index->newest >= 0 ? &index->blocks[index->newest].newer : &index->oldest) = at;
    index->newest = at;
}

/* A block for a new hash: one more, or the one that was not sent for longest. */
static int32_t new_block(struct prefix_index *index)
{
    if (index->n == index->most_blocks) {
        int32_t at = index->oldest;
        leave_list(index, at);
        unchain(index, at);
        return at;
    }
    if (index->n == index->room) {
        index->room = index->room * 2 + 64;
        index->blocks =
            memory_grow(index->blocks, (size_t)index->room, sizeof *index->blocks);
    }
    if (index->n == index->n_buckets) {
        empty_buckets(index, index->n_buckets * 2);
        for (int32_t i = 0; i < index->n; i++) {
            chain(index, i);
        }
    }
    return index->n++;
}

int64_t prefix_index_match(const struct prefix_index *index, const uint64_t *hashes,
                           int64_t n_hashes, int32_t *replica)
{
    int64_t n = 0;
    for (int32_t at; n < n_hashes && (at = find(index, hashes[n])) >= 0; n++) {
        *replica = index->blocks[at].replica;
    }
    return n;
}

void prefix_index_insert(struct prefix_index *index, const uint64_t *hashes,
                         int64_t n_hashes, int32_t replica)
{
    int64_t n = n_hashes < index->most_blocks ? n_hashes : index->most_blocks;
    for (int64_t i = n - 1; i >= 0; i--) { /* the beginning is the newest of all */
        int32_t at = find(index, hashes[i]);
        if (at >= 0) {
            leave_list(index, at);
        } else {
            at = new_block(index);
            index->blocks[at].hash = hashes[i];
            chain(index, at);
        }
        index->blocks[at].replica = replica;
        join_list(index, at);
    }
}

void prefix_index_verify(const struct prefix_index *index)
{
    int32_t n = 0;
    int32_t before = -1;
    for (int32_t at = index->oldest; at >= 0; at = index->blocks[at].newer, n++) {
        CHECK(index->blocks[at].older == before);
        CHECK(find(index, index->blocks[at].hash) == at);
        before = at;
    }
    CHECK(before == index->newest && n == index->n && n <= index->most_blocks);
}
