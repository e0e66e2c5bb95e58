#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_world.h"

/* The pool of a configuration, worked out; the world must outlive it. */
static int init_pool(struct config_world *world, struct pool *pool, const char *text)
{
    config_world_must(world, text, NULL);
    return pool_init(pool, world->config.pools, &world->err);
}

static void assert_pool_refused(const char *text, const char *sentence)
{
    struct config_world world;
    struct pool pool;
    assert_int_equal(init_pool(&world, &pool, text), -1);
    assert_string_equal(world.err.text, sentence);
    config_world_free(&world);
}

static void blocks_measured_on_an_rtx_4090_are_predicted_within_3_percent(void **state)
{
    (void)state;
    /* vLLM 0.19, Llama-3.1-8B in BF16, utilisation 0.9: 2,588 blocks of 16 tokens */
    struct config_world world;
    struct pool pool;
    init_pool(&world, &pool,
              TRACE_ONLY "[pool.main]\naccelerator = rtx-4090\nmodel = llama-3.1-8b\n"
                         "engine = vllm\ngpu_memory_utilization = 0.9\n"
                         "max_num_batched_tokens = 2048\nmax_num_seqs = 256\n"
                         "block_size = 16\n");
    assert_string_equal(world.err.text, "");
    assert_int_equal(pool.ledger.memory_bytes, 25250627584);
    int64_t off = pool.ledger.n_blocks - 2588;
    assert_true(100 * (off < 0 ? -off : off) <= 3 * 2588);
    config_world_free(&world);
}

static void the_ledger_adds_up_to_the_memory(void **state)
{
    (void)state;
    struct config_world world;
    struct pool pool;
    init_pool(&world, &pool, TRACE_ONLY HARDWARE "policy = vllm-v1\n");
    const struct ledger *ledger = &pool.ledger;
    /* 81,559 MiB less a tenth; 2 bytes x 8,030,261,248; the forward pass
     * of 8,192 tokens needs 2 x (4 x 4096 + 3 x 14336) bytes each, the sampler 256 x
     * 128,256 x 20; runtime 0.6 GB; 16 tokens x 131,072 bytes */
    assert_int_equal(ledger->memory_bytes, 85520809984);
    assert_int_equal(ledger->memory_bytes - ledger->reserved_bytes, 76968728985);
    assert_int_equal(ledger->weight_bytes, 16060522496);
    assert_int_equal(ledger->activation_bytes, 973078528);
    assert_int_equal(ledger->runtime_bytes, 600000000);
    assert_int_equal(ledger->kv_bytes, 59335127961);
    assert_int_equal(ledger->block_bytes, 2097152);
    assert_int_equal(ledger->n_blocks, 28293);
    assert_int_equal(pool.usable_blocks, 28292); /* less the null block */
    assert_int_equal(ledger->reserved_bytes + ledger->weight_bytes +
                         ledger->activation_bytes + ledger->runtime_bytes +
                         ledger->kv_bytes,
                     ledger->memory_bytes);
    config_world_free(&world);
}

static void four_gpus_share_weights_and_kv(void **state)
{
    (void)state;
    struct config_world world;
    struct pool pool;
    init_pool(&world, &pool,
              TRACE_ONLY "[pool.main]\naccelerator = h100-sxm\n"
                         "model = llama-3.1-70b\ntensor_parallel = 4\n"
                         "max_num_seqs = 8\n");
    assert_string_equal(world.err.text, "");
    /* 141,107,412,992 / 4; 2 x (4 x 8192 + 3 x 28672 / 4) x 8192; 327,680 / 4 x 16 */
    assert_int_equal(pool.ledger.weight_bytes, 35276853248);
    assert_int_equal(pool.ledger.activation_bytes, 889192448);
    assert_int_equal(pool.ledger.block_bytes, 1310720);
    config_world_free(&world);
}

static void a_model_that_does_not_fit_is_refused_with_the_whole_ledger(void **state)
{
    (void)state;
    assert_pool_refused(
        TRACE_ONLY "[pool.main]\naccelerator = h100-sxm\nmodel = llama-3.1-70b\n",
        "[pool.main]: llama-3.1-70b does not fit on 1 x h100-sxm: one GPU has 76968 MB "
        "to use (85520 MB x gpu_memory_utilization), weights take 141107 MB, "
        "activations 1946 MB, runtime 600 MB, and two KV blocks 10 MB; raise "
        "tensor_parallel or gpu_memory_utilization");
    /* measured blocks do not help where weights do not fit */
    assert_pool_refused(
        TRACE_ONLY "[pool.main]\naccelerator = h100-sxm\nmodel = llama-3.1-70b\n"
                   "num_gpu_blocks = 4099\n",
        "[pool.main]: llama-3.1-70b does not fit on 1 x h100-sxm: one GPU has 76968 MB "
        "to use (85520 MB x gpu_memory_utilization), weights take 141107 MB, "
        "activations 1946 MB, runtime 600 MB, and two KV blocks 10 MB; raise "
        "tensor_parallel or gpu_memory_utilization");
}

static void measured_blocks_stand_where_the_ledger_has_no_room_left(void **state)
{
    (void)state;
    struct config_world world;
    struct pool pool;
    /* 76.97 GB less 16.06 GB of weights leaves no room for 70 GB of runtime */
    init_pool(&world, &pool,
              TRACE_ONLY HARDWARE "runtime_memory = 70GB\nnum_gpu_blocks = 4099\n");
    assert_string_equal(world.err.text, "");
    assert_int_equal(pool.usable_blocks, 4098);
    config_world_free(&world);
}

