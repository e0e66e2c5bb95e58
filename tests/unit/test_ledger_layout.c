#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

#include "model/ledger.h"

/* The ledger of a model on H100s that are used whole, 37 sequences, blocks of 16. */
static struct ledger ledger_of(const struct llm *llm, struct layout layout)
{
    struct accelerator gpu = h100;
    gpu.memory_bytes = 1000000000000; /* room for anything */
    struct ledger_request request = {.layout = layout,
                                     .block_tokens = 16,
                                     .utilization_nano = 1000000000,
                                     .max_batched_tokens = 137,
                                     .max_seqs = 37};
    struct ledger ledger = {0};
    struct err err = {""};
    ledger_fill(&ledger, &request, &gpu, llm, &ideal, "[pool.main]", "h100", "it",
                &err);
    assert_string_equal(err.text, "");
    return ledger;
}

static struct layout spread(int64_t tp, int64_t pp, int64_t dp)
{
    return (struct layout){.tp = tp, .pp = pp, .dp = dp};
}

static int64_t weights_of(const struct llm *llm, int64_t tp, int64_t pp, int64_t dp)
{
    return ledger_of(llm, spread(tp, pp, dp)).weight_bytes;
}

static void a_stage_holds_its_layers_and_one_of_the_embeddings(void **state)
{
    (void)state;
    /* layers 2 x (8,030,261,248 - 2 x 525,336,576) = 13,959,176,192 bytes, an embedding
     * 1,050,673,152.  Of 3 stages the largest has 11 of 32 layers: 4,798,466,816. */
    assert_int_equal(weights_of(&llama_8b, 1, 1, 1), 16060522496);
    assert_int_equal(weights_of(&llama_8b, 2, 1, 1), 8030261248);
    assert_int_equal(weights_of(&llama_8b, 1, 3, 1), 4798466816 + 1050673152);
    assert_int_equal(weights_of(&llama_8b, 2, 3, 1), 2924569984);
    /* 16 tokens x 11 x 4,096 bytes */
    assert_int_equal(ledger_of(&llama_8b, spread(1, 3, 1)).block_bytes, 720896);
    assert_int_equal(ledger_of(&llama_8b, spread(2, 3, 1)).block_bytes, 360448);
    assert_int_equal(ledger_of(&llama_8b, spread(1, 1, 1)).block_bytes, 2097152);
}

static void experts_are_spread_over_all_ranks_and_the_rest_is_on_each(void **state)
{
    (void)state;
    /* Mixtral: experts 8 x 5,637,144,576 x 2 = 90,194,313,216 bytes; the rest
     * 2 x (46,702,792,704 - 45,097,156,608) = 3,211,272,192 */
    assert_int_equal(weights_of(&mixtral, 1, 1, 1), 93405585408);
    assert_int_equal(weights_of(&mixtral, 4, 1, 1), 93405585408 / 4);
    assert_int_equal(weights_of(&mixtral, 1, 1, 4), 22548578304 + 3211272192);
    assert_int_equal(weights_of(&mixtral, 2, 1, 2), 22548578304 + 1605636096);
}

static void ranks_have_a_cache_each(void **state)
{
    (void)state;
    struct ledger one = ledger_of(&mixtral, spread(4, 1, 1));
    struct ledger four = ledger_of(&mixtral, spread(1, 1, 4));
    assert_int_equal(one.block_bytes, 16 * 32768);
    assert_int_equal(four.block_bytes, 16 * 131072);
    assert_int_equal(four.n_blocks, 4 * (four.kv_bytes / four.block_bytes));
    assert_int_equal(one.n_blocks, one.kv_bytes / one.block_bytes);
}

