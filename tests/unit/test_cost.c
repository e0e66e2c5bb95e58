#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hardware_world.h"

/* Llama-3.1-8B on an H100 with the ideal engine.  Femtoseconds, from the data sheets:
 *
 *   W_a 1,342,177,280  2 W_a / 989.4e12 = 2.713113564e-6 s   2 B x W_a / 3.35e12
 *   W_d 5,637,144,576  2 W_d / 989.4e12 = 11.395076968e-6 s  2 B x W_d / 3.35e12
 *   h V 525,336,576    2 h V / 989.4e12 = 1.061929606e-6 s   2 B x h V / 3.35e12
 *   a pair             524,288 / 989.4e12 = 0.529905e-9 s
 *   a context token    131,072 / 3.35e12 = 39.12597e-9 s
 */
enum {
    PAIR = 529905,
    CONTEXT = 39125970,
};
static const int64_t projections_token = 2713113564;
static const int64_t mlp_token = 11395076968;
static const int64_t head_token = 1061929606;
static const int64_t projections_read = 801299868657;
static const int64_t mlp_read = 3365459448358;
static const int64_t head_read = 313633776716;

static void coefficients_are_the_data_sheet_divided_out(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    for (int mixed = 0; mixed < 2; mixed++) {
        const struct cost_term *terms = cost.full[0].terms[mixed];
        assert_int_equal(terms[COST_PROJECTIONS].compute_fs, projections_token);
        assert_int_equal(terms[COST_PROJECTIONS].memory_fs, projections_read);
        assert_int_equal(terms[COST_MLP].compute_fs, mlp_token);
        assert_int_equal(terms[COST_MLP].memory_fs, mlp_read);
        assert_int_equal(terms[COST_HEAD].compute_fs, head_token);
        assert_int_equal(terms[COST_HEAD].memory_fs, head_read);
        assert_int_equal(terms[COST_DECODE_ATTENTION].compute_fs, PAIR);
        assert_int_equal(terms[COST_DECODE_ATTENTION].memory_fs, CONTEXT);
        assert_int_equal(terms[COST_PREFILL_ATTENTION].compute_fs, PAIR);
        assert_int_equal(terms[COST_PREFILL_ATTENTION].memory_fs, CONTEXT);
        assert_int_equal(terms[COST_ACTIVATIONS].memory_fs, 0);
    }
}

static void a_small_decode_step_waits_for_weights_and_kv(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    /* 7 tokens x 11.4 us of MLP are far below the 3.4 ms its weights take: memory */
    struct step_price price = price_of(
        &cost,
        (struct step_counts){.n_decodes = 7, .decode_context = 4099, .n_emitting = 7});
    assert_price(price, 0, projections_read + mlp_read + head_read,
                 INT64_C(4099) * CONTEXT, 0, 0);
    /* 4,480,393,093,731 + 160,377,351,030 fs = 4,640,770,444,761 fs = 4.64 ms */
    assert_int_equal(cost_duration_ns(cost_sum_fs(&price)), 4640770);
}

static void each_operation_changes_sides_at_its_own_batch(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    /* The ridge is 989.4e12 / 3.35e12 = 295.3 FLOP per byte, and a BF16 matrix does
     * 1 FLOP per byte and token: 295 tokens still wait for weights, 296 do not. */
    struct step_price below = price_of(
        &cost, (struct step_counts){
                   .n_decodes = 295, .decode_context = 4099, .n_emitting = 295});
    assert_price(below, 0, projections_read + mlp_read + head_read,
                 INT64_C(4099) * CONTEXT, 0, 0);
    struct step_price above = price_of(
        &cost, (struct step_counts){
                   .n_decodes = 296, .decode_context = 4099, .n_emitting = 296});
    assert_price(above, 296 * (projections_token + mlp_token + head_token), 0,
                 INT64_C(4099) * CONTEXT, 0, 0);
    /* 296 tokens of which 13 emit: the head alone still waits for its weights */
    struct step_price few = price_of(&cost, (struct step_counts){.n_decodes = 296,
                                                                 .decode_context = 4099,
                                                                 .n_emitting = 13});
    assert_price(few, 296 * (projections_token + mlp_token), head_read,
                 INT64_C(4099) * CONTEXT, 0, 0);
}

