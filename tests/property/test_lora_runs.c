#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"

enum { N_WORLDS = 500, N_ADAPTERS = 7 };

/* What went on in all worlds together. */
struct seen {
    int64_t n_preemptions;
    int64_t n_timed_out;
    int64_t n_skipped;
    int64_t n_loads;
    int64_t n_downloads;
    int64_t n_worlds_with_hits;
};

/* The most tokens that a request holds. */
static int64_t write_trace(struct rng *rng, int64_t n_adapters)
{
    static const char *const names[] = {"", "a", "b", "c", "d", "e", "f", "g"};
    FILE *out = fopen("trace.csv", "w");
    assert_non_null(out);
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 4099);
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,prefix_hash,tenant,priority,adapter\n",
          out);
    for (int64_t i = 3 + rng_below(rng, 41); i > 0; i--) {
        at_us += rng_below(rng, 2 * pace_us + 1);
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = 1 + rng_below(rng, 99);
        int64_t adapter = rng_below(rng, N_ADAPTERS + 1);
        fprintf(out, "%lld.%06lld,%lld,%lld,text %lld,%s,%lld,%s\n",
                (long long)(at_us / 1000000), (long long)(at_us % 1000000),
                (long long)prompt, (long long)output, (long long)rng_below(rng, 5),
                policies_word(rng, "a", "b"), (long long)rng_below(rng, 3),
                names[adapter <= n_adapters ? adapter : 0]);
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    assert_int_equal(fclose(out), 0);
    return most;
}

static const char *const prices[] = {
    "cost = linear\nbase_us = 500\nprefill_token_us = 25\ndecode_seq_us = 41.37\n",
    "accelerator = h100-sxm\nmodel = llama-3.1-8b\n",
    "accelerator = rtx-4090\nmodel = llama-3.2-3b\nroofline = step\noverlap = 0.37\n",
    ("accelerator = h200-sxm\nmodel = llama-3.1-8b\nlayers = 7\ntensor_parallel = 2\n"
     "pipeline_parallel = 3\nwindow = 37\nwindow_layers = 7\n"),
};

static void write_world(int64_t world, int64_t max_loras, int64_t n_adapters)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "lora_runs");
    int64_t most_tokens = write_trace(&rng, n_adapters);
    FILE *out = fopen("config.ini", "w");
    assert_non_null(out);
    int64_t block = POLICIES_PICK(&rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    int64_t own = POLICIES_PICK(&rng, 1, 1, 2, 3);
    int64_t price = rng_below(&rng, 4);
    int64_t slots = max_loras >= 0 ? max_loras : own;
    fputs("[workload]\ntrace = trace.csv\nunservable = reject\n", out);
    if (rng_below(&rng, 3) == 0) {
        fputs("client_timeout = 41ms\n", out);
    }
    fprintf(out,
            "[lora]\nmax_loras = %lld\nmax_cpu_loras = %lld\nrank = %lld\n"
            "target = %s\nload_ms = %s\ndownload_ms = 0.37\nlora_token_us = 1.37\n"
            "lora_adapter_us = 41\n[pool.main]\n",
            (long long)slots, (long long)(slots + rng_below(&rng, 3)),
            (long long)POLICIES_PICK(&rng, 1, 16, 137),
            policies_word(&rng, "all", "attention"), policies_word(&rng, "0", "0.137"));
    policies_write(&rng, out);
    fprintf(out,
            "block_size = %lld\nnum_gpu_blocks = %lld\n"
            "max_num_batched_tokens = %lld\nlong_prefill_token_threshold = %lld\n"
            "replicas = %lld\n%s",
            (long long)block, (long long)(needed * POLICIES_PICK(&rng, 1, 1, 2, 3) + 1),
            (long long)POLICIES_PICK(&rng, 13, 137, 4099),
            (long long)POLICIES_PICK(&rng, 0, 0, 2, 37),
            (long long)POLICIES_PICK(&rng, 1, 1, 2), prices[price]);
    if (price > 0 && rng_below(&rng, 3) == 0) { /* below what full steps would draw */
        fputs("[power]\npower_cap = 300W\n", out);
    }
    rng_free(&rng);
    assert_int_equal(fclose(out), 0);
}

