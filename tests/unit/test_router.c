#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/replica.h"
#include "engine/router.h"
#include "policy/policy.h"

/* Replicas of three pools of which a router asks nothing but their pool and their blocks. */
enum { N_POOLS = 3, N_PLACES = 11 };
static const int32_t firsts[N_POOLS + 1] = {0, 5, 7, N_PLACES};
static const uint64_t all = 7;

struct fleet {
    struct route_config config;
    struct pool pools[N_POOLS];
    struct replica *replicas;
    struct router router;
};

static void fleet_init_asked(struct fleet *fleet, const struct route_config *config,
                             const char *policy)
{
    const struct route_ops *ops = policy_route(policy);
    assert_non_null(ops);
    *fleet = (struct fleet){.config = *config};
    fleet->replicas = memory_new(N_PLACES, sizeof *fleet->replicas);
    for (int32_t i = 0; i < N_POOLS; i++) {
        fleet->pools[i].index = i;
        for (int32_t place = firsts[i]; place < firsts[i + 1]; place++) {
            struct replica *replica = &fleet->replicas[place];
            replica->pool = &fleet->pools[i];
            replica->index = place;
            replica->kv.total_blocks = 1000 * (i + 1);
            replica->kv.free_blocks = 1000 * (i + 1);
        }
    }
    router_init(&fleet->router, &fleet->config, fleet->replicas, firsts, N_POOLS,
                ops->looks_at_kv, 41);
    for (int32_t i = 0; i < N_PLACES; i++) {
        router_set_ready(&fleet->router, i, true);
    }
}

static void fleet_done(struct fleet *fleet)
{
    router_verify(&fleet->router);
    router_free(&fleet->router);
    free(fleet->replicas);
}

static int32_t pick_for(struct fleet *fleet, const char *policy, uint64_t pools,
                        const struct route_query *query)
{
    int32_t place =
        router_pick(&fleet->router, policy_route(policy), pools, query, 4099);
    router_verify(&fleet->router);
    return place;
}

static int32_t pick(struct fleet *fleet, const char *policy, uint64_t pools)
{
    const struct route_query query = {.prompt_tokens = 137};
    return pick_for(fleet, policy, pools, &query);
}

static void send(struct fleet *fleet, int32_t place, int64_t tokens)
{
    router_sent(&fleet->router, place, tokens);
    router_verify(&fleet->router);
}

/* Somebody who waited there is gone. */
static void leave(struct fleet *fleet, int32_t place, int64_t tokens)
{
    fleet->router.views[place].n_waiting--;
    router_left(&fleet->router, place, tokens);
    router_verify(&fleet->router);
}

static void turns_go_round_those_who_are_ready(void **state)
{
    (void)state;
    struct fleet fleet;
    fleet_init_asked(&fleet, &(struct route_config){0}, "round_robin");
    static const int32_t turns[] = {0, 1, 2, 3, 4, 7, 8, 9, 10, 0};
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        assert_int_equal(pick(&fleet, "round_robin", 5), turns[i]);
    }
    router_set_ready(&fleet.router, 1, false);
    router_set_ready(&fleet.router, 2, false);
    assert_int_equal(pick(&fleet, "round_robin", 5), 3);
    router_set_ready(&fleet.router, 1, true); /* its turn is over */
    assert_int_equal(pick(&fleet, "round_robin", 5), 4);
    assert_int_equal(pick(&fleet, "round_robin", 2),
                     5); /* these have turns of their own */
    assert_int_equal(pick(&fleet, "round_robin", 2), 6);
    assert_int_equal(pick(&fleet, "round_robin", 5), 7);
    fleet_done(&fleet);
}

static void nobody_is_picked_where_nobody_is_ready(void **state)
{
    (void)state;
    for (const struct route_ops *const *at = policy_route_all; *at != NULL; at++) {
        struct fleet fleet;
        fleet_init_asked(&fleet,
                         &(struct route_config){.prefix_index_blocks = 64,
                                                .prefix_block_tokens = 16},
                         (*at)->name);
        router_set_ready(&fleet.router, 5, false);
        assert_int_equal(pick(&fleet, (*at)->name, 2), 6);
        router_set_ready(&fleet.router, 6, false);
        assert_int_equal(pick(&fleet, (*at)->name, 2), -1);
        router_set_ready(&fleet.router, 5, true);
        assert_int_equal(pick(&fleet, (*at)->name, 2), 5);
        fleet_done(&fleet);
    }
}

