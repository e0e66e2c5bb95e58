#include "engine/prefix.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

struct prefix_node {
    uint64_t hash;
    bool is_known; /* a block of the table; otherwise a run of blocks like any other */
    int64_t n;     /* its holders; of a run, its blocks */
    struct prefix_node *next; /* in the queue, if nobody holds it */
    struct prefix_node *before;
    struct prefix_node *next_in_bucket;
};

struct prefix {
    int64_t block_tokens;
    struct tier *tier;         /* NULL: none */
    struct prefix_node *first; /* the queue */
    struct prefix_node *last;
    int64_t n_ahead; /* taken, and still in the queue */
    struct prefix_node **buckets;
    int64_t n_buckets; /* a power of two */
    int64_t n_known;
    struct prefix_node *spare; /* nodes to use again, through `next` */
    struct prefix_chain *first_due;
    struct prefix_chain *last_due;
    int64_t version; /* grows whenever a hit may have become another */
};

/* A node of the store; everything in it is the caller's to set. */
static struct prefix_node *new_node(struct prefix *prefix)
{
    struct prefix_node *node = prefix->spare;
    if (node == NULL) {
        return memory_new(1, sizeof *node);
    }
    prefix->spare = node->next;
    return node;
}

static void drop_node(struct prefix *prefix, struct prefix_node *node)
{
    node->next = prefix->spare;
    prefix->spare = node;
}

static void insert(struct prefix *prefix, struct prefix_node *node,
                   struct prefix_node *before, struct prefix_node *next)
{
    node->before = before;
    node->next = next;
    *(before != NULL ? &before->next : &prefix->first) = node;
    *(next != NULL ? &next->before : &prefix->last) = node;
}

static void unlink_node(struct prefix *prefix, struct prefix_node *node)
{
    *(node->before != NULL ? &node->before->next : &prefix->first) = node->next;
    *(node->next != NULL ? &node->next->before : &prefix->last) = node->before;
}

/* Takes a known block out of the queue; the runs beside it become one. */
static void leave_queue(struct prefix *prefix, struct prefix_node *node)
{
    struct prefix_node *before = node->before;
    struct prefix_node *next = node->next;
    unlink_node(prefix, node);
    if (before != NULL && next != NULL && !before->is_known && !next->is_known) {
        before->n += next->n;
        unlink_node(prefix, next);
        drop_node(prefix, next);
    }
}

/* Puts alike blocks beside the queue's end `at`: its first or its last node. */
static void add_run(struct prefix *prefix, int64_t n_blocks, bool at_head)
{
    struct prefix_node *end = at_head ? prefix->first : prefix->last;
    if (n_blocks == 0) {
        return;
    }
    if (end != NULL && !end->is_known) {
        end->n += n_blocks;
        return;
    }
    struct prefix_node *node = new_node(prefix);
    node->is_known = false;
    node->n = n_blocks;
    insert(prefix, node, at_head ? NULL : end, at_head ? end : NULL);
}

struct prefix *prefix_new(int64_t block_tokens, int64_t n_free)
{
    enum { BUCKETS = 1024 };
    struct prefix *prefix = memory_new(1, sizeof *prefix);
    prefix->block_tokens = block_tokens;
    prefix->n_buckets = BUCKETS;
    prefix->buckets = memory_new(BUCKETS, sizeof(struct prefix_node *));
    prefix->version = 1;
    add_run(prefix, n_free, true);
    return prefix;
}

void prefix_offload(struct prefix *prefix, struct tier *tier)
{
    prefix->tier = tier;
}

static void free_nodes(struct prefix_node *node, bool of_queue)
{
    while (node != NULL) {
        struct prefix_node *next = node->next;
        if (!of_queue || !node->is_known) {
            free(node);
        }
        node = next;
    }
}

void prefix_free(struct prefix *prefix)
{
    if (prefix == NULL) {
        return;
    }
    free_nodes(prefix->first, true); /* the runs; blocks are in the table */
    free_nodes(prefix->spare, false);
    for (int64_t i = 0; i < prefix->n_buckets; i++) {
        for (struct prefix_node *node = prefix->buckets[i]; node != NULL;) {
            struct prefix_node *next = node->next_in_bucket;
            free(node);
            node = next;
        }
    }
    free(prefix->buckets);
    free(prefix);
}

