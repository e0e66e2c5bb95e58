#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/ledger.h"
#include "model/speculative.h"
#include "model_world.h"

/* So many tokens are drafted, each right with the same probability. */
static struct speculative_config drafting(enum speculative_method method, int64_t k,
                                          int64_t share_nano)
{
    return (struct speculative_config){.method = method,
                                       .n_tokens = k,
                                       .acceptance_nano = share_nano,
                                       .acceptance_by_position = "",
                                       .draft_model_name = "",
                                       .mtp_layers = 1,
                                       .draft = llama_8b};
}

static void a_probability_is_a_number_from_0_to_1(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "1.0000001", "-0.1", "0.7x", "0.7 0.8", "p"};
    int64_t nano;
    struct err err;
    assert_int_equal(speculative_read_probability("0.4137", &nano, &err), 0);
    assert_int_equal(nano, 413700000);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char sentence[200];
        snprintf(sentence, sizeof sentence,
                 "'%s' is not a probability (a number from 0 to 1)", bad[i]);
        assert_int_equal(speculative_read_probability(bad[i], &nano, &err), -1);
        assert_string_equal(err.text, sentence);
    }
}

static void every_position_has_a_probability(void **state)
{
    (void)state;
    struct speculative_config config = drafting(SPECULATIVE_NGRAM, 3, 700000000);
    int64_t nano[SPECULATIVE_MOST];
    struct err err;
    assert_int_equal(speculative_read_acceptance(&config, nano, &err), 0);
    assert_int_equal(nano[0], 700000000);
    assert_int_equal(nano[SPECULATIVE_MOST - 1], 700000000);
    config.acceptance_by_position = " 0.8, 0.6 ,0.5 ";
    assert_int_equal(speculative_read_acceptance(&config, nano, &err), 0);
    assert_int_equal(nano[0], 800000000);
    assert_int_equal(nano[2], 500000000);
    config.acceptance_by_position = "0.8 0.6";
    assert_int_equal(speculative_read_acceptance(&config, nano, &err), -1);
    assert_string_equal(err.text,
                        "'0.8 0.6' has 2 numbers, and num_speculative_tokens is 3");
    config.acceptance_by_position = "0.8 0.6 1.5";
    assert_int_equal(speculative_read_acceptance(&config, nano, &err), -1);
    assert_string_equal(err.text,
                        "'0.8 0.6 1.5' has something other than numbers from 0 to 1");
}

/* (1 - p^(k+1)) / (1 - p) of the published formula: 2.7731 for p = 0.7, k = 4. */
static void the_expected_tokens_are_a_geometric_sum(void **state)
{
    (void)state;
    struct speculative speculative;
    struct speculative_config config = drafting(SPECULATIVE_NGRAM, 4, 700000000);
    speculative_init(&speculative, &config, &llama_70b, false);
    assert_int_equal(speculative_expected_nano(&speculative, -1, 4), 2773100000);
    assert_int_equal(speculative_expected_nano(&speculative, -1, 0), 1000000000);
    assert_int_equal(speculative_expected_nano(&speculative, 0, 4), 1000000000);
    assert_int_equal(speculative_expected_nano(&speculative, 1000000000, 4),
                     5000000000);
    config.acceptance_by_position = "0.8 0.5 0 1";
    speculative_init(&speculative, &config, &llama_70b, false);
    assert_int_equal(speculative_expected_nano(&speculative, -1, 4), 2200000000);
}

static void a_decode_without_drafts_counts_as_it_always_did(void **state)
{
    (void)state;
    struct cost cost = {.window_tokens = 137};
    static const int64_t befores[] = {1, 135, 136, 137, 4099};
    for (size_t i = 0; i < sizeof befores / sizeof befores[0]; i++) {
        struct step_counts counts = {0};
        cost_count_decode(&cost, &counts, befores[i], 1);
        assert_int_equal(counts.decode_context, befores[i] + 1);
        assert_int_equal(counts.decode_window, cost_in_window(&cost, befores[i] + 1));
        assert_int_equal(counts.draft_tokens, 0);
        assert_int_equal(counts.draft_pairs, 0);
        assert_int_equal(counts.draft_window_pairs, 0);
        assert_int_equal(counts.n_decodes + counts.n_emitting, 2);
    }
}

