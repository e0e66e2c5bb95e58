#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "model_world.h"

/* Mixtral on an H100 with the ideal engine, in femtoseconds:
 *
 *   W_a  1,342,177,280  2,713,113,564 a token     801,299,868,657 a read
 *   routers 1,048,576   2,119,620 a token         626,015,522 a read
 *   W_e  5,637,144,576  2 x 11,395,076,968 a token, both experts it visits
 *   h V  131,072,000    264,952,496 an emission   78,251,940,299 a read
 *
 * T tokens visit E_act(T) = 8 (1 - 0.75^T) experts, 3,365,459,448,358.209 fs each. */
static const int64_t expert_token = 22790153936;
static const int64_t others_read = 801299868657 + 626015522 + 78251940299;

static void assert_experts(const struct llm *llm, int64_t tokens)
{
    struct cost cost = must_cost(&by_operation, &h100, llm, &ideal, tensor(1));
    struct step_counts counts = {.n_decodes = tokens};
    double n = (double)llm->n_experts;
    double k = (double)llm->n_experts_active;
    double expected = n * (1.0 - pow(1.0 - k / n, (double)tokens));
    int64_t milli = cost_expert_milli(&cost, &counts);
    assert_true(fabs((double)milli - expected * 1e3) < 0.6);
    cost_free(&cost);
}

static void tokens_visit_the_expected_number_of_distinct_experts(void **state)
{
    (void)state;
    for (int64_t tokens = 0; tokens < 1000; tokens++) {
        assert_experts(&mixtral, tokens);
        assert_experts(&deepseek_v3, tokens);
        assert_experts(&gpt_oss_120b, tokens);
    }
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &ideal, tensor(1));
    struct step_counts counts = {.n_decodes = 4};
    assert_int_equal(cost_expert_milli(&cost, &counts), 5469);
    cost_free(&cost);
    cost = must_cost(&by_operation, &h100, &deepseek_v3, &ideal, tensor(1));
    counts.n_decodes = 16;
    assert_int_equal(cost_expert_milli(&cost, &counts), 101962);
    counts.n_decodes = 64;
    assert_int_equal(cost_expert_milli(&cost, &counts), 222442);
    counts.prefill_tokens = 1000003; /* far beyond the table */
    assert_int_equal(cost_expert_milli(&cost, &counts), 256000);
    cost_free(&cost);
}

static void a_moe_step_reads_the_experts_that_its_tokens_visit(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &ideal, tensor(1));
    static const int64_t reads[][2] = {{1, 6730918896716},
                                       {2, 11779108069254},
                                       {4, 18404856358209},
                                       {7, 23329798724776}};
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        struct step_counts counts = {.n_decodes = reads[i][0],
                                     .decode_context = 4099,
                                     .n_emitting = reads[i][0]};
        assert_price(price_of(&cost, counts), 0, others_read + reads[i][1],
                     INT64_C(4099) * 39125970, 0, 0);
    }
    cost_free(&cost);
}

static void from_some_tokens_on_experts_compute_longer_than_they_are_read(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &ideal, tensor(1));
    /* all 8 experts but 10^-4 are read from the 40th token on: 26.9 ms; 1,181 tokens
     * compute as long */
    int64_t all = cost.full[0].expert_fs[cost.n_expert_fs - 1];
    assert_int_equal(cost.n_expert_fs, 41);
    assert_true(all < 26923675586865 && all > 26923675586865 - 336545945);
    struct step_counts counts = {.prefill_tokens = 1181, .prefill_context = 1181};
    assert_int_equal(wide_narrow(price_of(&cost, counts).fs[BOUND_WEIGHT]), all);
    counts.prefill_tokens = 1182;
    struct step_price price = price_of(&cost, counts);
    assert_int_equal(wide_narrow(price.fs[BOUND_WEIGHT]), 0);
    assert_int_equal(wide_narrow(price.fs[BOUND_COMPUTE]),
                     1182 * (expert_token + 2713113564 + 2119620));
    cost_free(&cost);
}

