#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/adapter.h"
#include "model/ledger.h"
#include "model_world.h"

static struct adapter_config adapters(int64_t rank, enum adapter_target target)
{
    return (struct adapter_config){.max_loras = 3,
                                   .rank = rank,
                                   .target = target,
                                   .storage_bytes_per_s = 1000000000};
}

/* What must_adapter() is of. */
static struct adapter must_adapter(const struct adapter_config *config,
                                   const struct cost_config *cost,
                                   const struct llm *llm,
                                   const struct constants *constants,
                                   struct layout layout)
{
    struct adapter adapter;
    struct err err = {""};
    adapter_init(&adapter, config, llm, &layout, 25000000000);
    adapter_price_init(&adapter, config, cost, &h100, llm, constants, &layout, &err);
    assert_string_equal(err.text, "");
    return adapter;
}

/* print_trainable_parameters() of PEFT: r = 16 on all linear layers of Llama-3.1-8B,
 * Llama-2-7B and Llama-3.1-70B; on q, k, v and o of the first. */
static void an_adapter_has_the_parameters_that_peft_counts(void **state)
{
    (void)state;
    struct adapter_config all = adapters(16, ADAPTER_ALL);
    struct adapter_config attention = adapters(16, ADAPTER_ATTENTION);
    assert_int_equal(adapter_params(&all, &llama_8b), 41943040);
    assert_int_equal(adapter_params(&all, &llama_2_7b), 39976960);
    assert_int_equal(adapter_params(&all, &llama_70b), 207093760);
    assert_int_equal(adapter_params(&attention, &llama_8b), 13631488);
    attention.rank = 137;
    assert_int_equal(adapter_params(&attention, &llama_8b), 13631488 / 16 * 137);
}

/* DeepSeek-V3: 7168 + 1536, 1536 + 24576, 7168 + 576, 512 + 32768 and 16384 + 7168 in 61
 * layers; 3 x (7168 + 18432) in three, 3 x (7168 + 2048) in the others. */
static void of_mla_every_projection_and_of_experts_the_shared_one_have_adapters(
    void **state)
{
    (void)state;
    struct adapter_config config = adapters(8, ADAPTER_ATTENTION);
    assert_int_equal(adapter_params(&config, &deepseek_v3), 48503296);
    config.target = ADAPTER_ALL;
    assert_int_equal(adapter_params(&config, &deepseek_v3), 63175168);
    config.target = ADAPTER_ATTENTION;
    int64_t attention = adapter_params(&config, &mixtral);
    config.target =
        ADAPTER_ALL; /* routed experts have none, and Mixtral has no others */
    assert_int_equal(adapter_params(&config, &mixtral), attention);
}

/* On four GPUs q: 4096 + 1024, k and v: 4096 + 256, o: 1024 + 4096, gate and up: 4096 + 3584,
 * down: 3584 + 4096.  On 16 there are two copies of each of the 8 KV heads. */
static void one_half_of_an_adapter_is_cut_over_the_gpus(void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct layout four = tensor(4);
    struct layout sixteen = tensor(16);
    struct layout stages = {.tp = 1, .pp = 3, .dp = 1};
    assert_int_equal(adapter_gpu_params(&config, &llama_8b, &four), 21495808);
    assert_int_equal(adapter_gpu_params(&config, &llama_8b, &sixteen),
                     (4352 + 2 * 4224 + 4352 + 3 * 4992) * 16 * 32);
    assert_int_equal(adapter_gpu_params(&config, &llama_8b, &stages),
                     41943040 / 32 * 11);
}

static void an_adapter_is_moved_in_its_bytes_over_the_bandwidth_or_the_time_given(
    void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct adapter adapter;
    struct layout one = tensor(1);
    adapter_init(&adapter, &config, &llama_8b, &one, 25000000000);
    assert_int_equal(adapter.gpu_bytes, 83886080);
    assert_int_equal(wide_narrow(adapter.load_fs), 3355443200000);
    assert_int_equal(wide_narrow(adapter.download_fs), 83886080000000);
    assert_int_equal(adapter.max_cpu_loras, 3);
    config.load_fs = 41370000000000;
    config.download_fs = 137;
    config.max_cpu_loras = 41;
    adapter_init(&adapter, &config, &llama_8b, &one, 25000000000);
    assert_int_equal(wide_narrow(adapter.load_fs), 41370000000000);
    assert_int_equal(wide_narrow(adapter.download_fs), 137);
    assert_int_equal(adapter.max_cpu_loras, 41);
    /* 405B at the highest rank from the slowest storage: more than 64 bits of fs */
    struct llm large = llama_70b;
    large.n_layers = 4000;
    config = adapters(4096, ADAPTER_ALL);
    config.storage_bytes_per_s = 1000000;
    adapter_init(&adapter, &config, &large, &one, 25000000000);
    assert_true(adapter.download_fs > INT64_MAX);
}

