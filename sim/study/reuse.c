#include "study/reuse.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A block that was seen. */
struct block {
    uint64_t id;
    int64_t position; /* of its last touch in the row of touches; 0: being made */
};

/* Hits of caches of at least so many blocks as its place in the list says. */
struct hits {
    int64_t n_blocks;
    int64_t n_tokens;
};

struct reuse_index {
    struct block *blocks;
    struct hits *hits; /* by distance, from 1 to the number of blocks */
    int64_t room;      /* for blocks, half as many as slots */
    int64_t *slots;    /* of a hash table: a block's number + 1, or 0 */
    int64_t *tree;     /* Fenwick: how many positions are some block's last touch */
    int64_t *owners;   /* by position: the block's number, -1 if it was touched again */
    int64_t n_positions;
    int64_t next_position; /* they begin with 1 */
};

enum { FIRST_ROOM = 1024 };

static struct reuse_index *new_index(void)
{
    struct reuse_index *index = memory_new(1, sizeof *index);
    index->room = FIRST_ROOM;
    index->blocks = memory_new(FIRST_ROOM, sizeof *index->blocks);
    index->hits = memory_new(FIRST_ROOM + 1, sizeof *index->hits);
    index->slots = memory_new(2 * (size_t)FIRST_ROOM, sizeof *index->slots);
    index->next_position = 1;
    return index;
}

/* Where the table has the id, or the empty slot for it.  Multiplying by 2^64 / golden ratio
 * spreads neighbouring ids (Knuth). */
static int64_t *find(const struct reuse_index *index, uint64_t id)
{
    uint64_t mask = 2 * (uint64_t)index->room - 1;
    uint64_t at = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
    while (index->slots[at & mask] != 0 &&
           index->blocks[index->slots[at & mask] - 1].id != id) {
        at++;
    }
    return &index->slots[at & mask];
}

static void grow(struct reuse_index *index, int64_t n_unique)
{
    size_t room = 2 * (size_t)index->room;
    index->blocks = memory_grow(index->blocks, room, sizeof *index->blocks);
    index->hits = memory_grow(index->hits, room + 1, sizeof *index->hits);
    memset(index->hits + index->room + 1, 0, (size_t)index->room * sizeof *index->hits);
    free(index->slots);
    index->slots = memory_new(2 * room, sizeof *index->slots);
    index->room = (int64_t)room;
    for (int64_t i = 0; i < n_unique; i++) {
        *find(index, index->blocks[i].id) = i + 1;
    }
}

/* In a Fenwick tree i & -i, the lowest bit of i, is how many positions tree[i] sums up. */
static void mark(struct reuse_index *index, int64_t position, int64_t change)
{
    for (int64_t i = position; i <= index->n_positions; i += i & -i) {
        index->tree[i] += change;
    }
}

static int64_t marked_until(const struct reuse_index *index, int64_t position)
{
    int64_t sum = 0;
    for (int64_t i = position; i > 0; i -= i & -i) {
        sum += index->tree[i];
    }
    return sum;
}

/* Numbers the last touches anew, from 1, when positions have run out. */
static void renumber(struct reuse_index *index, int64_t n_unique)
{
    int64_t n = 2 * n_unique + FIRST_ROOM;
    int64_t *owners = memory_new((size_t)n + 1, sizeof *owners);
    int64_t next = 1;
    for (int64_t i = 1; i < index->next_position; i++) {
        int64_t owner = index->owners[i];
        if (owner >= 0) {
            index->blocks[owner].position = next;
            owners[next++] = owner;
        }
    }
    free(index->owners);
    free(index->tree);
    index->owners = owners;
    index->tree = memory_new((size_t)n + 1, sizeof *index->tree);
    index->n_positions = n;
    index->next_position = next;
    for (int64_t i = 1; i < next; i++) {
        mark(index, i, 1);
    }
}

static void touch(struct reuse *reuse, uint64_t id)
{
    struct reuse_index *index = reuse->index;
    int64_t *slot = find(index, id);
    if (*slot == 0) {
        if (reuse->n_unique == index->room) {
            grow(index, reuse->n_unique);
            slot = find(index, id);
        }
        index->blocks[reuse->n_unique] = (struct block){.id = id};
        *slot = ++reuse->n_unique;
    }
    int64_t number = *slot - 1;
    struct block *block = &index->blocks[number];
    if (block->position > 0) {
        mark(index, block->position, -1);
        index->owners[block->position] = -1;
    }
    if (index->next_position > index->n_positions) {
        renumber(index, reuse->n_unique);
    }
    block->position = index->next_position++;
    index->owners[block->position] = number;
    mark(index, block->position, 1);
}

/* The blocks touched since this one was, itself included; -1 if it was never seen. */
static int64_t distance_of(const struct reuse *reuse, uint64_t id)
{
    int64_t slot = *find(reuse->index, id);
    if (slot == 0) {
        return -1;
    }
    int64_t position = reuse->index->blocks[slot - 1].position;
    return reuse->n_unique - marked_until(reuse->index, position) + 1;
}

static void count_hits(struct reuse *reuse, const struct reuse_prompt *prompt)
{
    int64_t needed = 0; /* blocks in the cache, for a hit so far */
    int64_t left = prompt->prompt_tokens;
    for (int64_t i = 0; i < prompt->n_blocks && i < prompt->most_hits; i++) {
        int64_t distance = distance_of(reuse, prompt->blocks[i]);
        int64_t tokens = left < prompt->block_tokens ? left : prompt->block_tokens;
        if (distance < 0) {
            return;
        }
        needed = distance > needed ? distance : needed;
        reuse->index->hits[needed].n_blocks++;
        reuse->index->hits[needed].n_tokens += tokens;
        reuse->hit_blocks++;
        reuse->hit_tokens += tokens;
        left -= tokens;
    }
}

void reuse_add(struct reuse *reuse, const struct reuse_prompt *prompt)
{
    if (reuse->index == NULL) {
        reuse->index = new_index();
    }
    count_hits(reuse, prompt);
    for (int64_t i = prompt->n_blocks; i-- > 0;) {
        touch(reuse, prompt->blocks[i]);
    }
    reuse->n_requests++;
    reuse->n_blocks += prompt->n_blocks;
    reuse->n_tokens += prompt->prompt_tokens;
}

void reuse_within(const struct reuse *reuse, int64_t cache_blocks, int64_t *hit_blocks,
                  int64_t *hit_tokens)
{
    *hit_blocks = 0;
    *hit_tokens = 0;
    for (int64_t i = 1; i <= cache_blocks && i <= reuse->n_unique; i++) {
        *hit_blocks += reuse->index->hits[i].n_blocks;
        *hit_tokens += reuse->index->hits[i].n_tokens;
    }
}

void reuse_free(struct reuse *reuse)
{
    struct reuse_index *index = reuse->index;
    if (index != NULL) {
        free(index->blocks);
        free(index->hits);
        free(index->slots);
        free(index->tree);
        free(index->owners);
        free(index);
    }
    *reuse = (struct reuse){0};
}