/* Three drafted tokens behind 4096: 4097 + 4098 + 4099 + 4100 pairs over 4100 tokens of
 * context; in a window of 137, 4 x 137 over 140. */
static void drafted_tokens_attend_to_those_before_them(void **state)
{
    (void)state;
    struct cost cost = {.window_tokens = 137};
    struct step_counts counts = {0};
    cost_count_decode(&cost, &counts, 4096, 4);
    assert_int_equal(counts.draft_tokens, 3);
    assert_int_equal(counts.decode_context, 4100);
    assert_int_equal(counts.decode_context + counts.draft_pairs, 16394);
    assert_int_equal(counts.decode_window, 140);
    assert_int_equal(counts.decode_window + counts.draft_window_pairs, 548);
}

/* Llama-3.1-70B's head: 2 x 8192 x 128256 FLOPs for each of 1 + 3 tokens; its other
 * matrices likewise; nothing of memory but three tokens of context more. */
static void verifying_is_compute_and_hardly_any_memory(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_step, &h100, &llama_70b, &ideal, tensor(4));
    struct cost_sides one[N_COST_CLASSES];
    struct cost_sides four[N_COST_CLASSES];
    struct step_counts counts = {0};
    cost_count_decode(&cost, &counts, 4096, 1);
    cost_sides_of(&cost, &cost.full[0], &counts, one);
    counts = (struct step_counts){0};
    cost_count_decode(&cost, &counts, 4096, 4);
    cost_sides_of(&cost, &cost.full[0], &counts, four);
    for (int i = COST_PROJECTIONS; i <= COST_HEAD; i++) {
        assert_true(four[i].compute_fs == 4 * one[i].compute_fs);
        assert_true(four[i].memory_fs == one[i].memory_fs);
    }
    const struct cost_sides *attention = &four[COST_DECODE_ATTENTION];
    assert_true(attention->memory_fs * 4097 ==
                one[COST_DECODE_ATTENTION].memory_fs * 4100);
    assert_true(attention->compute_fs * 4097 ==
                one[COST_DECODE_ATTENTION].compute_fs * 16394);
    cost_free(&cost);
}

static void a_linear_pass_has_a_base_and_its_sequences(void **state)
{
    (void)state;
    struct speculative speculative;
    struct speculative_config config = drafting(SPECULATIVE_DRAFT, 3, 700000000);
    struct cost_config linear = {.kind = COST_LINEAR, .prefill_token_fs = 41};
    struct layout layout = tensor(1);
    struct err err;
    config.draft_base_fs = 4099;
    config.draft_seq_fs = 137;
    speculative_init(&speculative, &config, &llama_70b, true);
    assert_int_equal(
        speculative_price_init(&speculative, &linear, &h100, &ideal, &layout, &err), 0);
    struct speculative_passes passes = {0};
    speculative_add_chunk(&speculative, &passes, 0, 599);
    speculative_add_decode(&speculative, &passes, 37, 3);
    speculative_add_decode(&speculative, &passes, 41, 1);
    assert_int_equal(passes.n, 3);
    struct step_price price = {{0}};
    speculative_price(&speculative, &passes, 4, &price);
    assert_int_equal(wide_narrow(cost_sum_fs(&price)), 3 * 4099 + 4 * 137);
    speculative_free(&speculative);
}

static void a_search_takes_time_only_where_something_is_found(void **state)
{
    (void)state;
    struct speculative speculative;
    struct speculative_config config = drafting(SPECULATIVE_NGRAM, 3, 700000000);
    struct speculative_passes passes = {0};
    config.ngram_overhead_fs = 4099;
    speculative_init(&speculative, &config, &llama_70b, false);
    speculative_add_chunk(&speculative, &passes, 0, 599);
    speculative_add_decode(&speculative, &passes, 37, 3);
    assert_int_equal(passes.n, 0);
    struct step_price price = {{0}};
    speculative_price(&speculative, &passes, 0, &price);
    assert_int_equal(wide_narrow(cost_sum_fs(&price)), 0);
    speculative_price(&speculative, &passes, 3, &price);
    assert_price(price, 0, 0, 0, 0, 4099);
}