static void the_least_loaded_is_the_one_that_a_search_finds(void **state)
{
    (void)state;
    static const char *const policies[] = {"least_requests", "least_tokens"};
    for (int k = 0; k < 2; k++) {
        struct fleet fleet;
        struct rng rng;
        int64_t tokens[N_PLACES][64];
        rng_init(&rng, 137, policies[k]);
        fleet_init_asked(&fleet, &(struct route_config){0}, policies[k]);
        for (int step = 0; step < 20000; step++) {
            int32_t place = (int32_t)rng_below(&rng, N_PLACES);
            const struct route_view *view = &fleet.router.views[place];
            uint64_t pools = (uint64_t)rng_below(&rng, 7) + 1;
            switch (rng_below(&rng, 4)) {
            case 0:
                router_set_ready(&fleet.router, place, rng_below(&rng, 3) > 0);
                break;
            case 1:
                if (view->n_waiting > 0) {
                    leave(&fleet, place, tokens[place][view->n_waiting - 1]);
                }
                break;
            default:
                place = pick(&fleet, policies[k], pools);
                for (int32_t i = 0; place >= 0 && i < N_PLACES; i++) {
                    int64_t other = k == 0 ? fleet.router.views[i].n_waiting
                                           : fleet.router.views[i].prompt_tokens;
                    int64_t mine = k == 0 ? fleet.router.views[place].n_waiting
                                          : fleet.router.views[place].prompt_tokens;
                    bool is_in = (pools >> fleet.replicas[i].pool->index & 1) != 0;
                    assert_true(!is_in || !fleet.router.is_ready[i] ||
                                (i < place ? other > mine : other >= mine));
                }
                if (place >= 0 && fleet.router.views[place].n_waiting < 64) {
                    int64_t n = rng_below(&rng, 5) * 100 + 1;
                    tokens[place][fleet.router.views[place].n_waiting] = n;
                    send(&fleet, place, n);
                }
            }
        }
        assert_int_equal(fleet.router.n_groups, 7);
        fleet_done(&fleet);
        rng_free(&rng);
    }
}

static void one_of_two_that_are_drawn_has_fewer_requests(void **state)
{
    (void)state;
    struct fleet fleet;
    int64_t counts[N_PLACES] = {0};
    fleet_init_asked(&fleet, &(struct route_config){0}, "power_of_two");
    for (int32_t i = 0; i < N_PLACES; i++) { /* 0 has most, 10 none */
        for (int32_t j = i; j < N_PLACES - 1; j++) {
            send(&fleet, i, 13);
        }
    }
    enum { N = 55000 };
    for (int i = 0; i < N; i++) {
        counts[pick(&fleet, "power_of_two", all)]++;
    }
    assert_int_equal(counts[0], 0); /* the other one always has fewer */
    for (int32_t i = 1; i < N_PLACES;
         i++) { /* i of the 55 pairs have i as the better one */
        assert_in_range(counts[i], N / 55 * i - 400, N / 55 * i + 400);
    }
    fleet_done(&fleet);
}

static void sessions_stay_where_they_are_as_others_come_and_go(void **state)
{
    (void)state;
    enum { N_SESSIONS = 3000 };
    struct fleet fleet;
    int32_t before[N_SESSIONS];
    int64_t n_there = 0;
    fleet_init_asked(&fleet, &(struct route_config){0}, "session_affinity");
    send(&fleet, 0, 13); /* who has no session goes to the least loaded */
    assert_int_equal(pick(&fleet, "session_affinity", all), 1);
    for (int32_t i = 0; i < N_SESSIONS; i++) {
        const struct route_query query = {.session = (uint64_t)i * 4099 + 1};
        before[i] = pick_for(&fleet, "session_affinity", all, &query);
    }
    router_set_ready(&fleet.router, 3, false);
    for (int32_t i = 0; i < N_SESSIONS; i++) {
        const struct route_query query = {.session = (uint64_t)i * 4099 + 1};
        int32_t now = pick_for(&fleet, "session_affinity", all, &query);
        assert_true(before[i] == 3 ? now != 3 : now == before[i]);
        n_there += before[i] == 3;
    }
    assert_in_range(n_there, N_SESSIONS / N_PLACES - 80, N_SESSIONS / N_PLACES + 80);
    router_set_ready(&fleet.router, 3, true);
    for (int32_t i = 0; i < N_SESSIONS; i++) {
        const struct route_query query = {.session = (uint64_t)i * 4099 + 1};
        assert_int_equal(pick_for(&fleet, "session_affinity", all, &query), before[i]);
    }
    fleet_done(&fleet);
}

