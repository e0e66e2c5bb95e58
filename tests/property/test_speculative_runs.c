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
    int64_t n_accepted;
    int64_t n_rejected;
    int64_t n_worlds_with_hits;
};

static const char *const tenants[] = {"a", "b", ""};

/* The most tokens that a request holds. */
static int64_t write_trace(struct rng *rng)
{
    FILE *out = fopen("trace.csv", "w");
    assert_non_null(out);
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 4099);
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
    "accelerator = h100-sxm\nmodel = llama-3.1-8b\n",
    "accelerator = rtx-4090\nmodel = llama-3.2-3b\nroofline = step\noverlap = 0.37\n",
    ("accelerator = h200-sxm\nmodel = llama-3.1-8b\nlayers = 7\nexperts = 61\n"
     "experts_active = 3\nmoe_intermediate = 448\nwindow = 37\nwindow_layers = 7\n"),
};

static const char *const methods[] = {
    ("method = draft\ndraft_model = llama-3.2-1b\ndraft_base_us = 41\n"
     "draft_seq_us = 0.137\n"),
    "method = ngram\nngram_overhead_us = 13.7\n",
    "method = mtp\nmtp_layers = 2\ndraft_base_us = 37\n",
};

static void write_world(int64_t world, const char *acceptance)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "speculative_runs");
    int64_t most_tokens = write_trace(&rng);
    FILE *out = fopen("config.ini", "w");
    assert_non_null(out);
    int64_t block = POLICIES_PICK(&rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    fputs("[workload]\ntrace = trace.csv\nunservable = reject\n", out);
    if (rng_below(&rng, 3) == 0) {
        fputs("client_timeout = 41ms\n", out);
    }
    if (rng_below(&rng, 3) == 0 && strcmp(acceptance, "0.7") == 0) {
        fputs("[tenant.a]\nacceptance = 0.137\n", out);
    }
    fprintf(out,
            "[speculative]\n%snum_speculative_tokens = %lld\nacceptance = %s\n"
            "adaptive = %s\n",
            methods[rng_below(&rng, 3)], (long long)POLICIES_PICK(&rng, 1, 3, 7),
            acceptance, policies_word(&rng, "no", "yes"));
    fputs("[pool.main]\n", out);
    policies_write(&rng, out);
    fprintf(out,
            "block_size = %lld\nnum_gpu_blocks = %lld\n"
            "max_num_batched_tokens = %lld\nlong_prefill_token_threshold = %lld\n"
            "replicas = %lld\n%s",
            (long long)block, (long long)(needed * POLICIES_PICK(&rng, 1, 1, 2, 3) + 1),
            (long long)POLICIES_PICK(&rng, 1, 3, 13, 137, 4099),
            (long long)POLICIES_PICK(&rng, 0, 0, 2, 37),
            (long long)POLICIES_PICK(&rng, 1, 1, 2), prices[rng_below(&rng, 4)]);
    rng_free(&rng);
    assert_int_equal(fclose(out), 0);
}

static void note(struct seen *seen, const struct metrics *m)
{
    seen->n_preemptions += worlds_value(m, "preemptions");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_accepted += worlds_value(m, "accepted_tokens");
    seen->n_rejected += worlds_value(m, "computed_tokens_rejected");
    seen->n_worlds_with_hits += worlds_share(m, "prefix_cache_hit_rate") > 0;
}

static void every_invariant_holds_where_tokens_are_drafted(void **state)
{
    (void)state;
    static const char *const acceptances[] = {"0.7", "0", "1"};
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    struct seen seen = {0};
    setenv("BATCHING", "unified", 1); /* the one that verifies them */
    for (int64_t world = 0; world < N_WORLDS; world++) {
        write_world(world, acceptances[world % 3]);
        worlds_try(world, world % 16 == 0, metrics);
        if (world % 3 == 1) {
            assert_int_equal(worlds_value(metrics, "accepted_tokens"), 0);
        }
        note(&seen, metrics);
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld accepted, %lld rejected, %lld preemptions, %lld timed out\n",
                  (long long)seen.n_accepted, (long long)seen.n_rejected,
                  (long long)seen.n_preemptions, (long long)seen.n_timed_out);
    assert_true(seen.n_accepted > 4099 && seen.n_rejected > 4099);
    assert_true(seen.n_preemptions > 137 && seen.n_timed_out > 137);
    assert_true(seen.n_worlds_with_hits > 37);
    free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_invariant_holds_where_tokens_are_drafted),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
