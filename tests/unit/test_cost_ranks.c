#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_world.h"

#include "model/ledger.h"

/* Constants of which none is neutral. */
static struct constants busy(void)
{
    struct constants c = ideal;
    c.expert_memory_efficiency_nano = 613000000;
    c.expert_imbalance_nano = 1370000000;
    c.overlap_nano = 370000000;
    c.attention_overlap_nano = 730000000;
    c.expert_overlap_nano = 410000000;
    c.mixed_attention_efficiency_nano = 870000000;
    c.network_overlap_nano = 137000000;
    c.activation_traffic_nano = 4100000000;
    c.expert_activation_traffic_nano = 1300000000;
    c.knee_tokens = 37;
    c.step_overhead_fs = 4099000013;
    c.sequence_overhead_fs = 1370007;
    c.prefill_overhead_fs = 41000013;
    c.moe_prefill_overhead_fs = 1300007;
    c.allreduce_latency_fs = 4000000007;
    c.alltoall_latency_fs = 7000000013;
    return c;
}

static int64_t some_or_none(struct rng *rng, int64_t most)
{
    return rng_below(rng, 4) == 0 ? 0 : 1 + rng_below(rng, most);
}

/* Decodes and a chunk of one rank. */
static struct step_counts batch_of(struct rng *rng, const struct cost *cost)
{
    struct step_counts counts = {0};
    for (int64_t i = some_or_none(rng, 41); i > 0; i--) {
        cost_count_decode(cost, &counts, rng_below(rng, 4099),
                          1 + some_or_none(rng, 3));
    }
    int64_t tokens = some_or_none(rng, 1371);
    if (tokens > 0) {
        cost_count_chunk(cost, &counts, rng_below(rng, 137), tokens);
        counts.n_emitting += rng_below(rng, 2);
    }
    return counts;
}

/* Field by field, since they are all integers of 64 bits. */
static struct step_counts times(struct step_counts counts, int64_t n)
{
    int64_t *field = (int64_t *)&counts;
    for (size_t i = 0; i < sizeof counts / sizeof *field; i++) {
        field[i] *= n;
    }
    return counts;
}

static struct step_counts sum(struct step_counts a, struct step_counts b)
{
    int64_t *field = (int64_t *)&a;
    for (size_t i = 0; i < sizeof a / sizeof *field; i++) {
        field[i] += ((int64_t *)&b)[i];
    }
    return a;
}

static struct step_price rank_price(const struct cost *cost, struct step_counts rank,
                                    struct step_counts all)
{
    struct step_price price;
    cost_price_rank(cost, &rank, &all, &price);
    return price;
}

static void assert_same_price(struct step_price a, struct step_price b)
{
    for (int i = 0; i < N_BOUNDS; i++) {
        assert_true(a.fs[i] == b.fs[i]);
    }
}

static const struct llm *const models[] = {&mixtral, &qwen3_235b, &deepseek_v3,
                                           &gpt_oss_120b};
enum { N_MODELS = sizeof models / sizeof models[0] };

static struct layout ranks(int64_t tp, int64_t pp, int64_t dp)
{
    return (struct layout){.tp = tp, .pp = pp, .dp = dp, .lockstep = 1};
}

static struct layout balanced(struct layout layout)
{
    layout.lockstep = 0;
    return layout;
}

static void ranks_that_are_alike_cost_what_a_balanced_step_does(void **state)
{
    (void)state;
    struct rng rng;
    struct constants constants = busy();
    rng_init(&rng, 137, "ranks");
    for (int i = 0; i < 200; i++) {
        struct layout layout = ranks(1 + rng_below(&rng, 2), 1 + rng_below(&rng, 3),
                                     2 + some_or_none(&rng, 5));
        layout.expert_parallel = rng_below(&rng, 2);
        const struct llm *llm = models[i % N_MODELS];
        const struct cost_config *config =
            rng_below(&rng, 3) ? &by_operation : &by_step;
        struct cost cost = must_cost(config, &h100, llm, &constants, layout);
        struct cost whole = must_cost(config, &h100, llm, &constants, balanced(layout));
        struct step_counts rank = batch_of(&rng, &cost);
        struct step_counts all = times(rank, layout.dp);
        assert_same_price(rank_price(&cost, rank, all), price_of(&whole, all));
        /* and without a word of the others, as much is taken for granted */
        assert_same_price(price_of(&cost, rank), price_of(&whole, all));
        assert_int_equal(cost_expert_milli_of(&cost, &all),
                         cost_expert_milli(&whole, &all));
        assert_int_equal(cost_micro_batches(&cost, &rank),
                         cost_micro_batches(&whole, &all));
        cost_free(&cost);
        cost_free(&whole);
    }
    rng_free(&rng);
}

