#include "engine/tier.h"

#include <inttypes.h>

#include "base/check.h"

static const char *const names[N_TIERS] = {"host", "disk"};

/* The blocks of one tier: a number, or as many as the memory holds. */
static int count_blocks(int64_t *n_blocks, const char *name,
                        const struct tier_level_config *config,
                        const struct tier_block_size *size, struct err *err)
{
    *n_blocks = config->n_blocks;
    if (config->bytes == 0) {
        return 0;
    }
    if (config->n_blocks > 0) {
        return err_set(err, "[offload] %s and %s_blocks: give one of them", name, name);
    }
    if (size->block_bytes == 0) {
        return err_set(err,
                       "[offload] %s: how large a block is takes an accelerator and a "
                       "model to know; give %s_blocks",
                       name, name);
    }
    int64_t block_bytes = size->block_bytes * size->n_gpus;
    *n_blocks = config->bytes / block_bytes;
    if (*n_blocks == 0) {
        return err_set(err,
                       "[offload] %s: %" PRId64 " bytes are less than the %" PRId64
                       " of one KV block",
                       name, config->bytes, block_bytes);
    }
    return 0;
}

int tier_limit(struct tier_limits *limits, const struct tier_config *config,
               const struct tier_block_size *size, struct err *err)
{
    limits->fetch = (enum tier_fetching)config->fetch;
    for (int i = 0; i < N_TIERS; i++) {
        const struct tier_level_config *from = &config->levels[i];
        struct tier_level *level = &limits->levels[i];
        if (count_blocks(&level->most_blocks, names[i], from, size, err) != 0) {
            return -1;
        }
        level->latency_fs = from->latency_fs;
        level->block_fs = from->block_fs;
        if (from->block_fs == 0 && level->most_blocks > 0) {
            /* every GPU fetches its part at the same time, over its own lanes */
            wide fs = (wide)size->block_bytes * 1000000000000000;
            level->block_fs = wide_narrow(wide_div_half_up(fs, from->bytes_per_s));
        }
    }
    return 0;
}

void tier_init(struct tier *tier, const struct tier_limits *limits,
               const struct cost *cost, int64_t block_tokens)
{
    *tier = (struct tier){.limits = limits, .cost = cost, .block_tokens = block_tokens};
    for (int i = 0; i < N_TIERS; i++) {
        tier->stores[i].most = limits->levels[i].most_blocks;
    }
}

void tier_free(struct tier *tier)
{
    for (int i = 0; i < N_TIERS; i++) {
        tier_store_free(&tier->stores[i]);
    }
}

bool tier_exists(const struct tier *tier)
{
    return tier->stores[TIER_HOST].most + tier->stores[TIER_DISK].most > 0;
}

void tier_take(struct tier *tier, uint64_t hash)
{
    int64_t *n_written = &tier->n_offloaded;
    for (int i = 0; i < N_TIERS; i++) {
        struct tier_store *store = &tier->stores[i];
        if (store->most == 0) {
            continue;
        }
        if (tier_store_touch(store, hash)) {
            return;
        }
        bool is_full = store->n == store->most;
        uint64_t oldest = is_full ? tier_store_pop(store) : 0;
        tier_store_add(store, hash);
        (*n_written)++;
        if (!is_full) {
            return;
        }
        hash = oldest;
        n_written = &tier->n_spilled;
    }
}

/* The time to fetch so many blocks of each tier. */
static wide fetch_fs(const struct tier *tier, const int64_t n_blocks[N_TIERS])
{
    wide fs = 0;
    for (int i = 0; i < N_TIERS; i++) {
        const struct tier_level *level = &tier->limits->levels[i];
        if (n_blocks[i] > 0) {
            fs += level->latency_fs + (wide)level->block_fs * n_blocks[i];
        }
    }
    return fs;
}

/* The price of a step that computes the tokens of `n` blocks behind `n_before`. */
static wide compute_fs(const struct tier *tier, int64_t n_before, int64_t n)
{
    struct step_counts counts = {0};
    struct step_price price;
    cost_count_chunk(tier->cost, &counts, n_before * tier->block_tokens,
                     n * tier->block_tokens);
    cost_price(tier->cost, &counts, &price);
    return cost_sum_fs(&price);
}

static bool pays(const struct tier *tier, const struct prefix_chain *chain,
                 const int64_t n_blocks[N_TIERS])
{
    switch (tier->limits->fetch) {
    case TIER_ALWAYS:
        return true;
    case TIER_NEVER:
        return false;
    case TIER_CHEAPER:
        return fetch_fs(tier, n_blocks) <
               compute_fs(tier, chain->n_hits, chain->n_beyond);
    }
    return false;
}

void tier_find(const struct tier *tier, struct prefix_chain *chain, int64_t most_blocks)
{
    int64_t n_blocks[N_TIERS] = {0};
    int64_t most = chain->n_full < most_blocks ? chain->n_full : most_blocks;
    int64_t at = chain->n_hits;
    for (; at < most; at++) {
        int i = 0;
        while (i < N_TIERS && !tier_store_has(&tier->stores[i], chain->hashes[at])) {
            i++;
        }
        if (i == N_TIERS) {
            break;
        }
        n_blocks[i]++;
    }
    chain->n_beyond = at - chain->n_hits;
    bool fetches = chain->n_beyond > 0 && pays(tier, chain, n_blocks);
    chain->n_fetches = fetches ? chain->n_beyond : 0;
}

void tier_fetch(struct tier *tier, const struct prefix_chain *chain)
{
    int64_t n_blocks[N_TIERS] = {0};
    for (int64_t at = chain->n_hits; at < chain->n_hits + chain->n_fetches; at++) {
        int i = 0;
        while (!tier_store_touch(&tier->stores[i], chain->hashes[at])) {
            i++;
            CHECK(i < N_TIERS);
        }
        n_blocks[i]++;
        tier->n_fetched[i]++;
    }
    tier->fetch_fs += fetch_fs(tier, n_blocks);
}

void tier_verify(const struct tier *tier)
{
    for (int i = 0; i < N_TIERS; i++) {
        tier_store_verify(&tier->stores[i]);
    }
}