/* Where the table has the hash, or NULL's place at the end of the bucket. */
static struct prefix_node **find(const struct prefix *prefix, uint64_t hash)
{
    struct prefix_node **at =
        &prefix->buckets[hash & (uint64_t)(prefix->n_buckets - 1)];
    while (*at != NULL && (*at)->hash != hash) {
        at = &(*at)->next_in_bucket;
    }
    return at;
}

static void grow(struct prefix *prefix)
{
    struct prefix_node **old = prefix->buckets;
    int64_t n_old = prefix->n_buckets;
    prefix->n_buckets *= 2;
    prefix->buckets =
        memory_new((size_t)prefix->n_buckets, sizeof(struct prefix_node *));
    for (int64_t i = 0; i < n_old; i++) {
        for (struct prefix_node *node = old[i]; node != NULL;) {
            struct prefix_node *next = node->next_in_bucket;
            node->next_in_bucket = NULL;
            *find(prefix, node->hash) = node;
            node = next;
        }
    }
    free(old);
}

/* What the first of the queue held is forgotten. */
static void forget(struct prefix *prefix, struct prefix_node *node)
{
    struct prefix_node **at = find(prefix, node->hash);
    CHECK(*at == node && node->n == 0);
    if (prefix->tier != NULL) {
        tier_take(prefix->tier, node->hash);
    }
    *at = node->next_in_bucket;
    prefix->n_known--;
    prefix->version++;
    unlink_node(prefix, node);
    drop_node(prefix, node);
}

void prefix_take(struct prefix *prefix, int64_t n_blocks)
{
    n_blocks += prefix->n_ahead;
    prefix->n_ahead = 0;
    while (n_blocks > 0) {
        struct prefix_node *node = prefix->first;
        CHECK(node != NULL);
        if (node->is_known) {
            forget(prefix, node);
            n_blocks--;
        } else if (node->n > n_blocks) {
            node->n -= n_blocks;
            n_blocks = 0;
        } else {
            n_blocks -= node->n;
            unlink_node(prefix, node);
            drop_node(prefix, node);
        }
    }
}

void prefix_give(struct prefix *prefix, int64_t n_blocks)
{
    add_run(prefix, n_blocks, false);
}

void prefix_take_ahead(struct prefix *prefix, int64_t n_blocks)
{
    prefix->n_ahead += n_blocks;
}

void prefix_put_back(struct prefix *prefix, int64_t n_blocks)
{
    int64_t n = n_blocks < prefix->n_ahead ? n_blocks : prefix->n_ahead;
    prefix->n_ahead -= n;
    /* the rest was taken before there was anything to forget */
    add_run(prefix, n_blocks - n, true);
}

void prefix_find(struct prefix *prefix, struct prefix_chain *chain, int64_t most_blocks)
{
    prefix_settle(prefix);
    CHECK(chain->n_known == 0);
    prefix_chain_hash(chain, prefix->block_tokens);
    if (chain->version == prefix->version) {
        return;
    }
    chain->version = prefix->version;
    chain->n_hits = 0;
    chain->n_free_hits = 0;
    while (chain->n_hits < chain->n_full && chain->n_hits < most_blocks) {
        const struct prefix_node *node = *find(prefix, chain->hashes[chain->n_hits]);
        if (node == NULL) {
            break;
        }
        chain->n_hits++;
        chain->n_free_hits += node->n == 0;
    }
    if (prefix->tier != NULL) {
        tier_find(prefix->tier, chain, most_blocks);
    }
}

void prefix_hold(struct prefix *prefix, struct prefix_chain *chain)
{
    CHECK(chain->version == prefix->version && chain->n_known == 0);
    for (int64_t i = 0; i < chain->n_hits; i++) {
        struct prefix_node *node = *find(prefix, chain->hashes[i]);
        if (node->n == 0) {
            leave_queue(prefix, node);
        }
        node->n++;
        chain->blocks[i] = node;
    }
    chain->n_known = chain->n_hits;
    chain->n_due = chain->n_hits;
    prefix->version += chain->n_free_hits > 0;
    if (chain->n_fetches > 0) {
        tier_fetch(prefix->tier, chain);
        prefix_fill(prefix, chain,
                    (chain->n_hits + chain->n_fetches) * prefix->block_tokens);
    }
}

