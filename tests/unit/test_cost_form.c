#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hardware_world.h"

static wide decode_fs(const struct cost *cost, int64_t n, int64_t context)
{
    struct step_counts counts = {
        .n_decodes = n, .decode_context = context, .n_emitting = n};
    struct step_price price;
    cost_price(cost, &counts, &price);
    return cost_sum_fs(&price);
}

static void assert_form_is_price(const struct cost *cost, const struct cost_form *form,
                                 int64_t n, int64_t context)
{
    wide expected = decode_fs(cost, n, context);
    assert_true(cost_form_fs(form, context) == expected);
    /* the split over what it is bound by moves with the slopes */
    struct step_counts counts = {
        .n_decodes = n, .decode_context = context, .n_emitting = n};
    struct step_price price;
    cost_price(cost, &counts, &price);
    wide more = (wide)context - form->context;
    assert_true(price.fs[BOUND_COMPUTE] ==
                form->at.fs[BOUND_COMPUTE] + form->compute_slope_fs * more);
    assert_true(price.fs[BOUND_KV] == form->at.fs[BOUND_KV] + form->kv_slope_fs * more);
    assert_true(price.fs[BOUND_WEIGHT] == form->at.fs[BOUND_WEIGHT]);
}

/* Checks the form from `context` to its end and just beyond, and says whether it ended
 * within what a trace could reach. */
static bool check_form(struct rng *rng, const struct cost *cost,
                       struct cost_forms *forms, int64_t n, int64_t context)
{
    const int64_t far = 400000000;
    const struct cost_form *form = cost_decode_form(forms, n, context);
    assert_true(form->most_context >= context);
    int64_t end = form->most_context < far ? form->most_context : far;
    assert_form_is_price(cost, form, n, context);
    assert_form_is_price(cost, form, n, end);
    for (int i = 0; i < 5 && end > context; i++) {
        int64_t within = context + rng_below(rng, end - context);
        assert_form_is_price(cost, form, n, within);
    }
    if (form->most_context >= far) {
        return false;
    }
    struct cost_form old = *form;
    const struct cost_form *next = cost_decode_form(forms, n, end + 1);
    assert_form_is_price(cost, next, n, end + 1);
    assert_true(next->compute_slope_fs != old.compute_slope_fs ||
                next->kv_slope_fs != old.kv_slope_fs);
    return true;
}

static void a_form_is_the_price_up_to_the_change_of_sides_and_renewed_beyond(
    void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "cost forms");
    int64_t n_ended[2] = {0, 0};
    for (int world = 0; world < 400; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        struct cost_config config = {.roofline = world % 2};
        struct cost cost = must_cost(&config, &gpu, &llm, &constants, 1 + world % 3);
        struct cost_forms forms;
        cost_forms_init(&forms, &cost, 137);
        const struct cost_term *pair = &cost.full.attention[0];
        for (int i = 0; i < 20; i++) {
            int64_t n = some(&rng, 1, 1500);
            int64_t context = n + rng_below(&rng, 7 * n * (1 + rng_below(&rng, 4099)));
            bool ended = check_form(&rng, &cost, &forms, n, context);
            n_ended[pair->compute_fs > pair->memory_fs] += ended;
        }
        cost_forms_free(&forms);
    }
    /* both ways of changing sides were met, and often */
    assert_true(n_ended[0] > 100 && n_ended[1] > 100);
    rng_free(&rng);
}

static void with_full_overlap_no_form_ends_a_token_early(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "tight forms");
    int64_t n_ended = 0;
    for (int world = 0; world < 300; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        constants.overlap_nano = 1000000000;
        struct cost_config config = {.roofline = COST_STEP};
        struct cost cost = must_cost(&config, &gpu, &llm, &constants, 1);
        struct cost_forms forms;
        cost_forms_init(&forms, &cost, 64);
        int64_t n = some(&rng, 1, 1500);
        struct cost_form form = *cost_decode_form(&forms, n, 3 * n);
        if (form.most_context < 400000000) {
            /* a max is above the side that has just lost */
            wide lost = cost_form_fs(&form, form.most_context + 1);
            assert_true(lost < decode_fs(&cost, n, form.most_context + 1));
            n_ended++;
        }
        cost_forms_free(&forms);
    }
    assert_true(n_ended > 30);
    rng_free(&rng);
}

static void a_form_of_a_linear_cost_holds_for_every_context(void **state)
{
    (void)state;
    struct cost_config config = {.kind = COST_LINEAR,
                                 .base_fs = 1137000000,
                                 .decode_seq_fs = 70001,
                                 .context_token_fs = 13};
    struct cost cost = must_cost(&config, NULL, NULL, NULL, 1);
    struct cost_forms forms;
    cost_forms_init(&forms, &cost, 256);
    const struct cost_form *form = cost_decode_form(&forms, 37, 4099);
    assert_true(form->most_context == INT64_MAX);
    assert_form_is_price(&cost, form, 37, 37);
    assert_form_is_price(&cost, form, 37, INT64_C(1) << 50);
    assert_ptr_equal(cost_decode_form(&forms, 37, 5), form);
    cost_forms_free(&forms);
}

