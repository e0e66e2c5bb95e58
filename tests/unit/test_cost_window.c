#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

/* Gemma-3-27B on an H100 with the ideal engine: 10 full layers and 52 of 1,024 tokens.
 * A pair takes 4 x 32 x 128 x layers FLOPs, a token of context 2 x 16 x 128 x 2 x layers
 * bytes. */
enum { FULL_CONTEXT = 24453731, WINDOW_CONTEXT = 127159403 };

static struct cost gemma(const struct cost_config *config)
{
    return must_cost(config, &h100, &gemma_3_27b, &ideal, tensor(1));
}

static void window_layers_attend_to_no_more_than_the_window(void **state)
{
    (void)state;
    struct cost cost = gemma(&by_operation);
    const struct cost_term *terms = cost.full[0].terms[0];
    assert_int_equal(terms[COST_DECODE_ATTENTION].compute_fs, 165595);
    assert_int_equal(terms[COST_DECODE_ATTENTION].memory_fs, FULL_CONTEXT);
    assert_int_equal(terms[COST_WINDOW_DECODE].compute_fs, 861096);
    assert_int_equal(terms[COST_WINDOW_DECODE].memory_fs, WINDOW_CONTEXT);
    assert_int_equal(cost_in_window(&cost, 1023), 1023);
    assert_int_equal(cost_in_window(&cost, 1024), 1024);
    assert_int_equal(cost_in_window(&cost, 4099), 1024);
    /* contexts of 137 and 4,099 tokens */
    struct step_counts counts = {
        .n_decodes = 2, .decode_context = 4236, .decode_window = 1161};
    assert_int_equal(wide_narrow(price_of(&cost, counts).fs[BOUND_KV]),
                     INT64_C(4236) * FULL_CONTEXT + INT64_C(1161) * WINDOW_CONTEXT);
}

static void models_without_a_window_count_nothing_in_it(void **state)
{
    (void)state;
    struct cost cost = must_cost(&by_operation, &h100, &llama_8b, &ideal, tensor(1));
    struct step_counts counts = {0};
    cost_count_chunk(&cost, &counts, 919, 137);
    assert_int_equal(counts.window_pairs, 0);
    assert_int_equal(counts.window_context, 0);
    assert_int_equal(cost_in_window(&cost, 4099), 0);
}

/* Token by token: what each attends to, and which keys any of them does. */
static void assert_chunk(const struct cost *cost, int64_t before, int64_t tokens)
{
    int64_t window = cost->window_tokens;
    int64_t pairs = 0;
    int64_t window_pairs = 0;
    int64_t first_seen = before + tokens;
    for (int64_t at = before; at < before + tokens; at++) { /* the key of a token too */
        int64_t first = at + 1 > window ? at + 1 - window : 0;
        pairs += at + 1;
        window_pairs += at + 1 - first;
        first_seen = first < first_seen ? first : first_seen;
    }
    struct step_counts counts = {.prefill_pairs = 13, .window_context = 7};
    cost_count_chunk(cost, &counts, before, tokens);
    assert_int_equal(counts.n_chunks, 1);
    assert_int_equal(counts.prefill_tokens, tokens);
    assert_int_equal(counts.prefill_pairs, 13 + pairs);
    assert_int_equal(counts.prefill_context, before + tokens);
    assert_int_equal(counts.window_pairs, window_pairs);
    assert_int_equal(counts.window_context, 7 + before + tokens - first_seen);
}

static void pairs_of_a_chunk_are_those_of_its_tokens_one_by_one(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "chunks in windows");
    for (int i = 0; i < 20000; i++) {
        struct cost cost = {.window_tokens = some(&rng, 1, 41)};
        assert_chunk(&cost, some(&rng, 0, 60), some(&rng, 1, 60));
    }
    struct cost cost = {.window_tokens = 1024};
    for (int64_t off = -2; off <= 2; off++) {
        assert_chunk(&cost, 1024 + off, 137);
        assert_chunk(&cost, 0, 1024 + off);
        assert_chunk(&cost, 137, 887 + off);
        assert_chunk(&cost, 4099 + off, 1024);
    }
    rng_free(&rng);
}