void prefix_fill(struct prefix *prefix, struct prefix_chain *chain, int64_t tokens)
{
    int64_t n_blocks = tokens / prefix->block_tokens;
    chain->n_due = n_blocks < chain->n_full ? n_blocks : chain->n_full;
    if (chain->n_due == chain->n_known || chain->is_due) {
        return;
    }
    chain->is_due = true;
    chain->next_due = NULL;
    *(prefix->last_due != NULL ? &prefix->last_due->next_due : &prefix->first_due) =
        chain;
    prefix->last_due = chain;
}

void prefix_fill_answer(struct prefix *prefix, struct prefix_chain *chain,
                        int64_t tokens)
{
    if (prefix_chain_go_on(chain, tokens, prefix->block_tokens)) {
        prefix_fill(prefix, chain, tokens);
    }
}

/* Makes a block known, unless there is a copy that is; NULL then. */
static struct prefix_node *know(struct prefix *prefix, uint64_t hash)
{
    struct prefix_node **at = find(prefix, hash);
    if (*at != NULL) {
        return NULL;
    }
    struct prefix_node *node = new_node(prefix);
    *node = (struct prefix_node){.hash = hash, .is_known = true, .n = 1};
    *at = node;
    prefix->version++;
    if (++prefix->n_known > prefix->n_buckets) {
        grow(prefix);
    }
    return node;
}

void prefix_settle(struct prefix *prefix)
{
    prefix_take(prefix, 0);
    for (struct prefix_chain *chain = prefix->first_due; chain != NULL;
         chain = chain->next_due) {
        chain->is_due = false;
        while (chain->n_known < chain->n_due) {
            chain->blocks[chain->n_known] = know(prefix, chain->hashes[chain->n_known]);
            chain->n_known++;
        }
    }
    prefix->first_due = NULL;
    prefix->last_due = NULL;
}

/* Who gives way in the plan that filled its blocks fills nothing. */
static void withdraw(struct prefix *prefix, struct prefix_chain *chain)
{
    struct prefix_chain *before = NULL;
    struct prefix_chain *at = prefix->first_due;
    for (; at != chain; at = at->next_due) {
        before = at;
    }
    *(before != NULL ? &before->next_due : &prefix->first_due) = chain->next_due;
    prefix->last_due = prefix->last_due == chain ? before : prefix->last_due;
    chain->is_due = false;
}

int64_t prefix_release(struct prefix *prefix, struct prefix_chain *chain)
{
    int64_t n_freed = 0;
    if (chain->is_due) {
        withdraw(prefix, chain);
    }
    while (chain->n_known > 0) {
        struct prefix_node *node = chain->blocks[--chain->n_known];
        if (node == NULL) {
            add_run(prefix, 1, false);
            n_freed++;
        } else if (--node->n == 0) {
            insert(prefix, node, prefix->last, NULL);
            prefix->version++;
            n_freed++;
        }
    }
    chain->n_due = 0;
    chain->version = 0; /* the next time more of it may be looked for */
    return n_freed;
}

int64_t prefix_blank(const struct prefix *prefix)
{
    const struct prefix_node *first = prefix->first;
    int64_t n = first != NULL && !first->is_known ? first->n : 0;
    return n > prefix->n_ahead ? n - prefix->n_ahead : 0;
}

void prefix_verify(const struct prefix *prefix, int64_t n_free, int64_t *n_held,
                   int64_t *n_shares)
{
    int64_t n_queued = -prefix->n_ahead;
    int64_t n_known = 0;
    const struct prefix_node *before = NULL;
    for (const struct prefix_node *node = prefix->first; node != NULL;
         before = node, node = node->next) {
        CHECK(node->before == before);
        CHECK(node->is_known ? node->n == 0 : node->n > 0);
        CHECK(before == NULL || before->is_known || node->is_known);
        n_queued += node->is_known ? 1 : node->n;
        n_known += node->is_known;
    }
    CHECK(before == prefix->last && n_queued == n_free);
    *n_held = 0;
    *n_shares = 0;
    for (int64_t i = 0; i < prefix->n_buckets; i++) {
        for (const struct prefix_node *node = prefix->buckets[i]; node != NULL;
             node = node->next_in_bucket) {
            CHECK(node->is_known && *find(prefix, node->hash) == node);
            *n_held += node->n > 0;
            *n_shares += node->n;
        }
    }
    CHECK(n_known + *n_held == prefix->n_known);
}
