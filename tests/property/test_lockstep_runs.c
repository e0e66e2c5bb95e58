#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"

enum { N_WORLDS = 600 };

/* What went on in all worlds together. */
struct seen {
    int64_t n_preemptions;
    int64_t n_timed_out;
    int64_t n_dummies;
    int64_t n_accepted;
    int64_t n_worlds_with_stragglers;
    int64_t n_worlds_with_a_limit;
    int64_t n_worlds_with_hits;
};

static const char *const tenants[] = {"a", "b", ""};

/* The most tokens that a request holds. */
static int64_t write_trace(struct rng *rng)
{
    FILE *out = fopen("trace.csv", "w");
    assert_non_null(out);
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137, 1371);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 4099, 41000);
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,prefix_hash,tenant,priority\n", out);
    for (int64_t i = 3 + rng_below(rng, 41); i > 0; i--) {
        at_us += rng_below(rng, 2 * pace_us + 1);
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = 1 + rng_below(rng, 99);
        fprintf(out, "%lld.%06lld,%lld,%lld,text %lld,%s,%lld\n",
                (long long)(at_us / 1000000), (long long)(at_us % 1000000),
                (long long)prompt, (long long)output, (long long)rng_below(rng, 13),
                tenants[rng_below(rng, 3)], (long long)rng_below(rng, 3));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    assert_int_equal(fclose(out), 0);
    return most;
}

static const char *const prices[] = {
    "cost = linear\nbase_us = 500\nprefill_token_us = 25\ndecode_seq_us = 41.37\n",
    "accelerator = h100-sxm\nmodel = mixtral-8x7b\nexpert_parallel = yes\n",
    "accelerator = h200-sxm\nmodel = gpt-oss-20b\nroofline = step\noverlap = 0.37\n",
    ("accelerator = h200-sxm\nmodel = llama-3.1-8b\nlayers = 7\nexperts = 61\n"
     "experts_active = 3\nmoe_intermediate = 448\nwindow = 37\nwindow_layers = 7\n"),
};

static void write_world(int64_t world)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "lockstep_runs");
    int64_t most_tokens = write_trace(&rng);
    FILE *out = fopen("config.ini", "w");
    assert_non_null(out);
    int64_t block = POLICIES_PICK(&rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    int64_t price = rng_below(&rng, 4);
    fputs("[workload]\ntrace = trace.csv\nunservable = reject\n", out);
    if (rng_below(&rng, 3) == 0) {
        fputs("client_timeout = 41ms\n", out);
    }
    fprintf(out, "[route]\npolicy = %s\n",
            policies_word(&rng, "round_robin", "least_requests"));
    if (rng_below(&rng, 3) == 0) {
        fputs("[offload]\nhost_blocks = 41\nhost_block_us = 13.7\n", out);
    }
    if (rng_below(&rng, 3) == 0) {
        fputs("[power]\npower_cap = 387\n", out);
    }
    if (rng_below(&rng, 4) == 0) { /* a replica that is alone, before the ranks */
        fputs("[pool.alone]\ncost = linear\nbase_us = 1370\nnum_gpu_blocks = 4099\n",
              out);
    }
    fputs("[pool.main]\n", out);
    policies_write(&rng, out);
    fprintf(out,
            "block_size = %lld\nnum_gpu_blocks = %lld\n"
            "max_num_batched_tokens = %lld\nlong_prefill_token_threshold = %lld\n"
            "replicas = %lld\ndata_parallel = %lld\ndata_parallel_mode = lockstep\n"
            "tensor_parallel = %lld\npipeline_parallel = %lld\n%s",
            (long long)block, (long long)(needed * POLICIES_PICK(&rng, 1, 1, 2, 3) + 1),
            (long long)POLICIES_PICK(&rng, 1, 3, 13, 137, 4099),
            (long long)POLICIES_PICK(&rng, 0, 0, 2, 37),
            (long long)POLICIES_PICK(&rng, 1, 1, 2),
            (long long)POLICIES_PICK(&rng, 2, 3, 7),
            (long long)POLICIES_PICK(&rng, 1, 1, 2),
            (long long)(getenv("BATCHING") ? 1 : POLICIES_PICK(&rng, 1, 1, 2)),
            prices[price]);
    if (getenv("BATCHING") != NULL) {
        fputs("[speculative]\nmethod = mtp\nmtp_layers = 2\ndraft_base_us = 37\n"
              "num_speculative_tokens = 3\n",
              out);
    }
    rng_free(&rng);
    assert_int_equal(fclose(out), 0);
}

static void note(struct seen *seen, const struct metrics *m)
{
    seen->n_preemptions += worlds_value(m, "preemptions");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_dummies += worlds_value(m, "dp_dummy_steps");
    seen->n_worlds_with_stragglers += worlds_share(m, "dp_straggler_share") > 0;
    seen->n_worlds_with_a_limit += metrics_find(m, "throttled_share") != NULL &&
                                   worlds_share(m, "throttled_share") > 0;
    seen->n_worlds_with_hits += worlds_share(m, "prefix_cache_hit_rate") > 0;
    if (metrics_find(m, "accepted_tokens") != NULL) {
        seen->n_accepted += worlds_value(m, "accepted_tokens");
    }
}