static void note(struct seen *seen, const struct metrics *m)
{
    seen->n_preemptions += worlds_value(m, "preemptions");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_skipped += worlds_value(m, "lora_skipped");
    seen->n_loads += worlds_value(m, "lora_loads");
    seen->n_downloads += worlds_value(m, "lora_downloads");
    seen->n_worlds_with_hits += worlds_share(m, "prefix_cache_hit_rate") > 0;
}

static void every_invariant_holds_where_adapters_are_served(void **state)
{
    (void)state;
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    struct seen seen = {0};
    setenv("BATCHING", "unified", 1);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        write_world(world, -1, N_ADAPTERS);
        worlds_try(world, world % 16 == 0, metrics);
        note(&seen, metrics);
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld skipped, %lld loads, %lld downloads, %lld preemptions\n",
                  (long long)seen.n_skipped, (long long)seen.n_loads,
                  (long long)seen.n_downloads, (long long)seen.n_preemptions);
    assert_true(seen.n_skipped > 4099 / 2 && seen.n_preemptions > 137);
    assert_true(seen.n_downloads > 137 && seen.n_loads > seen.n_downloads + 137);
    assert_true(seen.n_timed_out > 137 && seen.n_worlds_with_hits > 37);
    free(metrics);
}

/* One pool: an adapter is downloaded once per replica, and nobody waits for a slot. */
static void with_a_slot_for_every_adapter_nobody_is_passed_over(void **state)
{
    (void)state;
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    int64_t n_loads = 0;
    setenv("BATCHING", "unified", 1);
    for (int64_t world = 0; world < N_WORLDS / 5; world++) {
        write_world(world, N_ADAPTERS, N_ADAPTERS);
        worlds_run(false, NULL, metrics);
        assert_int_equal(worlds_value(metrics, "lora_skipped"), 0);
        assert_int_equal(worlds_value(metrics, "lora_loads"),
                         worlds_value(metrics, "lora_downloads"));
        assert_true(worlds_value(metrics, "lora_loads") <= 2 * N_ADAPTERS);
        n_loads += worlds_value(metrics, "lora_loads");
    }
    assert_true(n_loads > 137);
    free(metrics);
}

static void without_slots_adapters_change_nothing(void **state)
{
    (void)state;
    struct metrics *named = memory_new(1, sizeof *named);
    struct metrics *unnamed = memory_new(1, sizeof *unnamed);
    setenv("BATCHING", "unified", 1);
    for (int64_t world = 0; world < N_WORLDS / 5; world++) {
        write_world(world, 0, N_ADAPTERS);
        worlds_run(false, NULL, named);
        write_world(world, 0, 0);
        worlds_run(false, NULL, unnamed);
        worlds_assert_alike(named, unnamed, world);
        assert_null(metrics_find(named, "lora_loads"));
    }
    free(named);
    free(unnamed);
}

/* And where nobody asks for an adapter, slots cost only what blocks they displace: none, for
 * those are given. */
static void slots_that_nobody_uses_cost_no_time(void **state)
{
    (void)state;
    struct metrics *with = memory_new(1, sizeof *with);
    struct metrics *without = memory_new(1, sizeof *without);
    static const char *const names[] = {"duration", "mean_ttft_ms", "max_itl_ms",
                                        "joules_per_request", "preemptions"};
    setenv("BATCHING", "unified", 1);
    for (int64_t world = 0; world < N_WORLDS / 5; world++) {
        write_world(world, -1, 0);
        worlds_run(false, NULL, with);
        write_world(world, 0, 0);
        worlds_run(false, NULL, without);
        assert_int_equal(worlds_value(with, "lora_loads"), 0);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            assert_string_equal(metrics_value(with, names[i]),
                                metrics_value(without, names[i]));
        }
    }
    free(with);
    free(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_invariant_holds_where_adapters_are_served),
        cmocka_unit_test(with_a_slot_for_every_adapter_nobody_is_passed_over),
        cmocka_unit_test(without_slots_adapters_change_nothing),
        cmocka_unit_test(slots_that_nobody_uses_cost_no_time),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
