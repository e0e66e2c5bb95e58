#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

static struct layout stages(int64_t pp)
{
    return (struct layout){.tp = 1, .pp = pp, .dp = 1};
}

/* 3 stages of Llama-3.1-8B have 11, 11 and 10 of 32 layers: the step takes three times
 * the time of 11, 33/32 of everything.
 *
 *   projections  2,713,113,564 x 33/32 = 2,797,898,363 a token, 826,340,489,552 a read
 *   MLP          11,751,173,123 a token, 3,470,630,056,119 a read
 *   context      40,348,657, a pair 546,465
 *   head         not in every stage: 313,633,776,716 a read, one per micro-batch */
enum { CONTEXT_3 = 13449552, PAIR_3 = 182155 };
static const int64_t layers_read = 826340489552 + 3470630056119;

static void the_largest_stage_of_a_pipeline_sets_the_pace(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, stages(3));
    /* 7 sequences: three micro-batches, each a third of the contexts; 3 x 2 h bytes a
     * token over the boundaries, a third of them at once: 18,204,444 fs */
    struct step_counts counts = {
        .n_decodes = 7, .decode_context = 4099, .n_emitting = 7};
    assert_int_equal(cost_micro_batches(&cost, &counts), 3);
    assert_price(price_of(&cost, counts), 0, layers_read + 940901330149,
                 INT64_C(4099) * CONTEXT_3, 7 * INT64_C(18204444), 0);
    /* one layer in three, or as many as there are: 32 / 2 is even */
    cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, stages(2));
    assert_int_equal(cost.full[0].terms[0][COST_MLP].memory_fs, 3365459448358);
}

static void too_few_sequences_leave_a_bubble(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, stages(3));
    struct step_counts counts = {
        .n_decodes = 1, .decode_context = 4099, .n_emitting = 1};
    assert_int_equal(cost_micro_batches(&cost, &counts), 1);
    assert_price(price_of(&cost, counts), 0, layers_read + 313633776716,
                 INT64_C(4099) * 40348657, 54613333, 0);
    counts.n_chunks = 1; /* a chunk is a sequence */
    assert_int_equal(cost_micro_batches(&cost, &counts), 2);
    /* a prompt alone passes the stages one after the other: no faster than one GPU */
    struct step_counts prompt = {.n_chunks = 1,
                                 .prefill_tokens = 4099,
                                 .prefill_pairs = 8402950,
                                 .prefill_context = 4099};
    assert_price(price_of(&cost, prompt),
                 4099 * (INT64_C(2797898363) + 11751173123) + INT64_C(8402950) * 546465,
                 0, 0, 4099 * INT64_C(54613333), 0);
}

static void a_full_pipeline_computes_as_fast_as_its_gpus(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, stages(3));
    struct step_counts prompts = {.n_chunks = 3,
                                  .prefill_tokens = 4099,
                                  .prefill_pairs = 8402950,
                                  .prefill_context = 4099};
    assert_price(price_of(&cost, prompts),
                 4099 * (INT64_C(932632788) + 3917057708) + INT64_C(8402950) * PAIR_3,
                 0, 0, 4099 * INT64_C(18204444), 0);
}

static void stages_pay_for_the_layers_of_the_largest_and_a_message_each(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.layer_overhead_fs = 20000000000;
    constants.step_overhead_fs = 137;
    constants.allreduce_latency_fs = 4000000000;
    struct cost cost =
        must_cost(&by_operation, &h100, &llama_8b, &constants, stages(3));
    assert_int_equal(cost.overhead_fs, 137 + 33 * INT64_C(20000000000));
    assert_int_equal(cost.network_fs, 3 * INT64_C(4000000000));
}

/* Mixtral on 2 x 2 GPUs: attention on two, requests split in two, experts over four. */
static const struct layout two_by_two = {.tp = 2, .pp = 1, .dp = 2};

static void data_parallel_ranks_share_tokens_and_experts(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &ideal, two_by_two);
    const struct cost_term *terms = cost.full[0].terms[0];
    assert_int_equal(terms[COST_PROJECTIONS].compute_fs, 678278391);
    assert_int_equal(terms[COST_PROJECTIONS].memory_fs, 400649934328);
    assert_int_equal(terms[COST_HEAD].compute_fs, 66238124);
    assert_int_equal(terms[COST_HEAD].memory_fs, 39125970149);
    assert_int_equal(terms[COST_DECODE_ATTENTION].compute_fs, 132476);
    assert_int_equal(terms[COST_DECODE_ATTENTION].memory_fs, 9781493);
    assert_int_equal(terms[COST_EXPERTS].compute_fs, 5697538484);
    /* the experts of all 7 tokens, a quarter of their bytes on each GPU */
    assert_int_equal(cost.full[0].expert_fs[7], 5832449681194);
    /* a token: 64 all-reduces, half of 8,192 bytes x 2 x 1/2 each; 32 layers x 2
     * experts x 3 x 4096 bytes, 3/4 of them leave, a quarter from each GPU */
    assert_int_equal(cost.network_token_fs[0], 582542222 + 327680000);
    cost_free(&cost);
}

