#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"
#include "base/rng.h"
#include "policy/policy.h"

/* Fleets of several pools under every router, with old views and new ones: spans and
 * --stepwise must see the same replicas whenever a request is routed. */
enum { N_WORLDS = 3000, N_ROUTERS = 9 };

struct seen {
    int64_t n_completed;
    int64_t n_preemptions;
    int64_t n_unservable;
    int64_t n_timed_out;
    int64_t n_skipped_plans; /* steps that spans did not plan */
    int64_t n_worlds_with_hits;
};

/* Steps last whole milliseconds as often as not, and so do gaps between arrivals. */
static int64_t write_trace(struct rng *rng, FILE *out)
{
    static const char *const models[] = {"", "", "llama", "qwen", "gemma"};
    static const char *const classes[] = {"", "", "chat", "batch"};
    int64_t n = 3 + rng_below(rng, 90);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 1000, 2000, 4099);
    bool whole = rng_below(rng, 3) > 0;
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137);
    int64_t n_texts = POLICIES_PICK(rng, 0, 1, 3, 13);
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,prefix_hash,session_id,model,class,"
          "adapter\n",
          out);
    for (int64_t i = 0; i < n; i++) {
        int64_t gap_us = rng_below(rng, 3) == 0 ? 0 : rng_below(rng, 2 * pace_us + 1);
        at_us += whole ? (gap_us + 999) / 1000 * 1000 : gap_us;
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = rng_below(rng, 4) == 0 ? 1 : 1 + rng_below(rng, 67);
        fprintf(out, "%lld.%06lld,%lld,%lld,", (long long)(at_us / 1000000),
                (long long)(at_us % 1000000), (long long)prompt, (long long)output);
        if (n_texts > 0 && rng_below(rng, 4) > 0) {
            bool is_turn = rng_below(rng, 2) == 0;
            fprintf(out, is_turn ? ",session %lld" : "text %lld,",
                    (long long)rng_below(rng, n_texts));
        } else {
            fputs(",", out);
        }
        fprintf(out, ",%s,%s,%s\n", models[rng_below(rng, 5)],
                classes[rng_below(rng, 4)], policies_word(rng, "", "lora-1"));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    return most;
}