static void linear_layers_read_and_write_their_state_once_per_sequence(void **state)
{
    (void)state;
    struct llm llm = llama_8b;
    llm.n_linear_layers = 7;
    llm.linear_params = 41943040; /* as much as attention's */
    llm.linear_state = 65537;
    struct cost cost = must_cost(&by_operation, &h100, &llm, &ideal, tensor(1));
    const struct cost_term *terms = cost.full[0].terms[0];
    /* 8 FLOPs and 2 x 4 bytes for each of 458,759 numbers; 25 layers with a cache */
    assert_int_equal(terms[COST_STATE].compute_fs, 3709392);
    assert_int_equal(terms[COST_STATE].memory_fs, 1095543881);
    assert_int_equal(terms[COST_DECODE_ATTENTION].memory_fs, 30567164);
    assert_int_equal(terms[COST_PROJECTIONS].memory_fs, 801299868657);
    struct step_counts counts = {.n_decodes = 13,
                                 .decode_context = 4099,
                                 .n_chunks = 2,
                                 .prefill_tokens = 919,
                                 .prefill_context = 919};
    struct cost_sides sides[N_COST_CLASSES];
    cost_sides_of(&cost, cost.full, &counts, sides);
    assert_int_equal(wide_narrow(sides[COST_STATE].compute_fs), 932 * INT64_C(3709392));
    assert_int_equal(wide_narrow(sides[COST_STATE].memory_fs),
                     15 * INT64_C(1095543881));
}

static void an_indexer_reads_a_key_of_every_token_and_attention_those_it_picks(
    void **state)
{
    (void)state;
    /* DeepSeek-V3.2: 64 heads of 128, one FP8 key a token and layer; 2,048 picked.
     * 2 x 64 x 128 x 61 / 1,978.9e12 s a pair; 128 x 61 / 3.35e12 s a token */
    struct llm llm = deepseek_v3;
    llm.index_heads = 64;
    llm.index_head_dim = 128;
    llm.n_window_layers = 61;
    llm.window_tokens = 2048;
    struct cost cost = must_cost(&by_operation, &h100, &llm, &ideal, tensor(1));
    const struct cost_term *terms = cost.full[0].terms[0];
    for (int i = COST_DECODE_ATTENTION; i <= COST_PREFILL_ATTENTION; i++) {
        assert_int_equal(terms[i].compute_fs, 505040);
        assert_int_equal(terms[i].memory_fs, 2330746);
    }
    assert_int_equal(terms[COST_WINDOW_DECODE].compute_fs, 17172234);
    assert_int_equal(terms[COST_WINDOW_DECODE].memory_fs, 20976716);
    assert_int_equal(terms[COST_WINDOW_PREFILL].compute_fs, 5050657);
    cost_free(&cost);
}

/* For how many steps the longer side of the whole stays the longer, by looking. */
static int64_t steps_by_looking(const struct cost *cost, struct step_counts counts,
                                int64_t growing, int64_t most)
{
    bool first = false;
    for (int64_t step = 0; step < most; step++) {
        struct cost_sides sides[N_COST_CLASSES];
        cost_sides_of(cost, cost->full, &counts, sides);
        wide lead_fs = 0;
        for (int32_t i = 0; i < cost->n_classes; i++) {
            lead_fs += sides[i].compute_fs - sides[i].memory_fs;
        }
        if (step > 0 && (lead_fs >= 0) != first) {
            return step;
        }
        first = lead_fs >= 0;
        counts.decode_context += counts.n_decodes;
        counts.decode_window += growing;
    }
    return most;
}

static void a_form_with_windows_holds_for_as_many_steps_as_looking_finds(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 919, "forms with windows");
    struct cost cost = gemma(&by_step);
    int64_t n_ended = 0;
    for (int i = 0; i < 600; i++) {
        struct cost_forms forms;
        cost_form_table_init(&forms, &cost, 137);
        int64_t n = some(&rng, 300, 420);
        int64_t growing = rng_below(&rng, n + 1);
        struct step_counts counts = {
            .n_decodes = n, .decode_context = n * some(&rng, 1, 300), .n_emitting = n};
        counts.decode_window = counts.decode_context / some(&rng, 1, 3);
        const struct cost_form *form =
            cost_form_of(&forms, n, counts.decode_context, counts.decode_window);
        int64_t steps = cost_form_steps(form, counts.decode_context,
                                        counts.decode_window, n, growing);
        int64_t most = 3000;
        int64_t looked = steps_by_looking(&cost, counts, growing, most);
        assert_int_equal(steps < most ? steps : most, looked);
        n_ended += looked < most;
        cost_form_table_free(&forms);
    }
    assert_true(n_ended > 100);
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_layers_attend_to_no_more_than_the_window),
        cmocka_unit_test(models_without_a_window_count_nothing_in_it),
        cmocka_unit_test(pairs_of_a_chunk_are_those_of_its_tokens_one_by_one),
        cmocka_unit_test(linear_layers_read_and_write_their_state_once_per_sequence),
        cmocka_unit_test(
            an_indexer_reads_a_key_of_every_token_and_attention_those_it_picks),
        cmocka_unit_test(a_form_with_windows_holds_for_as_many_steps_as_looking_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
