#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "engine/tier.h"

enum { BLOCK = 4 };

static const struct cost cost = {
    .kind = COST_LINEAR, .linear = {.base_fs = 137000, .prefill_token_fs = 13000}};

static struct tier_limits limits_of(int64_t host_blocks, int64_t disk_blocks,
                                    enum tier_fetching fetch)
{
    return (struct tier_limits){
        .levels = {{host_blocks, 4099, 41000}, {disk_blocks, 13700, 0}},
        .fetch = fetch};
}

static struct tier new_tier(const struct tier_limits *limits)
{
    struct tier tier;
    tier_init(&tier, limits, &cost, BLOCK);
    return tier;
}

static bool in_host(const struct tier *tier, uint64_t hash)
{
    return tier_store_has(&tier->stores[TIER_HOST], hash);
}

static bool on_disk(const struct tier *tier, uint64_t hash)
{
    return tier_store_has(&tier->stores[TIER_DISK], hash);
}

/* A prompt of one text whose blocks are known. */
static struct prefix_chain *new_chain(int64_t id, int64_t tokens, int64_t n_hits)
{
    struct prefix_part *part = memory_new(1, sizeof *part);
    *part = (struct prefix_part){.id = id, .tokens = tokens};
    struct prefix_chain *chain = prefix_chain_new(part, 1, tokens);
    prefix_chain_hash(chain, BLOCK);
    chain->n_hits = n_hits;
    return chain;
}

static void what_host_memory_pushes_out_goes_to_disk_and_from_there_nowhere(
    void **state)
{
    (void)state;
    struct tier_limits limits = limits_of(2, 1, TIER_ALWAYS);
    struct tier tier = new_tier(&limits);
    for (uint64_t hash = 7; hash < 10; hash++) {
        tier_take(&tier, hash);
    }
    assert_true(in_host(&tier, 8) && in_host(&tier, 9) && on_disk(&tier, 7));
    tier_take(&tier, 8); /* there already: the youngest, and not written */
    tier_take(&tier, 41);
    assert_true(in_host(&tier, 8) && in_host(&tier, 41) && on_disk(&tier, 9));
    assert_false(in_host(&tier, 7) || on_disk(&tier, 7));
    assert_int_equal(tier.n_offloaded, 4);
    assert_int_equal(tier.n_spilled, 2);
    tier_verify(&tier);
    tier_free(&tier);
}

static void a_tier_without_blocks_passes_on_what_comes(void **state)
{
    (void)state;
    struct tier_limits limits = limits_of(0, 3, TIER_ALWAYS);
    struct tier tier = new_tier(&limits);
    assert_true(tier_exists(&tier));
    tier_take(&tier, 4099);
    assert_true(on_disk(&tier, 4099) && !in_host(&tier, 4099));
    assert_int_equal(tier.n_offloaded, 1);
    assert_int_equal(tier.n_spilled, 0);
    tier_free(&tier);
}

static void a_row_goes_on_in_host_memory_and_on_disk_until_a_block_is_in_neither(
    void **state)
{
    (void)state;
    struct tier_limits limits = limits_of(2, 7, TIER_ALWAYS);
    struct tier tier = new_tier(&limits);
    struct prefix_chain *chain = new_chain(13, 7 * BLOCK, 1);
    tier_take(&tier, chain->hashes[5]); /* behind a gap */
    tier_take(&tier, chain->hashes[3]);
    tier_take(&tier, chain->hashes[2]);
    tier_take(&tier, chain->hashes[1]);
    tier_find(&tier, chain, 6);
    assert_int_equal(chain->n_beyond, 3); /* 1 and 2 in host memory, 3 on disk */
    assert_int_equal(chain->n_fetches, 3);
    tier_fetch(&tier, chain);
    assert_int_equal(tier.n_fetched[TIER_HOST], 2);
    assert_int_equal(tier.n_fetched[TIER_DISK], 1);
    assert_true(tier.fetch_fs == 41000 + 2 * 4099 + 13700);
    tier_find(&tier, chain, 3); /* no further than asked */
    assert_int_equal(chain->n_beyond, 2);
    prefix_chain_free(chain);
    tier_free(&tier);
}