static void where_nobody_knows_the_model_adapters_have_no_size(void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct adapter adapter;
    struct layout one = tensor(1);
    adapter_init(&adapter, &config, NULL, &one, 25000000000);
    assert_int_equal(adapter_slot_bytes(&adapter), 0);
    assert_true(adapter.load_fs == 0 && adapter.download_fs == 0);
    config.max_loras = 0; /* off: whatever else is said */
    config.load_fs = 4099;
    adapter_init(&adapter, &config, &llama_8b, &one, 25000000000);
    assert_int_equal(adapter.max_loras + adapter.gpu_bytes, 0);
    assert_true(adapter.load_fs == 0);
}

static void slots_take_memory_from_the_cache(void **state)
{
    (void)state;
    struct ledger_request request = {.layout = tensor(1),
                                     .block_tokens = 16,
                                     .utilization_nano = 900000000,
                                     .max_batched_tokens = 8192,
                                     .max_seqs = 256};
    struct ledger alone;
    struct ledger beside;
    struct err err;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct adapter adapter;
    adapter_init(&adapter, &config, &llama_8b, &request.layout, 25000000000);
    assert_int_equal(
        ledger_fill(&alone, &request, &h100, &llama_8b, &ideal, "", "h100", "8b", &err),
        0);
    request.lora_bytes = adapter_slot_bytes(&adapter);
    assert_int_equal(ledger_fill(&beside, &request, &h100, &llama_8b, &ideal, "",
                                 "h100", "8b", &err),
                     0);
    assert_int_equal(beside.lora_bytes, 3 * 83886080);
    assert_int_equal(beside.kv_bytes, alone.kv_bytes - 3 * 83886080);
    assert_int_equal(alone.n_blocks - beside.n_blocks, 120); /* 2 MiB each */
}

/* 2 x 41943040 FLOPs at 989.4 TFLOPS, the same number of bytes at 3.35 TB/s. */
static void few_tokens_read_adapters_and_many_compute_with_them(void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct adapter adapter =
        must_adapter(&config, &by_operation, &llama_8b, &ideal, tensor(1));
    assert_int_equal(adapter.token_fs, 84784799);
    assert_int_equal(adapter.read_fs, 25040620896);
    struct step_price price = {{0}};
    struct adapter_counts few = {.n_tokens = 7, .n_adapters = 3};
    adapter_price(&adapter, &few, 1, &price);
    assert_price(price, 0, 3 * 25040620896, 0, 0, 0);
    struct adapter_counts many = {.n_tokens = 4099, .n_adapters = 3};
    adapter_price(&adapter, &many, 1, &price);
    assert_price(price, 4099 * INT64_C(84784799), 3 * 25040620896, 0, 0, 0);
    struct adapter_counts none = {0};
    struct step_price free_of = {{0}};
    adapter_price(&adapter, &none, 1, &free_of);
    assert_price(free_of, 0, 0, 0, 0, 0);
}

static void overlap_hides_part_of_the_shorter_side(void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct constants partly = ideal;
    partly.overlap_nano = 630000000;
    struct adapter adapter =
        must_adapter(&config, &by_operation, &llama_8b, &partly, tensor(1));
    struct step_price price = {{0}};
    struct adapter_counts few = {.n_tokens = 7, .n_adapters = 3};
    adapter_price(&adapter, &few, 1, &price);
    assert_price(price, 7 * INT64_C(31370376), 3 * 25040620896, 0, 0, 0);
    struct step_price other = {{0}};
    struct adapter_counts many = {.n_tokens = 4099, .n_adapters = 3};
    adapter_price(&adapter, &many, 1, &other);
    assert_price(other, 4099 * INT64_C(84784799), 3 * INT64_C(9265029732), 0, 0, 0);
}

static void a_micro_batch_has_its_part_of_the_tokens_and_all_adapters(void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct layout stages = {.tp = 1, .pp = 2, .dp = 1};
    struct adapter adapter =
        must_adapter(&config, &by_operation, &llama_8b, &ideal, stages);
    assert_int_equal(adapter.token_fs,
                     84784799); /* 16 + 16 layers, one after the other */
    struct step_price price = {{0}};
    struct adapter_counts counts = {.n_tokens = 4099, .n_adapters = 1};
    adapter_price(&adapter, &counts, 2, &price);
    assert_price(price, (4099 * INT64_C(84784799) + 1) / 2, 0, 0, 0, 0);
}