static void durations_round_half_up_and_last_a_nanosecond_at_least(void **state)
{
    (void)state;
    static const int64_t cases[][2] = {
        {0, 1},
        {1, 1},
        {499999, 1},
        {500000, 1},
        {1499999, 1},
        {1500000, 2},
        {13700499999, 13700},
        {13700500000, 13701},
        {4640770444761, 4640770},
        {INT64_C(9223372036854000000), INT64_C(9223372036854)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(cost_duration_ns(cases[i][0]), cases[i][1]);
        assert_int_equal(cost_round_ns(cases[i][0]), cases[i][1]);
    }
    struct rng rng;
    rng_init(&rng, 13, "durations");
    for (int i = 0; i < 100000; i++) {
        int64_t fs = (int64_t)rng_bits(&rng) << rng_below(&rng, 31);
        assert_int_equal(cost_duration_ns(fs), cost_round_ns(fs));
    }
    rng_free(&rng);
}

static void a_405b_prompt_on_a_small_gpu_needs_more_than_64_bits(void **state)
{
    (void)state;
    /* Llama-3.1-405B on 1 TFLOPS and 100 GB/s:
     *   projections 2 x 71,873,593,344 / 1e12 s = 143,747,186,688,000 fs a token
     *   MLP        2 x 329,772,957,696 / 1e12 s = 659,545,915,392,000 fs a token
     *   pair           8,257,536 / 1e12 s       = 8,257,536,000 fs
     *   head       2 B x 2,101,346,304 / 100e9  = 42,026,926,080,000 fs a read
     * 131,071 tokens have 131,071 x 131,072 / 2 = 8,589,869,056 pairs. */
    struct llm llm = {.n_layers = 126,
                      .hidden = 16384,
                      .intermediate = 53248,
                      .n_heads = 128,
                      .n_kv_heads = 8,
                      .head_dim = 128,
                      .vocab = 128256,
                      .weight_bits = 16,
                      .kv_bits = 16};
    struct accelerator gpu = {.memory_bytes_per_s = 100000000000,
                              .bf16_flop_per_s = 1000000000000,
                              .link_bytes_per_s = 1000000000};
    struct step_counts counts = {.prefill_tokens = 131071,
                                 .prefill_pairs = 8589869056,
                                 .prefill_context = 131071,
                                 .n_emitting = 1};
    for (int64_t roofline = COST_OPERATION; roofline <= COST_STEP; roofline++) {
        struct cost_config config = {.roofline = roofline};
        struct cost cost = must_cost(&config, &gpu, &llm, &ideal, 1);
        struct step_price price;
        cost_price(&cost, &counts, &price);
        /* the step's one max has the head's 4,202,692,608,000 fs of compute */
        assert_wide_equal(price.fs[BOUND_COMPUTE], roofline == COST_OPERATION
                                                       ? "176219583147933696000"
                                                       : "176219587350626304000");
        assert_int_equal(cost_duration_ns(cost_sum_fs(&price)),
                         roofline == COST_OPERATION ? 176219625174860
                                                    : 176219587350626);
    }
}

static void assert_init_refused(struct accelerator gpu, struct llm llm,
                                struct constants constants)
{
    struct cost_config config = {0};
    struct cost cost;
    struct err err = {""};
    assert_int_equal(cost_init(&cost, &config, &gpu, &llm, &constants, 1, &err), -1);
    assert_string_equal(
        err.text, "a cost coefficient is below half a femtosecond or above 4000 s per "
                  "unit: check the accelerator, the model and the engine constants");
}

static void a_coefficient_that_vanishes_is_an_error(void **state)
{
    (void)state;
    struct llm llm = {.n_layers = 1,
                      .hidden = 64,
                      .intermediate = 64,
                      .n_heads = 1,
                      .n_kv_heads = 1,
                      .head_dim = 1,
                      .vocab = 4099,
                      .weight_bits = 16,
                      .kv_bits = 16};
    /* a pair of 4 FLOPs at 7.9 PFLOPS takes 0.506 fs, at 8.1 PFLOPS 0.494 fs */
    struct accelerator gpu = h100;
    gpu.bf16_flop_per_s = 7900000000000000;
    struct cost_config config = {0};
    struct cost cost = must_cost(&config, &gpu, &llm, &ideal, 1);
    assert_int_equal(cost.full.attention[0].compute_fs, 1);
    gpu.bf16_flop_per_s = 8100000000000000;
    assert_init_refused(gpu, llm, ideal);
    /* activations of 10^-9 x 2 x 64 bytes: 0.00004 fs; none at all is fine */
    struct constants constants = ideal;
    constants.activation_traffic_nano = 1;
    assert_init_refused(h100, llm, constants);
    constants.activation_traffic_nano = 0;
    assert_int_equal(must_cost(&config, &h100, &llm, &constants, 1).full.activation_fs,
                     0);
}

static void a_coefficient_beyond_64_bits_is_an_error(void **state)
{
    (void)state;
    struct accelerator gpu = h100;
    gpu.memory_bytes_per_s = 1000000; /* 11.3 GB of MLP weights: 11,274 s */
    assert_init_refused(gpu, llama_8b, ideal);
}

static void bounds_have_names(void **state)
{
    (void)state;
    static const char *const names[N_BOUNDS] = {"compute", "weight", "kv", "network",
                                                "overhead"};
    for (int i = 0; i < N_BOUNDS; i++) {
        assert_string_equal(cost_bound_name((enum bound)i), names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_form_is_the_price_up_to_the_change_of_sides_and_renewed_beyond),
        cmocka_unit_test(with_full_overlap_no_form_ends_a_token_early),
        cmocka_unit_test(a_form_of_a_linear_cost_holds_for_every_context),
        cmocka_unit_test(durations_round_half_up_and_last_a_nanosecond_at_least),
        cmocka_unit_test(a_405b_prompt_on_a_small_gpu_needs_more_than_64_bits),
        cmocka_unit_test(a_coefficient_that_vanishes_is_an_error),
        cmocka_unit_test(a_coefficient_beyond_64_bits_is_an_error),
        cmocka_unit_test(bounds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