static void write_pool(struct rng *rng, FILE *out, int64_t index, int64_t most_tokens)
{
    static const char *const prices[] = {
        "base_us = 1000\n",
        "base_us = 500\nprefill_token_us = 250\ndecode_seq_us = 250\n",
        "base_us = 137.0137\nprefill_token_us = 0.0137\ncontext_token_us = 0.0137\n",
    };
    int64_t block = POLICIES_PICK(rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    fprintf(
        out, "[pool.p%lld]\nbatching = %s\nblock_size = %lld\n", (long long)index,
        policies_word(rng, "unified", policies_word(rng, "sarathi", "prefill_first")),
        (long long)block);
    fprintf(
        out, "num_gpu_blocks = %lld\nenable_prefix_caching = %s\n",
        (long long)(needed * POLICIES_PICK(rng, 1, 1, 2, 3) + rng_below(rng, 7) + 1),
        rng_below(rng, 5) > 0 ? "yes" : "no");
    fprintf(out,
            "max_num_batched_tokens = 4099\nmax_num_seqs = %lld\nreplicas = %lld\n",
            (long long)POLICIES_PICK(rng, 3, 13, 256),
            (long long)POLICIES_PICK(rng, 1, 2, 3, 5));
    fprintf(out, "served_model = %s\nclasses = %s\n",
            policies_word(rng, "", policies_word(rng, "llama", "qwen")),
            policies_word(rng, "", policies_word(rng, "chat", "batch, chat")));
    if (rng_below(rng, 3) == 0) {
        fputs("frontend_ms = 1.37\n", out);
    }
    fprintf(out, "poll_steps = %lld\nasync_scheduling = %s\ncost = linear\n%s",
            (long long)POLICIES_PICK(rng, 0, 0, 7),
            rng_below(rng, 3) == 0 ? "yes" : "no", prices[rng_below(rng, 3)]);
}

static void write_route(struct rng *rng, FILE *out, const char *policy)
{
    fprintf(out, "[route]\npolicy = %s\n", policy);
    if (rng_below(rng, 3) == 0) {
        fprintf(out, "staleness = %lldus\ncount_own = %s\n",
                (long long)POLICIES_PICK(rng, 137, 1000, 4000, 41000),
                policies_word(rng, "yes", "no"));
    }
    fprintf(out,
            "balance_abs = %lld\nbalance_rel = 1.%lld\ncache_threshold = 0.%lld\n"
            "prefix_index_blocks = %lld\nprefix_block_tokens = %lld\n",
            (long long)POLICIES_PICK(rng, 0, 1, 3, 32),
            (long long)POLICIES_PICK(rng, 0, 37),
            (long long)POLICIES_PICK(rng, 0, 37, 5),
            (long long)POLICIES_PICK(rng, 1, 13, 4099),
            (long long)POLICIES_PICK(rng, 1, 3, 16));
    fprintf(out, "w_queue = %lld\nw_kv = 0.%lld\nw_prefix = %lld\nw_adapter = %lld\n",
            (long long)POLICIES_PICK(rng, 0, 1), (long long)POLICIES_PICK(rng, 0, 37),
            (long long)POLICIES_PICK(rng, 0, 3), (long long)POLICIES_PICK(rng, 0, 1));
}

static void write_world(int64_t world, const char *policy)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "route_runs");
    FILE *trace = fopen("trace.csv", "w");
    FILE *config = fopen("config.ini", "w");
    assert_true(trace != NULL && config != NULL);
    int64_t most_tokens = write_trace(&rng, trace);
    fprintf(config,
            "[run]\nseed = %lld\n[workload]\ntrace = trace.csv\n"
            "unservable = reject\nsession_prefix = yes\n",
            (long long)world);
    if (rng_below(&rng, 3) == 0) {
        fprintf(config, "client_timeout = %lldus\n",
                (long long)POLICIES_PICK(&rng, 1370, 13000, 137000));
    }
    if (rng_below(&rng, 5) == 0) {
        fprintf(config, "mode = closed\nconcurrency = %lld\n",
                (long long)POLICIES_PICK(&rng, 3, 13, 99));
    }
    fputs("[output]\ninterval = 0.0137\n", config);
    write_route(&rng, config, policy);
    int64_t n_pools = POLICIES_PICK(&rng, 1, 2, 3);
    for (int64_t i = 0; i < n_pools; i++) {
        write_pool(&rng, config, i, most_tokens);
    }
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
}

static void note(struct seen *seen, const struct metrics *m, int64_t n_skipped)
{
    seen->n_completed += worlds_value(m, "all_completed_requests");
    seen->n_preemptions += worlds_value(m, "preemptions");
    seen->n_unservable += worlds_value(m, "all_rejected_requests");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_worlds_with_hits += worlds_share(m, "prefix_cache_hit_rate") > 0;
    seen->n_skipped_plans += n_skipped;
}

static void every_router_sees_the_same_in_spans_and_stepwise(void **state)
{
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    struct seen seen = {0};
    print_message("what aborts leaves its world in %s\n", (const char *)*state);
    int64_t n_routers = 0;
    while (policy_route_all[n_routers] != NULL) {
        n_routers++;
    }
    assert_int_equal(n_routers, N_ROUTERS);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        /* what looks into KV caches has most to see, and gets more worlds */
        static const char *const more[] = {"weighted", "weighted", "least_kv"};
        int64_t which = world % (N_ROUTERS + 3);
        const char *policy =
            which < N_ROUTERS ? policy_route_all[which]->name : more[which - N_ROUTERS];
        write_world(world, policy);
        note(&seen, metrics, worlds_try(world, world % 41 == 0, metrics));
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld completed, %lld unservable, %lld timed out, %lld preemptions, "
                  "%lld steps inside spans, %lld worlds with hits\n",
                  (long long)seen.n_completed, (long long)seen.n_unservable,
                  (long long)seen.n_timed_out, (long long)seen.n_preemptions,
                  (long long)seen.n_skipped_plans, (long long)seen.n_worlds_with_hits);
    assert_true(seen.n_completed > 41000 && seen.n_unservable > 1370);
    assert_true(seen.n_timed_out > 1370 && seen.n_preemptions > 1370);
    assert_true(seen.n_skipped_plans > 41000 && seen.n_worlds_with_hits > 137);
    free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_router_sees_the_same_in_spans_and_stepwise),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