static void a_prefill_chunk_reads_no_head_until_it_emits(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    /* 137 tokens on top of 4,096: 137 x 4096 + 137 x 138 / 2 = 570,605 pairs;
     * 570,605 x 0.53 ns = 302 us of compute, 4,233 x 39 ns = 166 us of memory */
    struct step_counts chunk = {
        .prefill_tokens = 137, .prefill_pairs = 570605, .prefill_context = 4233};
    assert_price(price_of(&cost, chunk), INT64_C(570605) * PAIR,
                 projections_read + mlp_read, 0, 0, 0);
    chunk.n_emitting = 1;
    assert_price(price_of(&cost, chunk), INT64_C(570605) * PAIR,
                 projections_read + mlp_read + head_read, 0, 0, 0);
}

static void one_max_over_the_step_is_at_most_the_sum_of_maxima(void **state)
{
    (void)state;
    struct cost step = must_cost(&by_step, &h100, &llama_8b, &ideal, tensor(1));
    struct cost operation =
        must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    /* Decodes of 307 sequences with 99,991 tokens of context.  Compute: 307 tokens and
     * 99,991 pairs, 4,657,226,882,366 + 52,985,730,855 fs; memory: the weights and
     * 99,991 x 39,125,970 fs, 8,392,637,960,001 fs, which is longer. */
    struct step_counts counts = {
        .n_decodes = 307, .decode_context = 99991, .n_emitting = 307};
    assert_price(price_of(&step, counts), 0, projections_read + mlp_read + head_read,
                 INT64_C(99991) * CONTEXT, 0, 0);
    /* the operations by themselves: matrices by compute, attention by memory */
    assert_price(price_of(&operation, counts),
                 307 * (projections_token + mlp_token + head_token), 0,
                 INT64_C(99991) * CONTEXT, 0, 0);
    /* 4,099 tokens of context: memory has 4,640,770,444,761 fs, less than compute */
    counts.decode_context = 4099;
    assert_price(price_of(&step, counts),
                 307 * (projections_token + mlp_token + head_token) +
                     INT64_C(4099) * PAIR,
                 0, 0, 0, 0);
}

static void without_overlap_the_shorter_side_is_paid_too(void **state)
{
    (void)state;
    struct constants constants = ideal;
    struct step_counts counts = {
        .n_decodes = 7, .decode_context = 4099, .n_emitting = 7};
    constants.overlap_nano = constants.attention_overlap_nano = 0;
    struct cost none =
        must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    int64_t compute =
        7 * (projections_token + mlp_token + head_token) + INT64_C(4099) * PAIR;
    assert_price(price_of(&none, counts), compute,
                 projections_read + mlp_read + head_read, INT64_C(4099) * CONTEXT, 0,
                 0);
    /* a quarter of it: 2,713,113,564 / 4 and 11,395,076,968 / 4 are whole; the head's
     * 265,482,401.5 and the pair's 132,476.25 round half up */
    constants.overlap_nano = constants.attention_overlap_nano = 750000000;
    struct cost some_of_it =
        must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    assert_price(
        price_of(&some_of_it, counts),
        7 * (INT64_C(678278391) + 2848769242 + 265482402) + INT64_C(4099) * 132476,
        projections_read + mlp_read + head_read, INT64_C(4099) * CONTEXT, 0, 0);
    struct cost step = must_cost(&by_step, &h100, &llama_8b, &constants, tensor(1));
    assert_price(
        price_of(&step, counts),
        7 * (INT64_C(678278391) + 2848769242 + 265482402) + INT64_C(4099) * 132476,
        projections_read + mlp_read + head_read, INT64_C(4099) * CONTEXT, 0, 0);
}

static void two_gpus_halve_the_work_and_pay_two_reductions_a_layer(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.allreduce_latency_fs = 4000000000;
    constants.layer_overhead_fs = 20000000000;
    constants.step_overhead_fs = 300000000000;
    constants.sequence_overhead_fs = 3000000000;
    struct cost cost =
        must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(2));
    assert_int_equal(cost.full[0].terms[0][COST_DECODE_ATTENTION].compute_fs, 264952);
    assert_int_equal(cost.full[0].terms[0][COST_DECODE_ATTENTION].memory_fs, 19562985);
    /* 64 reductions of 4 us; a token has 2 x 4096 bytes in each, a ring of two moves
     * 2 x 1/2 of them: 64 x 8,192 / 450e9 s = 1,165,084,444 fs a token.
     * 300 us + 32 x 20 us + 7 x 3 us = 961 us of overhead. */
    assert_price(price_of(&cost, (struct step_counts){.n_decodes = 7,
                                                      .decode_context = 4099,
                                                      .n_emitting = 7}),
                 0, 400649934328 + 1682729724179 + 156816888358,
                 INT64_C(4099) * 19562985, 256000000000 + 7 * INT64_C(1165084444),
                 961000000000);
    struct cost one = must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    assert_price(price_of(&one, (struct step_counts){.n_decodes = 7,
                                                     .decode_context = 4099,
                                                     .n_emitting = 7}),
                 0, projections_read + mlp_read + head_read, INT64_C(4099) * CONTEXT, 0,
                 300000000000 + 32 * INT64_C(20000000000) + 7 * INT64_C(3000000000));
}