static void the_smallest_share_of_a_kv_cache_is_the_least(void **state)
{
    (void)state;
    struct fleet fleet;
    fleet_init_asked(&fleet, &(struct route_config){0}, "least_kv");
    for (int32_t i = 0; i < N_PLACES; i++) {
        fleet.replicas[i].kv.free_blocks -= 300;
    }
    /* 30 % of the first pool's, 15 % of the second's, 10 % of the third's */
    assert_int_equal(pick(&fleet, "least_kv", all), 7);
    assert_int_equal(pick(&fleet, "least_kv", 3), 5);
    fleet.replicas[9].kv.free_blocks++;
    assert_int_equal(pick(&fleet, "least_kv", all), 9);
    fleet_done(&fleet);
}

static void scores_are_summed_with_their_weights(void **state)
{
    (void)state;
    struct fleet fleet;
    struct route_config config = {.w_queue_nano = 1000000000, .w_kv_nano = 2000000000};
    fleet_init_asked(&fleet, &config, "weighted");
    fleet.replicas[5].kv.free_blocks = 1000; /* half */
    fleet.replicas[6].kv.free_blocks = 1500; /* a quarter */
    assert_int_equal(pick(&fleet, "weighted", 2), 6);
    for (int i = 0; i < 4; i++) {
        send(&fleet, 6, 13);
    }
    /* 5: 1 + 2 x 0.5; 6: 0 + 2 x 0.75 */
    assert_int_equal(pick(&fleet, "weighted", 2), 5);
    send(&fleet, 5, 13);
    send(&fleet, 5, 13); /* 0.5 + 1 against 1.5: a tie */
    assert_int_equal(pick(&fleet, "weighted", 2), 5);
    send(&fleet, 5, 13); /* 0.25 + 1 */
    assert_int_equal(pick(&fleet, "weighted", 2), 6);
    fleet_done(&fleet);
}

static struct prefix_chain *prompt(int64_t text, int64_t shared, int64_t tokens)
{
    struct prefix_part *parts = memory_new(2, sizeof *parts);
    parts[0] = (struct prefix_part){.id = 1, .tokens = shared};
    parts[1] = (struct prefix_part){.id = text, .tokens = tokens - shared};
    return prefix_chain_new(parts, 2, tokens);
}

static int32_t pick_prompt(struct fleet *fleet, int64_t text, int64_t shared,
                           int64_t tokens)
{
    struct prefix_chain *chain = prompt(text, shared, tokens);
    const struct route_query query = {.chain = chain, .prompt_tokens = tokens};
    int32_t place = pick_for(fleet, "prefix_affinity", all, &query);
    prefix_chain_free(chain);
    return place;
}