/* Mixtral on 2 x 2 GPUs, as in test_cost_layout.c: per token 64 all-reduces 582,542,222
 * and 327,680,000 to the experts and back; experts 5,697,538,484. */
static void tokens_of_other_ranks_cost_experts_and_their_way_there(void **state)
{
    (void)state;
    struct cost cost =
        must_cost(&by_operation, &h100, &mixtral, &ideal, ranks(2, 1, 2));
    struct step_counts mine = {.n_decodes = 3, .decode_context = 4099, .n_emitting = 3};
    struct step_counts theirs = {.n_chunks = 1,
                                 .prefill_tokens = 1371,
                                 .prefill_pairs = 940506,
                                 .prefill_context = 1371,
                                 .n_emitting = 1};
    struct step_price alone = rank_price(&cost, mine, mine);
    struct step_price beside = rank_price(&cost, mine, sum(mine, theirs));
    const struct cost_coefficients *full = &cost.full[0];
    assert_int_equal(cost.dispatch_token_fs[0], 327680000);
    /* twice its own tokens meet in the all-reduce; those of both ranks on the way */
    assert_int_equal((int64_t)alone.fs[BOUND_NETWORK],
                     6 * INT64_C(582542222) + 3 * INT64_C(327680000));
    assert_int_equal((int64_t)(beside.fs[BOUND_NETWORK] - alone.fs[BOUND_NETWORK]),
                     1371 * INT64_C(327680000));
    assert_true(beside.fs[BOUND_KV] == alone.fs[BOUND_KV]);
    assert_true(beside.fs[BOUND_OVERHEAD] == alone.fs[BOUND_OVERHEAD]);
    /* alone it waits for the weights of 3 tokens' experts, beside for 1374 tokens' FLOPs */
    int64_t compute = 1374 * INT64_C(5697538484);
    int64_t memory = full->expert_fs[cost.n_expert_fs - 1];
    int64_t experts = compute > memory ? compute : memory;
    assert_int_equal((int64_t)(cost_sum_fs(&beside) - cost_sum_fs(&alone)),
                     1371 * INT64_C(327680000) + experts - full->expert_fs[3]);
    cost_free(&cost);
}

static void copies_for_experts_are_those_of_all_ranks(void **state)
{
    (void)state;
    struct constants constants = ideal;
    constants.activation_traffic_nano = 4000000000;
    constants.expert_activation_traffic_nano = 1500000000;
    struct cost cost =
        must_cost(&by_operation, &h100, &mixtral, &constants, ranks(1, 1, 2));
    struct step_counts mine = {.n_decodes = 7, .decode_context = 7};
    struct step_counts more = {.n_decodes = 137, .decode_context = 137};
    wide before = rank_price(&cost, mine, mine).fs[BOUND_WEIGHT];
    wide after = rank_price(&cost, mine, sum(mine, more)).fs[BOUND_WEIGHT];
    const struct cost_coefficients *full = &cost.full[0];
    /* 1.5 vectors of 8,192 bytes to 2 experts in 32 layers, at 3.35 TB/s, each on every
     * GPU: 234,755,821 fs a token */
    assert_int_equal(full->copies_fs, 234755821);
    assert_int_equal((int64_t)(after - before),
                     137 * INT64_C(234755821) + full->expert_fs[cost.n_expert_fs - 1] -
                         full->expert_fs[7]);
    cost_free(&cost);
}