static void experts_overlap_by_their_own_share(void **state)
{
    (void)state;
    struct constants constants = ideal;
    struct step_counts counts = {.n_decodes = 7, .n_emitting = 7};
    constants.expert_overlap_nano = 0;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &constants, tensor(1));
    const int64_t reads = others_read + 23329798724776;
    assert_price(price_of(&cost, counts), 7 * expert_token, reads, 0, 0, 0);
    cost_free(&cost);
    constants.expert_overlap_nano = 500000000;
    cost = must_cost(&by_operation, &h100, &mixtral, &constants, tensor(1));
    assert_price(price_of(&cost, counts), 7 * expert_token / 2, reads, 0, 0, 0);
    cost_free(&cost);
    /* the others by half, 2,713,113,564 / 2 + 2,119,620 / 2 + 264,952,496 / 2 */
    constants.expert_overlap_nano = 1000000000;
    constants.overlap_nano = 500000000;
    cost = must_cost(&by_operation, &h100, &mixtral, &constants, tensor(1));
    assert_price(price_of(&cost, counts),
                 7 * (INT64_C(1356556782) + 1059810 + 132476248), reads, 0, 0, 0);
    cost_free(&cost);
}

static void experts_reach_efficiencies_of_their_own(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.expert_compute_efficiency_nano = 250000000;
    constants.expert_memory_efficiency_nano = 500000000;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &constants, tensor(1));
    const struct cost_term *terms = cost.full[0].terms[0];
    assert_int_equal(terms[COST_EXPERTS].compute_fs, 91160615743);
    assert_int_equal(terms[COST_PROJECTIONS].compute_fs, 2713113564);
    assert_int_equal(terms[COST_PROJECTIONS].memory_fs, 801299868657);
    assert_int_equal(cost.full[0].expert_fs[1], 13461837793433);
    cost_free(&cost);
}

static void a_decode_of_mla_computes_more_per_pair_and_reads_little(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &deepseek_v3, &ideal, tensor(1));
    const struct cost_term *terms = cost.full[0].terms[0];
    /* 61 x 278,528 and 61 x 81,920 FLOPs a pair, 70,272 bytes a token */
    assert_int_equal(terms[COST_DECODE_ATTENTION].compute_fs, 17172234);
    assert_int_equal(terms[COST_PREFILL_ATTENTION].compute_fs, 5050657);
    assert_int_equal(terms[COST_DECODE_ATTENTION].memory_fs, 20976716);
    assert_int_equal(terms[COST_PREFILL_ATTENTION].memory_fs, 20976716);
    cost_free(&cost);
    /* the cache is on each of 8 GPUs, the heads are shared */
    cost = must_cost(&by_operation, &h100, &deepseek_v3, &ideal, tensor(8));
    terms = cost.full[0].terms[0];
    assert_int_equal(terms[COST_DECODE_ATTENTION].compute_fs, 2146529);
    assert_int_equal(terms[COST_DECODE_ATTENTION].memory_fs, 20976716);
    cost_free(&cost);
}

static void naive_attention_writes_and_reads_the_scores_of_a_prefill(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.attention_kernel = CONSTANTS_NAIVE;
    struct cost cost =
        must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    /* 137 tokens: 9,453 pairs x 8 x 32 x 32 bytes, 2,445,373 fs; 137 x 39,125,970 */
    struct step_counts counts = {0};
    cost_count_chunk(&cost, &counts, 0, 137);
    assert_int_equal(wide_narrow(price_of(&cost, counts).fs[BOUND_KV]),
                     9453 * INT64_C(2445373) + 137 * INT64_C(39125970));
    /* decodes have no scores to speak of */
    struct step_counts decodes = {.n_decodes = 7, .decode_context = 4099};
    assert_int_equal(wide_narrow(price_of(&cost, decodes).fs[BOUND_KV]),
                     4099 * INT64_C(39125970));
    /* nor linear layers */
    struct llm llm = llama_8b;
    llm.n_linear_layers = 16;
    llm.linear_params = 41943040;
    llm.linear_state = 524288;
    cost = must_cost(&by_operation, &h100, &llm, &constants, tensor(1));
    assert_int_equal(cost.full[0].naive_pair_fs, 1222687);
    constants.attention_kernel = CONSTANTS_MINIMAL;
    cost = must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    assert_int_equal(cost.full[0].naive_pair_fs, 0);
}

