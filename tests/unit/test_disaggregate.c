#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/disaggregate.h"

/* A small model on two GPUs of a node of four. */
static struct pool_config sample_config(void)
{
    return (struct pool_config){
        .layout = {.tp = 2, .pp = 1, .dp = 1},
        .accelerator = {.node_bytes_per_s = 50000000000, .gpus_per_node = 4},
        .llm = {.n_layers = 7,
                .n_heads = 8,
                .n_kv_heads = 3,
                .head_dim = 41,
                .kv_precision = PRECISION_BF16},
    };
}

static struct pool sample_pool(const struct pool_config *config)
{
    return (struct pool){.config = config, .has_hardware = true};
}

enum { LAYER = 2 * 3 * 41 * 2 }; /* bytes of a token in a layer */

static void every_layer_of_every_token_is_sent_once_whatever_it_is_split_over(
    void **state)
{
    (void)state;
    struct disaggregate_config config = {0};
    struct pool_config of = sample_config();
    struct pool pool = sample_pool(&of);
    assert_int_equal(disaggregate_bytes(&config, &pool, 4099), 4099 * 7 * LAYER);
    of.layout.tp = 8; /* heads are repeated on GPUs, and not sent twice */
    assert_int_equal(disaggregate_bytes(&config, &pool, 4099), 4099 * 7 * LAYER);
}

static void of_layers_with_a_window_only_the_window_is_sent(void **state)
{
    (void)state;
    struct disaggregate_config config = {0};
    struct pool_config of = sample_config();
    struct pool pool = sample_pool(&of);
    of.llm.window_tokens = 137;
    of.llm.n_window_layers = 5;
    assert_int_equal(disaggregate_bytes(&config, &pool, 41), 41 * 7 * LAYER);
    assert_int_equal(disaggregate_bytes(&config, &pool, 4099),
                     (4099 * 2 + 137 * 5) * LAYER);
}

static void a_state_is_sent_whole(void **state)
{
    (void)state;
    struct disaggregate_config config = {0};
    struct pool_config of = sample_config();
    struct pool pool = sample_pool(&of);
    of.llm.n_linear_layers = 3;
    of.llm.linear_state = 1013;
    assert_int_equal(disaggregate_bytes(&config, &pool, 41),
                     41 * 4 * LAYER + 3 * 1013 * 4);
}

static void bytes_that_are_given_stand_for_the_models(void **state)
{
    (void)state;
    struct disaggregate_config config = {.kv_bytes = 1009};
    struct pool_config of = sample_config();
    struct pool pool = sample_pool(&of);
    assert_int_equal(disaggregate_bytes(&config, &pool, 41), 41 * 1009);
}

static void layer_by_layer_the_last_layer_is_left_at_least(void **state)
{
    (void)state;
    struct disaggregate_config config = {.overlap = DISAGGREGATE_LAYERWISE};
    struct pool_config of = sample_config();
    struct pool pool = sample_pool(&of);
    /* 100 bytes per nanosecond over both GPUs */
    assert_int_equal(disaggregate_left(&config, &pool, 1000003, 4099),
                     1000003 - 409900);
    assert_int_equal(disaggregate_left(&config, &pool, 1000003, 9999), 142858);
    config.overlap = DISAGGREGATE_AFTER;
    assert_int_equal(disaggregate_left(&config, &pool, 1000003, 4099), 1000003);
}

static void replicas_fill_nodes_and_large_ones_have_nodes_of_their_own(void **state)
{
    (void)state;
    struct disaggregate_config config = {.node_bytes_per_s = 13000000000};
    struct pool_config of = sample_config();
    struct pool pool = sample_pool(&of);
    assert_int_equal(disaggregate_per_node(&pool), 2);
    assert_int_equal(disaggregate_replica_bandwidth(&config, &pool), 100000000000);
    assert_int_equal(disaggregate_node_bandwidth(&config, &pool), 13000000000);
    of.layout.tp = 3;
    assert_int_equal(disaggregate_per_node(&pool), 1);
    of.layout.pp = 3; /* nine GPUs: three nodes */
    assert_int_equal(disaggregate_per_node(&pool), 1);
    assert_int_equal(disaggregate_node_bandwidth(&config, &pool), 39000000000);
    config.gpu_bytes_per_s = 7;
    assert_int_equal(disaggregate_replica_bandwidth(&config, &pool), 63);
}

static void ranks_have_links_of_their_own_and_share_their_nodes(void **state)
{
    (void)state;
    struct disaggregate_config config = {.node_bytes_per_s = 13000000000,
                                         .gpu_bytes_per_s = 41};
    struct pool_config of = sample_config();
    struct pool pool = sample_pool(&of);
    of.layout = (struct layout){.tp = 1, .pp = 1, .dp = 2, .lockstep = 1};
    assert_int_equal(disaggregate_per_node(&pool), 4); /* two replicas of two */
    assert_int_equal(disaggregate_replica_bandwidth(&config, &pool), 41);
    of.layout.dp = 3; /* one replica, though four ranks would fit */
    assert_int_equal(disaggregate_per_node(&pool), 3);
    assert_int_equal(disaggregate_node_bandwidth(&config, &pool), 13000000000);
    of.layout.tp = 3; /* nine GPUs: three nodes */
    assert_int_equal(disaggregate_per_node(&pool), 3);
    assert_int_equal(disaggregate_replica_bandwidth(&config, &pool), 123);
    assert_int_equal(disaggregate_node_bandwidth(&config, &pool), 39000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_layer_of_every_token_is_sent_once_whatever_it_is_split_over),
        cmocka_unit_test(of_layers_with_a_window_only_the_window_is_sent),
        cmocka_unit_test(a_state_is_sent_whole),
        cmocka_unit_test(bytes_that_are_given_stand_for_the_models),
        cmocka_unit_test(layer_by_layer_the_last_layer_is_left_at_least),
        cmocka_unit_test(replicas_fill_nodes_and_large_ones_have_nodes_of_their_own),
        cmocka_unit_test(ranks_have_links_of_their_own_and_share_their_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
