#include "engine/prefix_index.h"
#include "policy/policy.h"

#include <stdlib.h>

#include "base/wide.h"

/* The rules of SGLang's router, cache_aware.rs of 2025: where the fleet is out of balance
 * the least loaded replica gets the request; else who was last sent the longest known
 * beginning of its prompt, if that is more than a share of the prompt; else the least
 * loaded one.  Whoever gets it is remembered.  (SGLang compares characters, and breaks
 * ties of load by lot.) */

static void init(void *state, const struct route_config *config)
{
    prefix_index_init(state, (int32_t)config->prefix_index_blocks);
}

static void release(void *state)
{
    prefix_index_free(state);
}

static bool is_out_of_balance(const struct route_group *group)
{
    int64_t least = tournament_least(&group->least);
    int64_t most = -tournament_least(&group->most);
    return most - least > group->config->balance_abs &&
           (wide)most * 1000000000 > (wide)group->config->balance_rel_nano * least;
}

/* Whose cache holds enough of the prompt, as far as the router remembers; -1: nobody's. */
static int32_t find(const struct prefix_index *index, const struct route_group *group,
                    const struct prefix_chain *prompt)
{
    const struct route_config *config = group->config;
    int32_t place = -1;
    int64_t n_blocks =
        prefix_index_match(index, prompt->hashes, prompt->n_full, &place);
    wide tokens = (wide)n_blocks * config->prefix_block_tokens;
    bool is_enough = tokens * 1000000000 >
                     (wide)config->cache_threshold_nano * prompt->prompt_tokens;
    return is_enough && group->is_ready[place] ? place : -1;
}

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    struct prefix_index *index = state;
    if (query->chain == NULL) {
        return route_first(group);
    }
    /* the same prompt, in the router's blocks */
    struct prefix_chain prompt = {.parts = query->chain->parts,
                                  .n_parts = query->chain->n_parts,
                                  .prompt_tokens = query->chain->prompt_tokens,
                                  .text_tokens = query->chain->text_tokens,
                                  .salt = query->chain->salt};
    prefix_chain_hash(&prompt, group->config->prefix_block_tokens);
    int32_t place = is_out_of_balance(group) ? -1 : find(index, group, &prompt);
    if (place < 0) {
        place = route_first(group);
    }
    prefix_index_insert(index, prompt.hashes, prompt.n_full, place);
    free(prompt.hashes);
    free(prompt.blocks);
    return place;
}

const struct route_ops route_prefix_affinity = {
    .name = "prefix_affinity",
    .help =
        "sends a request where prompts with its beginning went, unless loads are too "
        "uneven (SGLang's router)",
    .state_size = sizeof(struct prefix_index),
    .init = init,
    .free = release,
    .key = route_requests,
    .wants_most = true,
    .pick = pick,
};