static void only_mixed_steps_read_kv_at_the_mixed_rate(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.mixed_attention_efficiency_nano = 700000000;
    struct cost cost =
        must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    /* 39.12597e-9 s / 0.7 = 55,894,243 fs */
    const int64_t mixed = 55894243;
    struct step_counts counts = {
        .n_decodes = 7, .decode_context = 4099, .n_emitting = 7};
    assert_int_equal(wide_narrow(price_of(&cost, counts).fs[BOUND_KV]),
                     INT64_C(4099) * CONTEXT);
    /* 19 prefill tokens alone: 190 pairs, 19 tokens read */
    struct step_counts prefill = {
        .prefill_tokens = 19, .prefill_pairs = 190, .prefill_context = 19};
    assert_int_equal(wide_narrow(price_of(&cost, prefill).fs[BOUND_KV]),
                     INT64_C(19) * CONTEXT);
    counts.prefill_tokens = 19;
    counts.prefill_pairs = 190;
    counts.prefill_context = 19;
    assert_int_equal(wide_narrow(price_of(&cost, counts).fs[BOUND_KV]),
                     (4099 + 19) * mixed);
}

static void knee_tokens_add_to_the_matrices_but_not_to_the_head(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.knee_tokens = 100;
    constants.activation_traffic_nano = 8200000000;
    struct cost cost =
        must_cost(&by_operation, &h100, &llama_8b, &constants, tensor(1));
    /* 8.2 x 2 x 4096 x 32 bytes / 3.35e12 bytes/s = 641,665,910 fs a token */
    assert_int_equal(cost.full[0].terms[0][COST_ACTIVATIONS].memory_fs, 641665910);
    struct step_counts counts = {.prefill_tokens = 196,
                                 .prefill_pairs = 19306,
                                 .prefill_context = 196,
                                 .n_emitting = 1};
    /* 196 + 100 tokens are just past the ridge; 19,306 pairs x 0.53 ns are more
     * than 196 x 39 ns */
    assert_price(price_of(&cost, counts),
                 296 * (projections_token + mlp_token) + INT64_C(19306) * PAIR,
                 head_read + 196 * INT64_C(641665910), 0, 0, 0);
}

static void a_linear_cost_is_four_terms_and_needs_no_hardware(void **state)
{
    (void)state;
    struct cost_config config = {.kind = COST_LINEAR,
                                 .base_fs = 1137000000,
                                 .prefill_token_fs = 4099,
                                 .decode_seq_fs = 70001,
                                 .context_token_fs = 13};
    struct cost cost = must_cost(&config, NULL, NULL, NULL, tensor(1));
    assert_price(price_of(&cost, (struct step_counts){.n_decodes = 7,
                                                      .decode_context = 919,
                                                      .prefill_tokens = 31,
                                                      .prefill_pairs = 5000,
                                                      .prefill_context = 600,
                                                      .n_emitting = 8}),
                 31 * 4099, 0, 919 * 13, 0, 1137000000 + 7 * 70001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coefficients_are_the_data_sheet_divided_out),
        cmocka_unit_test(a_small_decode_step_waits_for_weights_and_kv),
        cmocka_unit_test(each_operation_changes_sides_at_its_own_batch),
        cmocka_unit_test(a_prefill_chunk_reads_no_head_until_it_emits),
        cmocka_unit_test(one_max_over_the_step_is_at_most_the_sum_of_maxima),
        cmocka_unit_test(without_overlap_the_shorter_side_is_paid_too),
        cmocka_unit_test(two_gpus_halve_the_work_and_pay_two_reductions_a_layer),
        cmocka_unit_test(only_mixed_steps_read_kv_at_the_mixed_rate),
        cmocka_unit_test(knee_tokens_add_to_the_matrices_but_not_to_the_head),
        cmocka_unit_test(a_linear_cost_is_four_terms_and_needs_no_hardware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