static void a_scale_multiplies_everything(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.sequence_overhead_fs = 3000000000;
    constants.step_overhead_fs = 300000000000;
    struct cost_config config = by_operation;
    config.scale_nano = 1370000000;
    struct cost cost = must_cost(&config, &h100, &llama_8b, &constants, tensor(1));
    const struct cost_term *terms = cost.full[0].terms[0];
    assert_int_equal(terms[COST_MLP].compute_fs, 15611255446);
    assert_int_equal(terms[COST_MLP].memory_fs, 4610679444251);
    assert_int_equal(cost.sequence_fs, 4110000000);
    assert_int_equal(cost.overhead_fs, 411000000000);
}

static void overheads_are_per_step_and_kind_of_layer_and_more_with_prefill(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.step_overhead_fs = 137000000;
    constants.layer_overhead_fs = 4099000;
    constants.compound_layer_overhead_fs = 70001;
    constants.quantised_layer_overhead_fs = 13;
    constants.moe_layer_overhead_fs = 919000;
    constants.prefill_overhead_fs = 37000000;
    constants.compound_prefill_overhead_fs = 41;
    constants.moe_prefill_overhead_fs = 11000000;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &constants, tensor(1));
    const int64_t step = 137000000 + 32 * (4099000 + 919000);
    struct step_counts counts = {.n_decodes = 7};
    assert_int_equal(wide_narrow(price_of(&cost, counts).fs[BOUND_OVERHEAD]), step);
    cost_count_chunk(&cost, &counts, 0, 3);
    assert_int_equal(wide_narrow(price_of(&cost, counts).fs[BOUND_OVERHEAD]),
                     step + 37000000 + 32 * 11000000);
    cost_free(&cost);
    /* 61 layers of MLA in FP8, 58 with experts */
    cost = must_cost(&by_operation, &h100, &deepseek_v3, &constants, tensor(1));
    assert_int_equal(cost.overhead_fs,
                     137000000 + 61 * (4099000 + 70001 + 13) + 58 * 919000);
    assert_int_equal(cost.prefill_fs, 37000000 + 61 * 41 + 58 * 11000000);
    cost_free(&cost);
}

static void an_all_reduce_takes_longer_with_every_doubling_of_gpus(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.allreduce_latency_fs = 4099000;
    constants.allreduce_doubling_fs = 137;
    static const int64_t cases[][2] = {{2, 0}, {4, 1}, {8, 2}, {16, 3}, {32, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cost cost =
            must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(cases[i][0]));
        assert_int_equal(cost.network_fs, 64 * (4099000 + 137 * cases[i][1]));
    }
    struct cost one = must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    assert_int_equal(one.network_fs, 0);
}

static void attention_has_an_efficiency_and_an_overlap_of_its_own(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.attention_compute_efficiency_nano = 500000000;
    constants.attention_overlap_nano = 750000000;
    struct cost cost =
        must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    const struct cost_term *terms = cost.full[0].terms[0];
    /* 2 x 529,905.2 fs a pair, a quarter of which shows beside 39,125,970 of memory */
    assert_int_equal(terms[COST_DECODE_ATTENTION].compute_fs, 1059810);
    assert_int_equal(terms[COST_MLP].compute_fs, 11395076968);
    struct step_counts counts = {.n_decodes = 7, .decode_context = 4099};
    struct step_price price = price_of(&cost, counts);
    assert_int_equal(wide_narrow(price.fs[BOUND_KV]), 4099 * INT64_C(39125970));
    assert_int_equal(wide_narrow(price.fs[BOUND_COMPUTE]), 4099 * INT64_C(264953));
}

