/* prefix_chain: what a prompt holds, block by block, as far as others may share it.
 *
 * A prompt is parts of texts; two prompts that begin with the same parts share their
 * blocks up to the first that differs (engine/prefix.h).  Where the parts hold more tokens
 * than the prompt, the answer is how the text goes on: a later prompt may begin with it.
 */
#ifndef SERVESIM_ENGINE_PREFIX_CHAIN_H
#define SERVESIM_ENGINE_PREFIX_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

/* The next `tokens` of a prompt are the first ones of the text `id`. */
struct prefix_part {
    int64_t id;
    int64_t tokens;
};

struct prefix_node;

/* A prompt, block by block.  It lives as long as its request. */
struct prefix_chain {
    struct prefix_part *parts;
    int64_t n_parts;
    int64_t prompt_tokens;
    int64_t text_tokens;         /* of all parts */
    uint64_t salt;               /* no block is like one under another */
    uint64_t *hashes;            /* made when first needed */
    struct prefix_node **blocks; /* the first n_known it holds; NULL: only its own */
    int64_t n_full;              /* blocks that have a hash */
    int64_t n_known;
    int64_t n_due; /* blocks it has filled; those from n_known on are not known yet */
    bool is_due;
    struct prefix_chain *next_due;
    int64_t version; /* of the table when the next four were found */
    int64_t n_hits;
    int64_t n_free_hits; /* those that nobody holds: they count against free blocks */
    int64_t n_beyond;    /* blocks behind the hits that tiers have: engine/tier.h */
    int64_t n_fetches;   /* of these, those to be fetched: all or none */
};

/* Takes over `parts`, which must be malloc'ed. */
struct prefix_chain *prefix_chain_new(struct prefix_part *parts, int64_t n_parts,
                                      int64_t prompt_tokens);
/* The same prompt, of which no cache knows anything yet. */
struct prefix_chain *prefix_chain_copy(const struct prefix_chain *chain);
void prefix_chain_free(struct prefix_chain *chain); /* NULL is fine */

/* Nothing it was told of a cache is true any more: it holds nothing, and may come to a cache
 * with other blocks.  NULL is fine. */
void prefix_chain_forget(struct prefix_chain *chain);

/* Under another number than 0 no block is like one under a different number, whatever stands
 * in it: keys and values are those of an adapter.  Before prefix_chain_hash(). */
void prefix_chain_mark(struct prefix_chain *chain, int64_t number);

/* Works out the hash of every full block of the prompt, once: it is of what stands in the
 * block, as pieces of texts, and of the blocks before it. */
void prefix_chain_hash(struct prefix_chain *chain, int64_t block_tokens);

/* The same for the full blocks of the first `tokens` tokens of prompt and answer, if the
 * text goes on there; false if it does not. */
bool prefix_chain_go_on(struct prefix_chain *chain, int64_t tokens,
                        int64_t block_tokens);

/* Blocks the chain holds that others can hold, too. */
int64_t prefix_chain_shares(const struct prefix_chain *chain);

#endif