static void a_pool_that_lacks_something_or_contradicts_itself_is_refused(void **state)
{
    (void)state;
    assert_pool_refused(TRACE_ONLY "[pool.main]\nmodel = llama-3.1-8b\n",
                        "[pool.main]: accelerator: must be given with cost = roofline "
                        "(see 'servesim list accelerators')");
    assert_pool_refused(TRACE_ONLY "[pool.main]\naccelerator = h100-sxm\n",
                        "[pool.main]: model: must be given with cost = roofline (see "
                        "'servesim list models')");
    assert_pool_refused(TRACE_ONLY "[pool.main]\ncost = linear\n",
                        "[pool.main]: num_gpu_blocks: must be given where there is no "
                        "accelerator and model to derive it from");
    assert_pool_refused(
        TRACE_ONLY "[pool.main]\ncost = linear\nnum_gpu_blocks = 1\n",
        "[pool.main]: num_gpu_blocks: 1 leaves nothing beside the null block; expected "
        "at least 2");
    assert_pool_refused(TRACE_ONLY HARDWARE "kv_heads = 7\n",
                        "[pool.main]: llama-3.1-8b: heads (32) must be a multiple of "
                        "kv_heads (7)");
    assert_pool_refused(TRACE_ONLY HARDWARE "tensor_parallel = 3\n",
                        "[pool.main]: tensor_parallel: 3 does not divide the 32 heads "
                        "and 8 KV heads of llama-3.1-8b evenly");
    assert_pool_refused(TRACE_ONLY HARDWARE "linear_layers = 32\n",
                        "[pool.main]: llama-3.1-8b: linear_layers (32) leave no layer "
                        "with a KV cache, which is not modelled");
    assert_pool_refused(TRACE_ONLY HARDWARE "power_compute_share = 0.4501\n",
                        "[pool.main]: power_active_share, power_compute_share and "
                        "power_memory_share sum to more than 1");
    assert_pool_refused(TRACE_ONLY HARDWARE "idle_power = 700.001W\n",
                        "[pool.main]: idle_power is above tdp");
    assert_pool_refused(TRACE_ONLY HARDWARE "sparsity = 2:4\nsparse_speedup = 1\n",
                        "[pool.main]: sparsity: h100-sxm has no units for 2:4 sparse "
                        "weights (its sparse_speedup is 1)");
}

static void a_layout_that_the_model_cannot_have_is_refused(void **state)
{
    (void)state;
    assert_pool_refused(
        TRACE_ONLY HARDWARE "layers = 13\npipeline_parallel = 14\n",
        "[pool.main]: pipeline_parallel: 14 stages are more than the 13 "
        "layers of llama-3.1-8b");
    assert_pool_refused(TRACE_ONLY HARDWARE "data_parallel = 2\n",
                        "[pool.main]: data_parallel and expert_parallel: llama-3.1-8b "
                        "has no experts to share; use replicas");
    assert_pool_refused(TRACE_ONLY HARDWARE "expert_parallel = yes\n",
                        "[pool.main]: data_parallel and expert_parallel: llama-3.1-8b "
                        "has no experts to share; use replicas");
    /* MLA has no KV heads to split */
    struct config_world world;
    struct pool pool;
    init_pool(&world, &pool,
              TRACE_ONLY "[pool.main]\naccelerator = h200-sxm\nmodel = deepseek-v3\n"
                         "tensor_parallel = 16\n");
    assert_string_equal(world.err.text, "");
    assert_int_equal(pool.ledger.block_bytes, 1124352);
    pool_free(&pool);
    config_world_free(&world);
}

static void blocks_of_a_request_do_not_count_its_last_token(void **state)
{
    (void)state;
    struct config_world world;
    struct pool pool;
    init_pool(&world, &pool, TRACE_ONLY LINEAR "block_size = 7\nmax_model_len = 919\n");
    assert_int_equal(pool_needed_blocks(&pool, 4099, 1), 586); /* 4,099 / 7 = 585.57 */
    assert_int_equal(pool_needed_blocks(&pool, 13, 2), 2);     /* 14 written */
    assert_int_equal(pool_needed_blocks(&pool, 13, 3), 3);     /* 15 written */
    assert_int_equal(pool_needed_blocks(&pool, 1, 1), 1);
    assert_int_equal(pool.most_tokens, 919);
    config_world_free(&world);
    init_pool(&world, &pool, TRACE_ONLY LINEAR);
    assert_true(pool.most_tokens == INT64_MAX);
    config_world_free(&world);
    init_pool(&world, &pool, TRACE_ONLY HARDWARE "tensor_parallel = 2\n");
    assert_int_equal(pool.most_tokens, 131072);
    assert_int_equal(price_replica_nano(&pool.price, 0), 7980000000);
    config_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_measured_on_an_rtx_4090_are_predicted_within_3_percent),
        cmocka_unit_test(the_ledger_adds_up_to_the_memory),
        cmocka_unit_test(four_gpus_share_weights_and_kv),
        cmocka_unit_test(a_model_that_does_not_fit_is_refused_with_the_whole_ledger),
        cmocka_unit_test(measured_blocks_stand_where_the_ledger_has_no_room_left),
        cmocka_unit_test(a_pool_that_lacks_something_or_contradicts_itself_is_refused),
        cmocka_unit_test(a_layout_that_the_model_cannot_have_is_refused),
        cmocka_unit_test(blocks_of_a_request_do_not_count_its_last_token),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
