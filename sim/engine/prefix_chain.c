#include "engine/prefix_chain.h"

#include <stdlib.h>

#include "base/memory.h"

struct prefix_chain *prefix_chain_new(struct prefix_part *parts, int64_t n_parts,
                                      int64_t prompt_tokens)
{
    struct prefix_chain *chain = memory_new(1, sizeof *chain);
    chain->parts = parts;
    chain->n_parts = n_parts;
    chain->prompt_tokens = prompt_tokens;
    return chain;
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

void prefix_chain_hash(struct prefix_chain *chain, int64_t block_tokens)
{
    if (chain->hashes != NULL) {
        return;
    }
    int64_t left = 0;
    for (int64_t i = 0; i < chain->n_parts && left < chain->prompt_tokens; i++) {
        left += chain->parts[i].tokens;
    }
    left = left < chain->prompt_tokens ? left : chain->prompt_tokens;
    chain->n_full = left / block_tokens;
    size_t n = (size_t)chain->n_full + 1; /* so that none is some, too */
    chain->hashes = memory_new(n, sizeof *chain->hashes);
    chain->blocks = memory_new(n, sizeof(struct prefix_node *));
    uint64_t hash = 0;
    const struct prefix_part *part = chain->parts;
    int64_t at = 0; /* in the part */
    for (int64_t i = 0; i < chain->n_full; i++) {
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
