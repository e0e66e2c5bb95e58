#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hardware_world.h"

/* Some decodes, and what a step more adds to their contexts. */
struct decodes {
    struct step_counts counts;
    int64_t n_growing; /* within the window */
};

static struct decodes random_decodes(struct rng *rng, const struct cost *cost)
{
    int64_t n = some(rng, 1, 1500);
    int64_t each = 1 + rng_below(rng, 7 * (1 + rng_below(rng, 4099)));
    int64_t full = n * cost->window_tokens;
    struct decodes decodes = {
        .counts = {.n_decodes = n, .decode_context = n * each, .n_emitting = n}};
    decodes.counts.decode_window =
        n * each < full ? n * each : some(rng, full / 2, full);
    decodes.n_growing = cost->window_tokens > 0 ? rng_below(rng, n + 1) : 0;
    return decodes;
}

static struct step_counts after(const struct decodes *decodes, int64_t steps)
{
    struct step_counts counts = decodes->counts;
    counts.decode_context += steps * counts.n_decodes;
    counts.decode_window += steps * decodes->n_growing;
    return counts;
}

static wide fs_of(const struct cost *cost, struct step_counts counts)
{
    struct step_price price;
    cost_price(cost, &counts, &price);
    return cost_sum_fs(&price);
}

static wide form_fs(const struct cost_form *form, struct step_counts counts)
{
    return cost_form_fs(form, counts.decode_context, counts.decode_window);
}

static const struct cost_form *form_of(struct cost_forms *forms,
                                       const struct step_counts *counts)
{
    return cost_form_of(forms, counts->n_decodes, counts->decode_context,
                        counts->decode_window);
}

static void assert_form_is_price(const struct cost *cost, const struct cost_form *form,
                                 struct step_counts counts)
{
    assert_true(form_fs(form, counts) == fs_of(cost, counts));
    /* the split over what it is bound by moves with the slopes */
    struct step_price price;
    cost_price(cost, &counts, &price);
    wide more = (wide)counts.decode_context - form->context;
    wide in_window = (wide)counts.decode_window - form->window;
    assert_true(price.fs[BOUND_COMPUTE] ==
                form->at.fs[BOUND_COMPUTE] + form->slope.compute_fs * more +
                    form->window_slope.compute_fs * in_window);
    assert_true(price.fs[BOUND_KV] == form->at.fs[BOUND_KV] +
                                          form->slope.memory_fs * more +
                                          form->window_slope.memory_fs * in_window);
    assert_true(price.fs[BOUND_WEIGHT] == form->at.fs[BOUND_WEIGHT]);
}

/* Whether compute is the longer side of the whole step. */
static bool computes(const struct cost *cost, struct step_counts counts)
{
    struct cost_sides sides[N_COST_CLASSES];
    int64_t m = cost_micro_batches(cost, &counts);
    cost_sides_of(cost, &cost->full[m - 1], &counts, sides);
    wide lead_fs = 0;
    for (int32_t i = 0; i < cost->n_classes; i++) {
        lead_fs += sides[i].compute_fs - sides[i].memory_fs;
    }
    return lead_fs >= 0;
}

/* Checks the form from its first step to its last and just beyond, and says whether it
 * ended within what a trace could reach. */
static bool check_form(struct rng *rng, const struct cost *cost,
                       struct cost_forms *forms, const struct decodes *decodes)
{
    const int64_t far = 300000;
    const struct cost_form *form = form_of(forms, &decodes->counts);
    int64_t steps = cost_form_steps(form, decodes->counts.decode_context,
                                    decodes->counts.decode_window,
                                    decodes->counts.n_decodes, decodes->n_growing);
    assert_true(steps >= 1);
    int64_t last = (steps < far ? steps : far) - 1;
    assert_form_is_price(cost, form, decodes->counts);
    assert_form_is_price(cost, form, after(decodes, last));
    for (int i = 0; i < 5; i++) {
        assert_form_is_price(cost, form, after(decodes, rng_below(rng, last + 1)));
    }
    if (steps >= far) {
        return false;
    }
    assert_true(cost->roofline == COST_STEP);
    assert_true(computes(cost, after(decodes, last)) !=
                computes(cost, after(decodes, steps)));
    struct step_counts beyond = after(decodes, steps);
    assert_form_is_price(cost, form_of(forms, &beyond), beyond);
    return true;
}

static void a_form_is_the_price_up_to_the_change_of_sides_and_renewed_beyond(
    void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "cost forms");
    int64_t n_ended = 0;
    for (int world = 0; world < 600; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        random_kinds(&rng, &llm);
        struct cost cost = must_cost(world % 2 == 0 ? &by_operation : &by_step, &gpu,
                                     &llm, &constants, random_layout(&rng, &llm));
        struct cost_forms forms;
        cost_form_table_init(&forms, &cost, 137);
        for (int i = 0; i < 20; i++) {
            struct decodes decodes = random_decodes(&rng, &cost);
            n_ended += check_form(&rng, &cost, &forms, &decodes);
        }
        cost_form_table_free(&forms);
        cost_free(&cost);
    }
    print_message("%lld forms ended\n", (long long)n_ended);
    assert_true(n_ended > 300);
    rng_free(&rng);
}