static void a_linear_price_has_no_part_that_is_shared(void **state)
{
    (void)state;
    struct cost_config config = {.kind = COST_LINEAR,
                                 .base_fs = 4099,
                                 .prefill_token_fs = 13,
                                 .decode_seq_fs = 37,
                                 .context_token_fs = 7};
    struct cost cost = must_cost(&config, &h100, &mixtral, &ideal, ranks(1, 1, 3));
    struct step_counts mine = {
        .n_decodes = 3, .decode_context = 137, .prefill_tokens = 41, .n_chunks = 1};
    struct step_price price = rank_price(&cost, mine, times(mine, 5));
    assert_price(price, INT64_C(13) * 41, 0, INT64_C(7) * 137, 0, 4099 + 3 * 37);
    assert_same_price(price, price_of(&cost, mine));
}

static void the_energy_of_ranks_that_are_alike_is_that_of_a_replica(void **state)
{
    (void)state;
    struct constants constants = busy();
    struct layout layout = ranks(2, 1, 4);
    struct layout one = balanced(layout);
    struct cost cost =
        must_cost(&by_operation, &h100, &deepseek_v3, &constants, layout);
    struct power rank;
    struct power whole;
    power_init(&rank, &cost, &h100, &deepseek_v3, &constants, &layout);
    struct cost all_cost =
        must_cost(&by_operation, &h100, &deepseek_v3, &constants, one);
    power_init(&whole, &all_cost, &h100, &deepseek_v3, &constants, &one);
    assert_int_equal(rank.idle_mw, 2 * 75000);
    assert_int_equal(rank.idle_mw * 4, whole.idle_mw);
    struct step_counts mine = {.n_decodes = 137,
                               .decode_context = 409900,
                               .n_chunks = 1,
                               .prefill_tokens = 41,
                               .prefill_pairs = 861,
                               .prefill_context = 41,
                               .n_emitting = 138};
    struct step_counts all = times(mine, 4);
    struct work work = power_work(&cost, &mine);
    struct work all_work = power_work(&all_cost, &all);
    const int64_t duration_ns = 13700137;
    wide parts = 4 * power_energy_pj(&rank, &work, duration_ns);
    wide sum_pj = power_energy_pj(&whole, &all_work, duration_ns);
    /* what is rounded: 2 weights of a rank, and thousandths of experts */
    wide slack = sum_pj / 1000000;
    assert_true(parts - sum_pj < slack && sum_pj - parts < slack);
    assert_true(4 * power_sum(&rank.flops, &work) ==
                power_sum(&whole.flops, &all_work));
    assert_int_equal(rank.bytes.step * 4, whole.bytes.step);
    assert_int_equal(rank.bytes.emitting_step * 4, whole.bytes.emitting_step);
    assert_int_equal(rank.bytes.token, whole.bytes.token);
    cost_free(&cost);
    cost_free(&all_cost);
}

static struct ledger ledger_of(struct layout layout, int64_t max_seqs)
{
    struct accelerator gpu = h100;
    gpu.memory_bytes = 1000000000000; /* room for anything */
    struct ledger_request request = {.layout = layout,
                                     .block_tokens = 16,
                                     .utilization_nano = 1000000000,
                                     .max_batched_tokens = 8192,
                                     .max_seqs = max_seqs};
    struct ledger ledger = {0};
    struct err err = {""};
    ledger_fill(&ledger, &request, &gpu, &gpt_oss_120b, &ideal, "[pool.main]", "h100",
                "it", &err);
    assert_string_equal(err.text, "");
    return ledger;
}

/* With limits for all ranks or for each, a rank has the same memory. */
static void a_rank_has_blocks_and_a_batch_of_its_own(void **state)
{
    (void)state;
    struct ledger one = ledger_of(ranks(2, 1, 3), 41);
    struct ledger all = ledger_of(balanced(ranks(2, 1, 3)), 3 * 41);
    assert_int_equal(one.n_blocks * 3, all.n_blocks);
    assert_int_equal(one.window_bytes, all.window_bytes);
    assert_true(one.window_bytes > 0);
    assert_int_equal(one.weight_bytes, all.weight_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_that_are_alike_cost_what_a_balanced_step_does),
        cmocka_unit_test(tokens_of_other_ranks_cost_experts_and_their_way_there),
        cmocka_unit_test(copies_for_experts_are_those_of_all_ranks),
        cmocka_unit_test(a_linear_price_has_no_part_that_is_shared),
        cmocka_unit_test(the_energy_of_ranks_that_are_alike_is_that_of_a_replica),
        cmocka_unit_test(a_rank_has_blocks_and_a_batch_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