static void a_linear_price_is_the_sum_of_both(void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    config.token_fs = 13700;
    config.adapter_fs = 4099000;
    struct cost_config linear = {.kind = COST_LINEAR, .scale_nano = 1000000000};
    struct adapter adapter = must_adapter(&config, &linear, NULL, &ideal, tensor(1));
    struct step_price price = {{0}};
    struct adapter_counts counts = {.n_tokens = 41, .n_adapters = 3};
    adapter_price(&adapter, &counts, 1, &price);
    assert_price(price, 41 * 13700, 3 * 4099000, 0, 0, 0);
    assert_true(power_sum(&adapter.power.flops, &(struct work){.tokens = 41}) == 0);
}

/* FLOPs and bytes of all GPUs: what is whole on each of four counts four times. */
static void flops_and_bytes_are_of_all_gpus(void **state)
{
    (void)state;
    struct adapter_config config = adapters(16, ADAPTER_ALL);
    struct adapter adapter =
        must_adapter(&config, &by_operation, &llama_8b, &ideal, tensor(4));
    struct adapter_counts counts = {.n_tokens = 137, .n_adapters = 3};
    struct work work = adapter_work(&counts);
    assert_wide_equal(power_sum(&adapter.power.flops, &work),
                      "23559405568"); /* 137 x 2 x 4 x 21495808 */
    assert_wide_equal(power_sum(&adapter.power.bytes, &work), "515899392");
}

/* The time that computing and reading take is part of the step's, so that its power stays
 * below what the GPUs may draw. */
static void a_step_with_adapters_draws_no_more_than_tdp(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "adapters");
    for (int world = 0; world < 500; world++) {
        struct accelerator gpu;
        struct llm llm;
        struct constants constants;
        random_hardware(&rng, &gpu, &llm, &constants);
        random_kinds(&rng, &llm);
        struct layout layout = random_layout(&rng, &llm);
        layout.dp = 1;
        struct cost cost = must_cost(&by_operation, &gpu, &llm, &constants, layout);
        struct power power;
        power_init(&power, &cost, &gpu, &llm, &constants, &layout);
        struct adapter_config config = adapters(
            some(&rng, 1, 512), world % 2 == 0 ? ADAPTER_ALL : ADAPTER_ATTENTION);
        struct adapter adapter;
        struct err err;
        adapter_init(&adapter, &config, &llm, &layout, 25000000000);
        assert_int_equal(adapter_price_init(&adapter, &config, &by_operation, &gpu,
                                            &llm, &constants, &layout, &err),
                         0);
        struct step_counts counts = random_step(&rng, &cost);
        int64_t n_tokens = counts.n_decodes + counts.prefill_tokens;
        struct adapter_counts of = {.n_tokens = some(&rng, 1, n_tokens),
                                    .n_adapters = 1};
        of.n_adapters = some(&rng, 1, of.n_tokens < 41 ? of.n_tokens : 41);
        struct step_price price = price_of(&cost, counts);
        adapter_price(&adapter, &of, cost_micro_batches(&cost, &counts), &price);
        wide fs = cost_sum_fs(&price);
        struct work work = power_work(&cost, &counts);
        struct work own = adapter_work(&of);
        wide pj = power_sum(&power.pj, &work) + power_sum(&adapter.power.pj, &own);
        wide most = (wide)gpu.tdp_mw * layout_gpus(&layout) * fs / 1000000 -
                    power.busy_mw * fs / 1000000;
        /* coefficients are rounded to whole picojoules */
        wide slack = (wide)4 * (n_tokens + counts.prefill_pairs +
                                counts.prefill_context + counts.decode_context + 137);
        assert_true(pj <= most + slack);
        assert_true(power_sum(&adapter.power.pj, &own) > 0);
        cost_free(&cost);
    }
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_has_the_parameters_that_peft_counts),
        cmocka_unit_test(
            of_mla_every_projection_and_of_experts_the_shared_one_have_adapters),
        cmocka_unit_test(one_half_of_an_adapter_is_cut_over_the_gpus),
        cmocka_unit_test(
            an_adapter_is_moved_in_its_bytes_over_the_bandwidth_or_the_time_given),
        cmocka_unit_test(where_nobody_knows_the_model_adapters_have_no_size),
        cmocka_unit_test(slots_take_memory_from_the_cache),
        cmocka_unit_test(few_tokens_read_adapters_and_many_compute_with_them),
        cmocka_unit_test(overlap_hides_part_of_the_shorter_side),
        cmocka_unit_test(a_micro_batch_has_its_part_of_the_tokens_and_all_adapters),
        cmocka_unit_test(a_linear_price_is_the_sum_of_both),
        cmocka_unit_test(flops_and_bytes_are_of_all_gpus),
        cmocka_unit_test(a_step_with_adapters_draws_no_more_than_tdp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