/* DeepSeek-V3's layer has 256 experts; the embeddings are those of the model. */
static void further_layers_are_like_most_of_the_model(void **state)
{
    (void)state;
    struct speculative speculative;
    struct speculative_config config = drafting(SPECULATIVE_MTP, 1, 850000000);
    speculative_init(&speculative, &config, &deepseek_v3, false);
    assert_true(speculative.has_model);
    assert_int_equal(speculative.drafter.n_layers, 1);
    assert_int_equal(llm_moe_layers(&speculative.drafter), 1);
    assert_int_equal(llm_expert_params(&speculative.drafter) * 58,
                     llm_expert_params(&deepseek_v3));
    assert_int_equal(llm_attention_params(&speculative.drafter) * 61,
                     llm_attention_params(&deepseek_v3));
}

/* Llama-3.1-8B beside 70B on four GPUs: a quarter of its 16.06 GB each, and 32 KiB of the
 * 80 + 32 of a token's keys and values. */
static void a_drafter_takes_memory(void **state)
{
    (void)state;
    struct ledger_request request = {.layout = tensor(4),
                                     .block_tokens = 16,
                                     .utilization_nano = 900000000,
                                     .max_batched_tokens = 8192,
                                     .max_seqs = 256};
    struct ledger alone;
    struct ledger beside;
    struct err err;
    assert_int_equal(ledger_fill(&alone, &request, &h100, &llama_70b, &ideal, "",
                                 "h100", "70b", &err),
                     0);
    request.draft = &llama_8b;
    assert_int_equal(ledger_fill(&beside, &request, &h100, &llama_70b, &ideal, "",
                                 "h100", "70b", &err),
                     0);
    assert_int_equal(alone.draft_bytes, 0);
    assert_int_equal(beside.draft_bytes, (llm_weight_bytes(&llama_8b) + 3) / 4);
    assert_int_equal(beside.kv_bytes, alone.kv_bytes - beside.draft_bytes);
    assert_int_equal(beside.block_bytes - alone.block_bytes,
                     16 * llm_kv_bytes_per_token(&llama_8b, 4));
    assert_true(beside.n_blocks < alone.n_blocks);
    request.draft_is_part = true; /* and has the embeddings of the other */
    assert_int_equal(ledger_fill(&beside, &request, &h100, &llama_70b, &ideal, "",
                                 "h100", "70b", &err),
                     0);
    assert_true(beside.draft_bytes < llm_weight_bytes(&llama_8b) / 4);
}

/* The price of a token that comes out of steps of `batch` decodes over that of one without
 * drafts. */
static double relative_price(const struct speculative *speculative,
                             const struct cost *cost, int64_t batch, int64_t before,
                             int64_t k)
{
    struct step_counts plain = {0};
    struct step_counts counts = {0};
    struct speculative_passes passes = {0};
    for (int64_t i = 0; i < batch; i++) {
        cost_count_decode(cost, &plain, before, 1);
        cost_count_decode(cost, &counts, before, 1 + k);
        speculative_add_decode(speculative, &passes, before, k);
    }
    struct step_price without = price_of(cost, plain);
    struct step_price with = price_of(cost, counts);
    speculative_price(speculative, &passes, batch * k, &with);
    return (double)cost_sum_fs(&with) * 1e9 / (double)cost_sum_fs(&without) /
           (double)speculative_expected_nano(speculative, -1, k);
}