static void number_formats_reach_their_own_share_of_their_own_rates(void **state)
{
    (void)state;
    struct constants constants = ideal;
    struct llm llm = llama_8b;
    struct accelerator gpu = h100;
    constants.fp8_compute_efficiency_nano = 500000000;
    llm.weight_precision = PRECISION_FP8;
    struct cost cost = must_cost(&by_operation, &gpu, &llm, &constants, tensor(1));
    assert_int_equal(cost.full[0].terms[0][COST_MLP].compute_fs, 11394501139);
    /* without such units it is the BF16 rate, whole; BF16 is not concerned */
    gpu.fp8_flop_per_s = 0;
    cost = must_cost(&by_operation, &gpu, &llm, &constants, tensor(1));
    assert_int_equal(cost.full[0].terms[0][COST_MLP].compute_fs, 11395076968);
    cost = must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    assert_int_equal(cost.full[0].terms[0][COST_MLP].compute_fs, 11395076968);
    /* nor does anybody compute on units that are slower */
    gpu.fp8_flop_per_s = 62800000000000;
    constants.quantised_layer_overhead_fs = 137;
    cost = must_cost(&by_operation, &gpu, &llm, &constants, tensor(1));
    assert_int_equal(cost.full[0].terms[0][COST_MLP].compute_fs, 11395076968);
    assert_int_equal(cost.overhead_fs, 0);
    cost = must_cost(&by_operation, &h100, &llm, &constants, tensor(1));
    assert_int_equal(cost.overhead_fs, 32 * 137);
}

static void copies_of_tokens_for_experts_are_activations_too(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.activation_traffic_nano = 8200000000;
    constants.expert_activation_traffic_nano = 3700000000;
    struct cost cost = must_cost(&by_operation, &h100, &mixtral, &constants, tensor(1));
    /* 2 x 4096 x 32 x (8.2 + 2 x 3.7) = 4,089,446.4 bytes a token */
    assert_int_equal(cost.full[0].terms[0][COST_ACTIVATIONS].memory_fs, 1220730269);
    cost_free(&cost);
    /* two ranks of two GPUs, each with half of the tokens: slices of experts need all
     * tokens, 2 x 4096 x 32 x (8.2 / 2 + 2 x 3.7); whole ones a quarter of them */
    struct layout layout = {.tp = 2, .pp = 1, .dp = 2};
    cost = must_cost(&by_operation, &h100, &mixtral, &constants, layout);
    assert_int_equal(cost.full[0].terms[0][COST_ACTIVATIONS].memory_fs, 899897313);
    cost_free(&cost);
    layout.expert_parallel = 1;
    cost = must_cost(&by_operation, &h100, &mixtral, &constants, layout);
    assert_int_equal(cost.full[0].terms[0][COST_ACTIVATIONS].memory_fs, 465599045);
    cost_free(&cost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_visit_the_expected_number_of_distinct_experts),
        cmocka_unit_test(a_moe_step_reads_the_experts_that_its_tokens_visit),
        cmocka_unit_test(from_some_tokens_on_experts_compute_longer_than_they_are_read),
        cmocka_unit_test(experts_overlap_by_their_own_share),
        cmocka_unit_test(experts_reach_efficiencies_of_their_own),
        cmocka_unit_test(a_decode_of_mla_computes_more_per_pair_and_reads_little),
        cmocka_unit_test(naive_attention_writes_and_reads_the_scores_of_a_prefill),
        cmocka_unit_test(a_scale_multiplies_everything),
        cmocka_unit_test(
            overheads_are_per_step_and_kind_of_layer_and_more_with_prefill),
        cmocka_unit_test(an_all_reduce_takes_longer_with_every_doubling_of_gpus),
        cmocka_unit_test(attention_has_an_efficiency_and_an_overlap_of_its_own),
        cmocka_unit_test(number_formats_reach_their_own_share_of_their_own_rates),
        cmocka_unit_test(copies_of_tokens_for_experts_are_activations_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