static void fetched_blocks_become_the_youngest(void **state)
{
    (void)state;
    struct tier_limits limits = limits_of(3, 0, TIER_ALWAYS);
    struct tier tier = new_tier(&limits);
    struct prefix_chain *chain = new_chain(13, 2 * BLOCK, 0);
    tier_take(&tier, chain->hashes[0]);
    tier_take(&tier, 7);
    tier_take(&tier, 41);
    tier_find(&tier, chain, 1);
    tier_fetch(&tier, chain);
    tier_take(&tier, 137);
    assert_true(in_host(&tier, chain->hashes[0]) && !in_host(&tier, 7));
    prefix_chain_free(chain);
    tier_free(&tier);
}

/* A host block takes 41000 + 4099 fs, its tokens 137000 + 4 x 13000; a disk block 13700. */
static void blocks_are_fetched_if_a_step_of_their_tokens_takes_longer(void **state)
{
    (void)state;
    static const struct {
        int64_t latency_fs;
        enum tier_fetching fetch;
        int64_t n_fetches;
    } cases[] = {
        {189000 - 4100, TIER_CHEAPER, 1},
        {189000 - 4099, TIER_CHEAPER, 0},
        {4099, TIER_NEVER, 0},
        {189000, TIER_ALWAYS, 1},
        {INT64_MAX / 2, TIER_CHEAPER, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tier_limits limits = limits_of(3, 0, cases[i].fetch);
        limits.levels[TIER_HOST].latency_fs = cases[i].latency_fs;
        struct tier tier = new_tier(&limits);
        struct prefix_chain *chain = new_chain(13, 3 * BLOCK, 1);
        tier_take(&tier, chain->hashes[1]);
        tier_find(&tier, chain, 2);
        assert_int_equal(chain->n_beyond, 1);
        assert_int_equal(chain->n_fetches, cases[i].n_fetches);
        prefix_chain_free(chain);
        tier_free(&tier);
    }
}

/* The same with arrays that are searched from end to end. */
static void a_store_forgets_as_a_plain_list_does(void **state)
{
    (void)state;
    enum { MOST = 41, N_HASHES = 67, N_TRIES = 40990 };
    struct tier_store store = {.most = MOST};
    uint64_t list[MOST];
    int64_t n = 0;
    struct rng rng;
    rng_init(&rng, 137, "tier_store");
    for (int i = 0; i < N_TRIES; i++) {
        uint64_t hash = (uint64_t)rng_below(&rng, N_HASHES);
        int64_t at = 0;
        while (at < n && list[at] != hash) {
            at++;
        }
        assert_int_equal(tier_store_touch(&store, hash), at < n);
        if (at == n && n == MOST) {
            assert_int_equal(tier_store_pop(&store), list[0]);
            at = 0;
        } else if (at == n) {
            n++;
        }
        if (!tier_store_has(&store, hash)) {
            tier_store_add(&store, hash);
        }
        for (; at + 1 < n; at++) {
            list[at] = list[at + 1];
        }
        list[n - 1] = hash;
        assert_int_equal(store.n, n);
        tier_store_verify(&store);
    }
    rng_free(&rng);
    tier_store_free(&store);
}

static void memory_is_blocks_of_all_gpus_and_time_is_of_one(void **state)
{
    (void)state;
    struct tier_config config = {
        .levels = {{.bytes = 8 * 4099 + 1, .bytes_per_s = 1000000000},
                   {.n_blocks = 13, .block_fs = 7}},
        .fetch = TIER_NEVER};
    struct tier_block_size size = {.block_bytes = 4099, .n_gpus = 4};
    struct tier_limits limits;
    struct err err;
    assert_int_equal(tier_limit(&limits, &config, &size, &err), 0);
    assert_int_equal(limits.levels[TIER_HOST].most_blocks, 2);
    assert_true(limits.levels[TIER_HOST].block_fs == INT64_C(4099000000));
    assert_int_equal(limits.levels[TIER_DISK].most_blocks, 13);
    assert_int_equal(limits.levels[TIER_DISK].block_fs, 7);
    assert_int_equal(limits.fetch, TIER_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_host_memory_pushes_out_goes_to_disk_and_from_there_nowhere),
        cmocka_unit_test(a_tier_without_blocks_passes_on_what_comes),
        cmocka_unit_test(
            a_row_goes_on_in_host_memory_and_on_disk_until_a_block_is_in_neither),
        cmocka_unit_test(fetched_blocks_become_the_youngest),
        cmocka_unit_test(blocks_are_fetched_if_a_step_of_their_tokens_takes_longer),
        cmocka_unit_test(a_store_forgets_as_a_plain_list_does),
        cmocka_unit_test(memory_is_blocks_of_all_gpus_and_time_is_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