static void the_fullest_gpu_sets_the_pace_of_whole_experts(void **state)
{
    (void)state;
    struct constants constants = ideal;
    struct layout layout = two_by_two;
    constants.expert_imbalance_nano = 1370000000;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &constants, layout);
    assert_int_equal(cost.full[0].expert_fs[7], 5832449681194); /* slices are alike */
    cost_free(&cost);
    layout.expert_parallel = 1;
    cost = must_cost(&by_operation, &h100, &mixtral, &constants, layout);
    assert_int_equal(cost.full[0].expert_fs[7], 7990456063236);
    assert_int_equal(cost.full[0].terms[0][COST_EXPERTS].compute_fs, 7805627723);
    assert_int_equal(cost.full[0].terms[0][COST_MLP].memory_fs, 313007761);
    cost_free(&cost);
}

static void ranks_split_the_overhead_of_sequences_and_pay_for_dispatch(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.sequence_overhead_fs = 3000000001;
    constants.allreduce_latency_fs = 4000000000;
    constants.alltoall_latency_fs = 13700000000;
    constants.network_overlap_nano = 250000000;
    struct cost cost =
        must_cost(&by_operation, &h100, &mixtral, &constants, two_by_two);
    assert_int_equal(cost.sequence_fs, 1500000001); /* half up */
    /* three quarters of 64 x (4 us + 13.7 us) */
    assert_int_equal(cost.network_fs, 849600000000);
    assert_int_equal(cost.network_token_fs[0], 682666667);
    cost_free(&cost);
}

static void the_link_is_that_of_the_node_of_pcie_or_of_the_network(void **state)
{
    (void)state;
    struct accelerator gpu = h100;
    struct constants constants = ideal;
    gpu.gpus_per_node = 2; /* all-reduces stay inside; 50 GB/s for copies of tokens */
    struct cost cost = must_cost(&by_operation, &gpu, &mixtral, &ideal, two_by_two);
    assert_int_equal(cost.network_token_fs[0], 582542222 + INT64_C(2949120000));
    cost_free(&cost);
    gpu.gpus_per_node = 1; /* nothing stays inside */
    cost = must_cost(&by_operation, &gpu, &mixtral, &ideal, two_by_two);
    assert_int_equal(cost.network_token_fs[0], INT64_C(5242880000) + 2949120000);
    cost_free(&cost);
    gpu.gpus_per_node = 8;
    gpu.link = ACCELERATOR_PCIE; /* a fifth of 450 GB/s */
    cost = must_cost(&by_operation, &gpu, &mixtral, &ideal, two_by_two);
    assert_int_equal(cost.network_token_fs[0], 4551111111);
    cost_free(&cost);
    gpu.link = ACCELERATOR_FABRIC;
    constants.link_efficiency_nano = 500000000;
    cost = must_cost(&by_operation, &gpu, &mixtral, &constants, two_by_two);
    assert_int_equal(cost.network_token_fs[0], 1820444444);
    cost_free(&cost);
}

static void two_stages_of_a_node_each_reduce_inside_it(void **state)
{
    (void)state;
    struct accelerator gpu = h100;
    struct layout layout = {.tp = 8, .pp = 2, .dp = 1};
    /* 64 all-reduces of 2 x 7/8 x 8,192 bytes at 450 GB/s, half a step each; 2 x 8,192
     * bytes at 50 GB/s */
    struct cost cost = must_cost(&by_operation, &gpu, &llama_8b, &ideal, layout);
    assert_int_equal(cost.network_token_fs[0], INT64_C(2038897778) + 327680000);
    /* a ring over two nodes uses the ports of all their GPUs: 8 x 50 GB/s */
    cost = must_cost(&by_operation, &gpu, &llama_8b, &ideal, tensor(16));
    assert_int_equal(cost.network_token_fs[0], 2457600000);
    gpu.node_bytes_per_s *= 2; /* the link is the slower one now */
    cost = must_cost(&by_operation, &gpu, &llama_8b, &ideal, tensor(16));
    assert_int_equal(cost.network_token_fs[0], 2184533333);
}

static void the_knee_is_once_per_rank_and_micro_batch(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.knee_tokens = 137;
    struct layout layout = {.tp = 1, .pp = 2, .dp = 2};
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &constants, layout);
    /* each of 2 micro-batches on each of 2 ranks adds 137 tokens, a quarter at a time */
    assert_int_equal(cost.knee_tokens[0], 274);
    assert_int_equal(cost.knee_tokens[1], 548);
    struct step_counts counts = {
        .n_chunks = 2, .prefill_tokens = 4099, .prefill_context = 4099};
    struct cost_sides sides[N_COST_CLASSES];
    cost_sides_of(&cost, &cost.full[1], &counts, sides);
    assert_int_equal(wide_narrow(sides[COST_PROJECTIONS].compute_fs),
                     (4099 + 548) * INT64_C(678278391));
    cost_free(&cost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_stage_of_a_pipeline_sets_the_pace),
        cmocka_unit_test(too_few_sequences_leave_a_bubble),
        cmocka_unit_test(a_full_pipeline_computes_as_fast_as_its_gpus),
        cmocka_unit_test(stages_pay_for_the_layers_of_the_largest_and_a_message_each),
        cmocka_unit_test(data_parallel_ranks_share_tokens_and_experts),
        cmocka_unit_test(the_fullest_gpu_sets_the_pace_of_whole_experts),
        cmocka_unit_test(ranks_split_the_overhead_of_sequences_and_pay_for_dispatch),
        cmocka_unit_test(the_link_is_that_of_the_node_of_pcie_or_of_the_network),
        cmocka_unit_test(two_stages_of_a_node_each_reduce_inside_it),
        cmocka_unit_test(the_knee_is_once_per_rank_and_micro_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