static void prompts_go_where_their_beginning_went_unless_loads_are_uneven(void **state)
{
    (void)state;
    struct fleet fleet;
    struct route_config config = {.prefix_index_blocks = 1000,
                                  .prefix_block_tokens = 16,
                                  .cache_threshold_nano = 500000000,
                                  .balance_abs = 3,
                                  .balance_rel_nano = 1500000000};
    fleet_init_asked(&fleet, &config, "prefix_affinity");
    for (int32_t i = 0; i < 4; i++) {
        send(&fleet, i, 13);
    }
    assert_int_equal(pick_prompt(&fleet, 2, 64, 128), 4);
    send(&fleet, 4, 13);
    assert_int_equal(pick_prompt(&fleet, 3, 64, 127),
                     4); /* 64 of 127 are more than half */
    send(&fleet, 4, 13);
    assert_int_equal(pick_prompt(&fleet, 4, 64, 128), 5); /* 64 of 128 are not */
    assert_int_equal(pick_prompt(&fleet, 5, 64, 127),
                     5); /* the last one got it there */
    assert_int_equal(pick_prompt(&fleet, 2, 64, 128),
                     4); /* its own end is at 4 still */
    router_set_ready(&fleet.router, 4, false);
    assert_int_equal(pick_prompt(&fleet, 2, 64, 128), 5);
    router_set_ready(&fleet.router, 4, true);
    assert_int_equal(pick_prompt(&fleet, 2, 64, 128), 5);
    send(&fleet, 5, 13);
    send(&fleet, 5, 13);
    send(&fleet, 5, 13);
    assert_int_equal(pick_prompt(&fleet, 2, 64, 128), 5); /* 3 more than nobody */
    send(&fleet, 5, 13);
    assert_int_equal(pick_prompt(&fleet, 2, 64, 128), 6); /* 4 are too many */
    fleet_done(&fleet);
}

static void old_views_are_of_just_before_the_last_multiple(void **state)
{
    (void)state;
    struct fleet fleet;
    struct route_config config = {.staleness_ns = 1000, .count_own = 1};
    fleet_init_asked(&fleet, &config, "least_requests");
    assert_int_equal(router_snapshot_ns(&fleet.router, 4099), 4000);
    router_snapshot(&fleet.router, 4000);
    assert_int_equal(fleet.router.snapshot_ns, 5000);
    assert_int_equal(pick(&fleet, "least_requests", 2), 5);
    send(&fleet, 5, 13); /* what it has sent itself it knows */
    assert_int_equal(pick(&fleet, "least_requests", 2), 6);
    send(&fleet, 6, 13);
    send(&fleet, 6, 13);
    leave(&fleet, 6, 13);
    leave(&fleet, 6, 13); /* of these it knows nothing yet */
    assert_int_equal(pick(&fleet, "least_requests", 2), 5);
    router_snapshot(&fleet.router, 5000);
    assert_int_equal(pick(&fleet, "least_requests", 2), 6);
    fleet_done(&fleet);
}

static void a_router_that_does_not_count_sends_all_to_one(void **state)
{
    (void)state;
    struct fleet fleet;
    struct route_config config = {.staleness_ns = 1000};
    fleet_init_asked(&fleet, &config, "least_requests");
    router_snapshot(&fleet.router, 4000);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(pick(&fleet, "least_requests", 2), 5);
        send(&fleet, 5, 13);
    }
    router_snapshot(&fleet.router, 5000);
    assert_int_equal(pick(&fleet, "least_requests", 2), 6);
    fleet_done(&fleet);
}

static void old_views_are_of_kv_caches_too(void **state)
{
    (void)state;
    struct fleet fleet;
    struct route_config config = {.staleness_ns = 1000};
    fleet_init_asked(&fleet, &config, "least_kv");
    router_snapshot(&fleet.router, 4000);
    fleet.replicas[5].kv.free_blocks -= 41;
    assert_int_equal(pick(&fleet, "least_kv", 2), 5);
    router_snapshot(&fleet.router, 5000);
    assert_int_equal(pick(&fleet, "least_kv", 2), 6);
    fleet_done(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_go_round_those_who_are_ready),
        cmocka_unit_test(nobody_is_picked_where_nobody_is_ready),
        cmocka_unit_test(the_least_loaded_is_the_one_that_a_search_finds),
        cmocka_unit_test(one_of_two_that_are_drawn_has_fewer_requests),
        cmocka_unit_test(sessions_stay_where_they_are_as_others_come_and_go),
        cmocka_unit_test(the_smallest_share_of_a_kv_cache_is_the_least),
        cmocka_unit_test(scores_are_summed_with_their_weights),
        cmocka_unit_test(prompts_go_where_their_beginning_went_unless_loads_are_uneven),
        cmocka_unit_test(old_views_are_of_just_before_the_last_multiple),
        cmocka_unit_test(a_router_that_does_not_count_sends_all_to_one),
        cmocka_unit_test(old_views_are_of_kv_caches_too),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