static void with_full_overlap_no_form_ends_a_step_early(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "tight forms");
    int64_t n_ended = 0;
    for (int world = 0; world < 2000; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        random_kinds(&rng, &llm);
        constants.overlap_nano = 1000000000;
        constants.attention_overlap_nano = 1000000000;
        struct cost cost =
            must_cost(&by_step, &gpu, &llm, &constants, random_layout(&rng, &llm));
        struct cost_forms forms;
        cost_form_table_init(&forms, &cost, 64);
        struct decodes decodes = random_decodes(&rng, &cost);
        const struct step_counts *counts = &decodes.counts;
        struct cost_form form = *form_of(&forms, counts);
        int64_t steps =
            cost_form_steps(&form, counts->decode_context, counts->decode_window,
                            counts->n_decodes, decodes.n_growing);
        if (steps < 300000) {
            /* a max is above the side that has just lost */
            struct step_counts beyond = after(&decodes, steps);
            assert_true(form_fs(&form, beyond) < fs_of(&cost, beyond));
            n_ended++;
        }
        cost_form_table_free(&forms);
        cost_free(&cost);
    }
    print_message("%lld forms ended\n", (long long)n_ended);
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
    struct cost cost = must_cost(&config, NULL, NULL, NULL, tensor(1));
    struct cost_forms forms;
    cost_form_table_init(&forms, &cost, 256);
    const struct cost_form *form = cost_form_of(&forms, 37, 4099, 0);
    assert_true(cost_form_steps(form, 4099, 0, 37, 0) == INT64_MAX);
    struct step_counts counts = {.n_decodes = 37, .decode_context = 37};
    assert_form_is_price(&cost, form, counts);
    counts.decode_context = INT64_C(1) << 50;
    assert_form_is_price(&cost, form, counts);
    assert_ptr_equal(cost_form_of(&forms, 37, 5, 0), form);
    cost_form_table_free(&forms);
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
                      BF16_MODEL};
    struct accelerator gpu = {.memory_bytes_per_s = 100000000000,
                              .bf16_flop_per_s = 1000000000000,
                              .sparse_speedup_nano = 1000000000,
                              .link_bytes_per_s = 1000000000,
                              .gpus_per_node = 8};
    struct step_counts counts = {.prefill_tokens = 131071,
                                 .prefill_pairs = 8589869056,
                                 .prefill_context = 131071,
                                 .n_emitting = 1};
    for (int64_t roofline = COST_OPERATION; roofline <= COST_STEP; roofline++) {
        struct cost cost = must_cost(roofline == COST_STEP ? &by_step : &by_operation,
                                     &gpu, &llm, &ideal, tensor(1));
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
    struct cost cost;
    struct err err = {""};
    struct layout one = tensor(1);
    assert_int_equal(
        cost_init(&cost, &by_operation, &gpu, &llm, &constants, &one, &err), -1);
    cost_free(&cost);
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
                      BF16_MODEL};
    /* a pair of 4 FLOPs at 7.9 PFLOPS takes 0.506 fs, at 8.1 PFLOPS 0.494 fs */
    struct accelerator gpu = h100;
    gpu.bf16_flop_per_s = 7900000000000000;
    struct cost cost = must_cost(&by_operation, &gpu, &llm, &ideal, tensor(1));
    assert_int_equal(cost.full[0].terms[0][COST_DECODE_ATTENTION].compute_fs, 1);
    gpu.bf16_flop_per_s = 8100000000000000;
    assert_init_refused(gpu, llm, ideal);
    /* activations of 10^-9 x 2 x 64 bytes: 0.00004 fs; none at all is fine */
    struct constants constants = ideal;
    constants.activation_traffic_nano = 1;
    assert_init_refused(h100, llm, constants);
    constants.activation_traffic_nano = 0;
    cost = must_cost(&by_operation, &h100, &llm, &constants, tensor(1));
    assert_int_equal(cost.full[0].terms[0][COST_ACTIVATIONS].memory_fs, 0);
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
        cmocka_unit_test(with_full_overlap_no_form_ends_a_step_early),
        cmocka_unit_test(a_form_of_a_linear_cost_holds_for_every_context),
        cmocka_unit_test(durations_round_half_up_and_last_a_nanosecond_at_least),
        cmocka_unit_test(a_405b_prompt_on_a_small_gpu_needs_more_than_64_bits),
        cmocka_unit_test(a_coefficient_that_vanishes_is_an_error),
        cmocka_unit_test(a_coefficient_beyond_64_bits_is_an_error),
        cmocka_unit_test(bounds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