static void the_cache_of_mla_is_whole_on_every_gpu(void **state)
{
    (void)state;
    /* 16 x 61 x 576 x 2 bytes, tensor parallel or not; with 8-bit numbers half */
    assert_int_equal(ledger_of(&deepseek_v3, spread(1, 1, 1)).block_bytes, 1124352);
    assert_int_equal(ledger_of(&deepseek_v3, spread(8, 1, 1)).block_bytes, 1124352);
    struct llm fp8 = deepseek_v3;
    fp8.kv_precision = PRECISION_FP8;
    assert_int_equal(ledger_of(&fp8, spread(8, 1, 1)).block_bytes, 562176);
}

static void weights_are_of_their_precision(void **state)
{
    (void)state;
    /* DeepSeek-V3 in FP8: a byte each, but 2 x 926,679,040 of embedding and head and
     * 123 x 7,168 of norms have two */
    assert_int_equal(weights_of(&deepseek_v3, 1, 1, 1),
                     INT64_C(671026279424) + 2 * 926679040 + 123 * 7168);
}

static void linear_layers_keep_a_state_per_sequence_instead_of_blocks(void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    llm.n_linear_layers = 24;
    llm.linear_params = 4099;
    llm.linear_state = 65536;
    /* 24 x 65,536 x 4 bytes x 37 sequences; 8 layers x 4,096 bytes x 16 tokens */
    struct ledger ledger = ledger_of(&llm, spread(1, 1, 1));
    assert_int_equal(ledger.state_bytes, 232783872);
    assert_int_equal(ledger.block_bytes, 524288);
    assert_int_equal(ledger_of(&llm, spread(4, 1, 1)).state_bytes, 58195968);
    assert_int_equal(ledger.kv_bytes, ledger.memory_bytes - ledger.weight_bytes -
                                          ledger.activation_bytes - 232783872);
    assert_int_equal(ledger_of(&llama_8b, spread(1, 1, 1)).state_bytes, 0);
}

static void windows_keep_room_for_a_batch_where_that_leaves_more_blocks(void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    llm.n_window_layers = 19;
    llm.window_tokens = 137;
    /* 37 sequences x 160 tokens (10 blocks of 16) x 19 layers x 4,096 bytes */
    struct ledger ledger = ledger_of(&llm, spread(1, 1, 1));
    assert_int_equal(ledger.window_bytes, 37LL * 160 * 19 * 4096);
    assert_int_equal(ledger.block_bytes, 16 * 13 * 4096);
    /* a window as long as everything would take more than it leaves */
    llm.window_tokens = 10000000;
    ledger = ledger_of(&llm, spread(1, 1, 1));
    assert_int_equal(ledger.window_bytes, 0);
    assert_int_equal(ledger.block_bytes, 16 * 32 * 4096);
    /* the tokens that an indexer picks come from all of them */
    llm.window_tokens = 137;
    llm.index_heads = 32;
    llm.index_head_dim = 128;
    ledger = ledger_of(&llm, spread(1, 1, 1));
    assert_int_equal(ledger.window_bytes, 0);
    assert_int_equal(ledger.block_bytes, 16 * (32 * 4096 + 19 * 128));
}

static void activations_are_as_wide_as_the_widest_mlp(void **state)
{
    (void)state;
    /* 2 bytes x 137 tokens x (4 x 4096 + 3 x 14336), and Mixtral's two experts of 14,336 */
    assert_int_equal(ledger_of(&llama_8b, spread(1, 1, 1)).activation_bytes, 16273408);
    assert_int_equal(ledger_of(&mixtral, spread(1, 1, 1)).activation_bytes, 28057600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stage_holds_its_layers_and_one_of_the_embeddings),
        cmocka_unit_test(experts_are_spread_over_all_ranks_and_the_rest_is_on_each),
        cmocka_unit_test(ranks_have_a_cache_each),
        cmocka_unit_test(the_cache_of_mla_is_whole_on_every_gpu),
        cmocka_unit_test(weights_are_of_their_precision),
        cmocka_unit_test(linear_layers_keep_a_state_per_sequence_instead_of_blocks),
        cmocka_unit_test(windows_keep_room_for_a_batch_where_that_leaves_more_blocks),
        cmocka_unit_test(activations_are_as_wide_as_the_widest_mlp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
