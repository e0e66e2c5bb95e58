#include "engine/prefix_chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct prefix_chain *prefix_chain_new(struct prefix_part *parts, int64_t n_parts,
                                      int64_t prompt_tokens)
{
    struct prefix_chain *chain = memory_new(1, sizeof *chain);
    chain->parts = parts;
    chain->n_parts = n_parts;
    chain->prompt_tokens = prompt_tokens;
    for (int64_t i = 0; i < n_parts; i++) {
        chain->text_tokens += parts[i].tokens;
    }
    return chain;
}

struct prefix_chain *prefix_chain_copy(const struct prefix_chain *chain)
{
    struct prefix_part *parts = memory_new((size_t)chain->n_parts, sizeof *parts);
    memcpy(parts, chain->parts, (size_t)chain->n_parts * sizeof *parts);
    struct prefix_chain *copy =
        prefix_chain_new(parts, chain->n_parts, chain->prompt_tokens);
    copy->salt = chain->salt;
    return copy;
}

void prefix_chain_free(struct prefix_chain *chain)
{
    if (chain != NULL) {
        free(chain->parts);
        free(chain->hashes);
        free(chain->blocks);
        free(chain);
    }
}

void prefix_chain_forget(struct prefix_chain *chain)
{
    if (chain == NULL) {
        return;
    }
    free(chain->hashes);
    free(chain->blocks);
    *chain = (struct prefix_chain){.parts = chain->parts,
                                   .n_parts = chain->n_parts,
                                   .prompt_tokens = chain->prompt_tokens,
                                   .text_tokens = chain->text_tokens};
}

int64_t prefix_chain_shares(const struct prefix_chain *chain)
{
    int64_t n = 0;
    for (int64_t i = 0; i < chain->n_known; i++) {
        n += chain->blocks[i] != NULL;
    }
    return n;
}

/* One round of SplitMix64's output function (Steele, Lea and Flood, OOPSLA 2014) over what
 * came before and the next value: every bit of either changes half of the result's. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    uint64_t z = hash + UINT64_C(0x9e3779b97f4a7c15) + value;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void prefix_chain_mark(struct prefix_chain *chain, int64_t number)
{
    chain->salt = number != 0 ? mix(0, (uint64_t)number) : 0;
}

/* The part in which the token `at` of the text stands, and how far into it. */
static const struct prefix_part *part_at(const struct prefix_chain *chain, int64_t *at)
{
    const struct prefix_part *part = chain->parts;
    while (*at >= part->tokens) {
        *at -= part->tokens;
        part++;
    }
    return part;
}

/* Hashes of the full blocks of so many tokens, behind those that are there. */
static void hash_until(struct prefix_chain *chain, int64_t tokens, int64_t block_tokens)
{
    int64_t n_before = chain->n_full;
    int64_t n_full =
        (tokens < chain->text_tokens ? tokens : chain->text_tokens) / block_tokens;
    if (chain->hashes != NULL && n_full <= n_before) {
        return;
    }
    size_t n = (size_t)n_full + 1; /* so that none is some, too */
    chain->hashes = memory_grow(chain->hashes, n, sizeof *chain->hashes);
    chain->blocks = memory_grow(chain->blocks, n, sizeof(struct prefix_node *));
    chain->n_full = n_full;
    if (n_full == n_before) {
        return;
    }
    uint64_t hash = n_before > 0 ? chain->hashes[n_before - 1] : chain->salt;
    int64_t at = n_before * block_tokens;
    const struct prefix_part *part = part_at(chain, &at);
    for (int64_t i = n_before; i < n_full; i++) {
        for (int64_t missing = block_tokens; missing > 0;) {
            int64_t rest = part->tokens - at;
            int64_t piece = rest < missing ? rest : missing;
            if (piece > 0) {
                hash = mix(mix(mix(hash, (uint64_t)part->id), (uint64_t)at),
                           (uint64_t)piece);
            }
            missing -= piece;
            at += piece;
            if (missing > 0) {
                part++;
                at = 0;
            }
        }
        chain->hashes[i] = hash;
    }
}

void prefix_chain_hash(struct prefix_chain *chain, int64_t block_tokens)
{
    if (chain->hashes == NULL) {
        hash_until(chain, chain->prompt_tokens, block_tokens);
    }
}

bool prefix_chain_go_on(struct prefix_chain *chain, int64_t tokens,
                        int64_t block_tokens)
{
    if (chain->text_tokens <= chain->prompt_tokens) {
        return false;
    }
    hash_until(chain, tokens, block_tokens);
    return true;
}