static void run_worlds(int64_t first, int64_t n, struct seen *seen)
{
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    for (int64_t world = first; world < first + n; world++) {
        write_world(world);
        worlds_try(world, world % 16 == 0, metrics);
        note(seen, metrics);
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    free(metrics);
}

static void every_invariant_holds_of_ranks_that_step_together(void **state)
{
    (void)state;
    struct seen seen = {0};
    unsetenv("BATCHING");
    run_worlds(0, N_WORLDS, &seen);
    print_message("%lld dummies, %lld preemptions, %lld timed out\n",
                  (long long)seen.n_dummies, (long long)seen.n_preemptions,
                  (long long)seen.n_timed_out);
    assert_true(seen.n_dummies > 4099 && seen.n_preemptions > 137);
    assert_true(seen.n_timed_out > 137 && seen.n_worlds_with_stragglers > 137);
    assert_true(seen.n_worlds_with_hits > 37 && seen.n_worlds_with_a_limit > 37);
}

static void ranks_may_draft(void **state)
{
    (void)state;
    struct seen seen = {0};
    setenv("BATCHING", "unified", 1); /* the one that verifies drafted tokens */
    run_worlds(N_WORLDS, N_WORLDS / 4, &seen);
    unsetenv("BATCHING");
    assert_true(seen.n_accepted > 1371 && seen.n_dummies > 1371);
}

/* `n` requests of every kind at once, one for each rank; as many tokens may run as like. */
static void write_alike(int64_t world, int64_t n, bool lockstep)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "lockstep_alike");
    FILE *trace = fopen("trace.csv", "w");
    FILE *out = fopen("config.ini", "w");
    assert_true(trace != NULL && out != NULL);
    int64_t at_us = 0;
    fputs("arrival_s,prompt_tokens,output_tokens\n", trace);
    for (int64_t i = 1 + rng_below(&rng, 13); i > 0; i--) {
        int64_t prompt = 1 + rng_below(&rng, 1371);
        int64_t output = 1 + rng_below(&rng, 41);
        at_us += rng_below(&rng, 137000);
        for (int64_t rank = 0; rank < n; rank++) {
            fprintf(trace, "%lld.%06lld,%lld,%lld\n", (long long)(at_us / 1000000),
                    (long long)(at_us % 1000000), (long long)prompt, (long long)output);
        }
    }
    fprintf(out,
            "[workload]\ntrace = trace.csv\n[route]\npolicy = round_robin\n"
            "%s[pool.main]\ndata_parallel = %lld\ndata_parallel_mode = %s\n"
            "frontend_ms = 0\nfrontend_request_ms = 0\nfrontend_token_us = 0\n"
            "max_num_batched_tokens = 100000\nmax_num_seqs = 200\n"
            "num_gpu_blocks = 100000\n%s",
            world % 2 == 0 ? "" : "[power]\npower_cap = 387\n", (long long)n,
            lockstep ? "lockstep" : "balanced", prices[1 + rng_below(&rng, 3)]);
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(out), 0);
}

static void assert_near(double found, double wanted, double share)
{
    assert_true(found >= wanted * (1 - share) && found <= wanted * (1 + share));
}

static void ranks_that_are_alike_run_as_a_balanced_replica(void **state)
{
    (void)state;
    static const char *const names[] = {
        "duration",     "mean_ttft_ms",  "p99_ttft_ms", "mean_tpot_ms",   "max_itl_ms",
        "mean_e2el_ms", "mean_queue_ms", "sojourn_sum", "total_cost_usd", "mfu"};
    struct metrics *ranks = memory_new(1, sizeof *ranks);
    struct metrics *whole = memory_new(1, sizeof *whole);
    for (int64_t world = 0; world < 60; world++) {
        int64_t n = 2 + world % 3;
        write_alike(world, n, true);
        worlds_run(false, NULL, ranks);
        write_alike(world, n, false);
        worlds_run(false, NULL, whole);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            const char *found = metrics_value(ranks, names[i]);
            const char *wanted = metrics_value(whole, names[i]);
            if (world % 2 == 0) {
                assert_string_equal(found, wanted);
            } else { /* who reads one thousandth of an expert more is slowest */
                assert_near(strtod(found, NULL), strtod(wanted, NULL), 1e-4);
            }
        }
        assert_int_equal(worlds_value(ranks, "dp_dummy_steps"), 0);
        assert_true(strtod(metrics_value(ranks, "dp_straggler_share"), NULL) <= 1e-4);
        double joules = strtod(metrics_value(ranks, "total_energy_j"), NULL);
        double wanted = strtod(metrics_value(whole, "total_energy_j"), NULL);
        assert_near(joules, wanted, world % 2 == 0 ? 1e-6 : 1e-4);
    }
    free(ranks);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_invariant_holds_of_ranks_that_step_together),
        cmocka_unit_test(ranks_may_draft),
        cmocka_unit_test(ranks_that_are_alike_run_as_a_balanced_replica),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