static void drafting_pays_alone_and_never_where_computing_is_the_bound(void **state)
{
    (void)state;
    struct layout layout = tensor(4);
    struct cost cost = must_cost(&by_operation, &h100, &llama_70b, &ideal, layout);
    struct rng rng;
    rng_init(&rng, 4099, "speculative");
    for (int world = 0; world < 200; world++) {
        int64_t k = some(&rng, 1, 5);
        struct speculative_config config =
            drafting(SPECULATIVE_DRAFT, k, some(&rng, 400000000, 1000000000));
        struct speculative speculative;
        struct err err;
        int64_t before =
            some(&rng, 7, 37); /* longer ones are bound by their KV cache */
        speculative_init(&speculative, &config, &llama_70b, false);
        assert_int_equal(speculative_price_init(&speculative, &by_operation, &h100,
                                                &ideal, &layout, &err),
                         0);
        double alone = relative_price(&speculative, &cost, 1, before, k);
        double crowded = relative_price(&speculative, &cost, 2048, before, k);
        if (alone >= 1 || crowded <= 1) {
            fail_msg("%d drafted at %.2f: %.3f alone, %.3f in a crowd", (int)k,
                     (double)config.acceptance_nano * 1e-9, alone, crowded);
        }
        speculative_free(&speculative);
    }
    rng_free(&rng);
    cost_free(&cost);
}

static void a_step_that_drafts_draws_no_more_than_tdp(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "speculative power");
    for (int world = 0; world < 300; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        random_kinds(&rng, &llm);
        struct layout layout = tensor(some(&rng, 1, 3));
        struct cost cost = must_cost(&by_operation, &gpu, &llm, &constants, layout);
        struct power power;
        power_init(&power, &cost, &gpu, &llm, &constants, &layout);
        int64_t k = some(&rng, 1, 7);
        struct speculative_config config = drafting(
            world % 2 == 0 ? SPECULATIVE_DRAFT : SPECULATIVE_MTP, k, 700000000);
        struct speculative speculative;
        struct err err = {""};
        speculative_init(&speculative, &config, &llm, false);
        speculative_price_init(&speculative, &by_operation, &gpu, &constants, &layout,
                               &err);
        assert_string_equal(err.text, "");
        struct step_counts counts = {0};
        struct speculative_passes passes = {0};
        for (int64_t n = some(&rng, 1, 137); n > 0; n--) {
            int64_t before = some(&rng, 1, 9001);
            cost_count_decode(&cost, &counts, before, 1 + k);
            speculative_add_decode(&speculative, &passes, before, k);
        }
        speculative_add_chunk(&speculative, &passes, 0, some(&rng, 1, 4099));
        struct step_price price = price_of(&cost, counts);
        speculative_price(&speculative, &passes, counts.draft_tokens, &price);
        int64_t ns = cost_duration_ns(cost_sum_fs(&price));
        struct work work = power_work(&cost, &counts);
        struct work drafted = speculative_work(&speculative, &passes);
        wide pj = power_energy_pj(&power, &work, ns) +
                  power_sum(&speculative.power.pj, &drafted);
        static const struct power_weights once = {1, 1, 1, 1, 1, 1, 1,
                                                  1, 1, 1, 1, 1, 1, 1};
        wide rounding = gpu.tdp_mw * layout.tp / 2 + power_sum(&once, &work) +
                        power_sum(&once, &drafted);
        assert_true(pj <= (wide)gpu.tdp_mw * layout.tp * ns + rounding);
        speculative_free(&speculative);
        cost_free(&cost);
    }
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probability_is_a_number_from_0_to_1),
        cmocka_unit_test(every_position_has_a_probability),
        cmocka_unit_test(the_expected_tokens_are_a_geometric_sum),
        cmocka_unit_test(a_decode_without_drafts_counts_as_it_always_did),
        cmocka_unit_test(drafted_tokens_attend_to_those_before_them),
        cmocka_unit_test(verifying_is_compute_and_hardly_any_memory),
        cmocka_unit_test(a_linear_pass_has_a_base_and_its_sequences),
        cmocka_unit_test(a_search_takes_time_only_where_something_is_found),
        cmocka_unit_test(further_layers_are_like_most_of_the_model),
        cmocka_unit_test(a_drafter_takes_memory),
        cmocka_unit_test(drafting_pays_alone_and_never_where_computing_is_the_bound),
        cmocka_unit_test(a_step_that_drafts_draws_no_more_than_tdp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
