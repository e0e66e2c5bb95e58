/* prefix: which KV blocks hold what, so that requests with a common beginning share them.
 *
 * The rules are those of vLLM v1.  What a full block of prompt holds is told by a hash of
 * the blocks before it and its own content; a table finds a block by it, however many
 * requests hold it.  Free blocks stand in a queue: new ones are taken at its head, which
 * is when what they held is forgotten, and come back to its tail, a request's last block
 * first.  A block that is wanted again leaves the queue.  Two copies of one content: the
 * table knows the first, the second is a block like any other.
 *
 * Only blocks in the table are nodes.  All others (partly full, with output, of prompts
 * that nobody shares, copies) are alike, and neighbours in the queue are one node with a
 * count.  A replica that never saw a prompt with an identity has no struct prefix at all.
 *
 * What a plan fills becomes known when all running requests have theirs, and then after
 * each one admitted: prefix_settle().  Blocks of an answer become known when its request
 * leaves, if its text goes on in it (vLLM knows them as they fill, so that who is preempted
 * finds those again, too).
 */
#ifndef SERVESIM_ENGINE_PREFIX_H
#define SERVESIM_ENGINE_PREFIX_H

#include <stdint.h>

#include "engine/prefix_chain.h"
#include "engine/tier.h"

struct prefix;

struct prefix *prefix_new(int64_t block_tokens, int64_t n_free);

/* What is forgotten from now on goes to the tiers, and may be found there. */
void prefix_offload(struct prefix *prefix, struct tier *tier);
void prefix_free(struct prefix *prefix); /* NULL is fine */

/* Takes free blocks from the head of the queue; and gives blocks that only one held. */
void prefix_take(struct prefix *prefix, int64_t n_blocks);
void prefix_give(struct prefix *prefix, int64_t n_blocks);

/* Takes blocks for a step that may not come: until something else wants to know, they can
 * be put back where they were. */
void prefix_take_ahead(struct prefix *prefix, int64_t n_blocks);
void prefix_put_back(struct prefix *prefix, int64_t n_blocks);

/* Fills n_hits and n_free_hits of a chain that holds nothing: the longest row of known
 * blocks from its first on, `most_blocks` at most; and what tiers have behind them. */
void prefix_find(struct prefix *prefix, struct prefix_chain *chain,
                 int64_t most_blocks);

/* The chain takes what was found: n_free_hits blocks leave the queue.  What is fetched
 * fills n_fetches blocks that its request takes besides. */
void prefix_hold(struct prefix *prefix, struct prefix_chain *chain);

/* The chain's request has `tokens` tokens in the blocks it holds. */
void prefix_fill(struct prefix *prefix, struct prefix_chain *chain, int64_t tokens);

/* The same at its end: blocks of the answer can be known, too, if the text goes on there. */
void prefix_fill_answer(struct prefix *prefix, struct prefix_chain *chain,
                        int64_t tokens);

/* Makes known what was filled. */
void prefix_settle(struct prefix *prefix);

/* The chain gives its known blocks, the last one first; how many of them are free now. */
int64_t prefix_release(struct prefix *prefix, struct prefix_chain *chain);

/* Blocks that can be taken before anything is forgotten. */
int64_t prefix_blank(const struct prefix *prefix);

/* Aborts unless the queue holds n_free blocks; how many blocks are held through the table,
 * and how often in all. */
void prefix_verify(const struct prefix *prefix, int64_t n_free, int64_t *n_held,
                   int64_t *n_shares);

#endif
