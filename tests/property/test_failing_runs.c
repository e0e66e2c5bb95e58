#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"
#include "base/rng.h"

/* Random fleets in which replicas, nodes and spot capacity come and go and some are slow:
 * nothing gets lost, whichever way steps are run. */

enum { N_WORLDS = 500 };

struct seen {
    int64_t n_failures;
    int64_t n_reclaims;
    int64_t n_lost_attempts;
    int64_t n_restarted;
    int64_t n_migrated;
    int64_t n_failed;
    int64_t n_timed_out;
    int64_t n_lost_tokens;
    int64_t n_lost_outputs;
    int64_t n_aborted;
    int64_t n_completed;
    int64_t n_skipped_plans;
    int64_t n_hits;
};

static int64_t write_trace(struct rng *rng, FILE *out)
{
    int64_t n = 3 + rng_below(rng, 78);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 1000, 4099);
    bool whole = rng_below(rng, 2) == 0;
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137, 599);
    int64_t n_texts = POLICIES_PICK(rng, 0, 1, 3, 13);
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,prefix_hash,session_id,tenant\n", out);
    for (int64_t i = 0; i < n; i++) {
        int64_t gap_us = rng_below(rng, 3) == 0 ? 0 : rng_below(rng, 2 * pace_us + 1);
        at_us += whole ? (gap_us + 999) / 1000 * 1000 : gap_us;
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = rng_below(rng, 5) == 0 ? 1 : 1 + rng_below(rng, 137);
        fprintf(out, "%lld.%06lld,%lld,%lld,", (long long)(at_us / 1000000),
                (long long)(at_us % 1000000), (long long)prompt, (long long)output);
        if (n_texts > 0 && rng_below(rng, 4) > 0) {
            bool is_turn = rng_below(rng, 2) == 0;
            fprintf(out, is_turn ? ",session %lld" : "text %lld,",
                    (long long)rng_below(rng, n_texts));
        } else {
            fputs(",", out);
        }
        fprintf(out, ",%s\n", policies_word(rng, "a", "b"));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    return most;
}

static void write_price(struct rng *rng, FILE *out)
{
    static const char *const prices[] = {
        "cost = linear\nbase_us = 1000\n",
        "cost = linear\nbase_us = 500\nprefill_token_us = 250\ndecode_seq_us = 250\n",
        "cost = linear\nbase_us = 137.0137\nprefill_token_us = 0.0137\n"
        "context_token_us = 0.0137\n",
        "accelerator = h100-sxm\nmodel = llama-3.1-8b\nengine = vllm\n"
        "roofline = operation\n",
        "accelerator = rtx-4090\nmodel = llama-3.1-8b\nroofline = step\noverlap = "
        "0.37\n",
    };
    fputs(prices[rng_below(rng, 5)], out);
}

static int64_t write_pool(struct rng *rng, FILE *out, const char *name,
                          int64_t most_tokens)
{
    int64_t block = POLICIES_PICK(rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    int64_t usable = needed * POLICIES_PICK(rng, 1, 1, 2, 3) + rng_below(rng, 7);
    int64_t n_replicas = 1 + rng_below(rng, 5);
    fprintf(out, "[pool.%s]\n", name);
    policies_write(rng, out);
    fprintf(out, "block_size = %lld\nnum_gpu_blocks = %lld\n", (long long)block,
            (long long)usable + 1);
    fprintf(out, "max_num_batched_tokens = %lld\n",
            (long long)POLICIES_PICK(rng, 1, 13, 41, 137, 4099));
    fprintf(out, "replicas = %lld\ngpus_per_node = %lld\n", (long long)n_replicas,
            (long long)POLICIES_PICK(rng, 1, 2, 4));
    if (rng_below(rng, 3) == 0) {
        fputs("frontend_ms = 1.37\nfrontend_request_ms = 0.137\n", out);
    }
    if (rng_below(rng, 3) == 0) {
        fprintf(out, "slow_share = 0.%lld\nslow_factor = 1.37\n",
                (long long)POLICIES_PICK(rng, 3, 6));
    }
    fprintf(out, "async_scheduling = %s\n", rng_below(rng, 3) == 0 ? "yes" : "no");
    write_price(rng, out);
    fprintf(out,
            "[scale.%s]\nimage_s = %s\nstorage_bandwidth = 0\ngraph_capture_s = 0\n",
            name, policies_word(rng, "0", "0.0041"));
    if (rng_below(rng, 3) == 0) {
        fprintf(out,
                "policy = concurrency\ntarget = 3\nmin = %lld\nmax = %lld\n"
                "interval = 7ms\ndown_cooldown = 13ms\n",
                (long long)rng_below(rng, 2), (long long)n_replicas + 1);
    }
    return n_replicas;
}

/* Some of them at instants at which steps end. */
static void write_events(struct rng *rng, const char *const *pools,
                         const int64_t *n_replicas, int64_t n_pools)
{
    FILE *out = fopen("events.csv", "w");
    assert_non_null(out);
    fputs("time_s,pool,replica,kind,duration_s,notice_s,factor\n", out);
    int64_t n = rng_below(rng, 9);
    for (int64_t i = 0; i < n; i++) {
        int64_t pool = rng_below(rng, n_pools);
        int64_t at_us =
            rng_below(rng, 2) == 0 ? 1000 * rng_below(rng, 99) : rng_below(rng, 137000);
        fprintf(out, "0.%06lld,%s,%lld,", (long long)at_us, pools[pool],
                (long long)rng_below(rng, n_replicas[pool]));
        switch (rng_below(rng, 3)) {
        case 0:
            fprintf(out, "fail,%s,,\n",
                    policies_word(rng, "", policies_word(rng, "0.0137", "0")));
            break;
        case 1:
            fprintf(out, "reclaim,%s,%s,\n", policies_word(rng, "", "0.0041"),
                    policies_word(rng, "0.01", policies_word(rng, "0", "")));
            break;
        default:
            fprintf(out, "slow,%s,,%s\n", policies_word(rng, "", "0.0137"),
                    policies_word(rng, "1", "2.37"));
        }
    }
    assert_int_equal(fclose(out), 0);
}

static void write_fail(struct rng *rng, FILE *out)
{
    static const char *const actions[] = {"retry", "retry", "migrate", "migrate",
                                          "fail"};
    fputs("[fail]\nevents = events.csv\n", out);
    fprintf(out, "on_failure = %s\nmax_retries = %lld\nbackoff = %s\nscope = %s\n",
            actions[rng_below(rng, 5)], (long long)POLICIES_PICK(rng, 0, 1, 3, 7),
            policies_word(rng, "0", policies_word(rng, "1.37ms", "1ms")),
            policies_word(rng, "node", "replica"));
    if (rng_below(rng, 2) == 0) {
        fprintf(out, "mtbf = %lldus\nmttr = %lldus\n",
                (long long)POLICIES_PICK(rng, 4099, 41000, 137000),
                (long long)POLICIES_PICK(rng, 0, 137, 13700));
    }
    if (rng_below(rng, 3) == 0) {
        fprintf(out, "spot_mtbf = %lldus\nspot_replace_s = %s\n",
                (long long)POLICIES_PICK(rng, 13700, 137000),
                policies_word(rng, "0", "0.00137"));
    }
    fprintf(out, "notice = %s\n",
            policies_word(rng, "10ms", policies_word(rng, "1.37ms", "0")));
}

static void write_world(int64_t world)
{
    static const char *const pools[] = {"main", "more"};
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "failing_runs");
    FILE *trace = fopen("trace.csv", "w");
    FILE *config = fopen("config.ini", "w");
    assert_true(trace != NULL && config != NULL);
    int64_t most_tokens = write_trace(&rng, trace);
    fprintf(config,
            "[run]\nseed = %lld\n[workload]\ntrace = trace.csv\n"
            "unservable = reject\nsession_prefix = %s\n",
            (long long)world, policies_word(&rng, "yes", "no"));
    if (rng_below(&rng, 3) == 0) {
        fprintf(config, "client_timeout = %lldus\n",
                (long long)POLICIES_PICK(&rng, 1370, 13000, 137000));
    }
    if (rng_below(&rng, 5) == 0) {
        fprintf(config, "mode = closed\nconcurrency = %lld\n",
                (long long)POLICIES_PICK(&rng, 1, 3, 13));
    }
    static const char *const routes[] = {
        "round_robin",     "random",       "power_of_two",
        "least_requests",  "least_tokens", "session_affinity",
        "prefix_affinity", "weighted",     "least_kv"};
    fprintf(config,
            "[slo]\nttft_ms = 13.7\n[output]\ninterval = 0.0137\n[route]\npolicy = %s\n"
            "staleness = %s\nhold_timeout = %s\n",
            routes[rng_below(&rng, 9)], policies_word(&rng, "0", "3.7ms"),
            policies_word(&rng, "5ms", policies_word(&rng, "41ms", "500ms")));
    if (rng_below(&rng, 3) == 0) {
        fputs("[offload]\nhost_blocks = 41\nhost_block_us = 1.37\n", config);
    }
    int64_t n_replicas[2] = {write_pool(&rng, config, pools[0], most_tokens)};
    int64_t n_pools = 1 + (rng_below(&rng, 3) == 0);
    if (n_pools > 1) {
        n_replicas[1] = write_pool(&rng, config, pools[1], most_tokens);
    }
    write_fail(&rng, config);
    write_events(&rng, pools, n_replicas, n_pools);
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
}

static void note(struct seen *seen, const struct metrics *m, int64_t n_skipped)
{
    seen->n_failures += worlds_value(m, "failures");
    seen->n_reclaims += worlds_value(m, "reclaims");
    seen->n_lost_attempts += worlds_value(m, "lost_attempts");
    seen->n_restarted += worlds_value(m, "restarted_requests");
    seen->n_migrated += worlds_value(m, "migrated_requests");
    seen->n_failed += worlds_value(m, "all_failed_requests");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_lost_tokens += worlds_value(m, "computed_tokens_lost");
    seen->n_lost_outputs += worlds_value(m, "emitted_tokens_lost");
    seen->n_aborted += worlds_value(m, "computed_tokens_aborted");
    seen->n_completed += worlds_value(m, "all_completed_requests");
    seen->n_hits += worlds_value(m, "prefix_cache_hit_tokens");
    seen->n_skipped_plans += n_skipped;
}

static void nothing_gets_lost_where_everything_fails_in_either_mode(void **state)
{
    struct metrics *spans = memory_new(1, sizeof *spans);
    struct seen seen = {0};
    const char *only = getenv("WORLD");
    print_message("what aborts leaves its world in %s\n", (const char *)*state);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        if (worlds_passes_over(world)) {
            continue;
        }
        write_world(world);
        note(&seen, spans, worlds_try(world, true, spans));
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld failures, %lld reclaims, %lld lost attempts, %lld restarted, "
                  "%lld migrated, %lld failed, %lld timed out, %lld completed; tokens: "
                  "%lld lost, %lld outputs lost, %lld aborted, %lld hits; %lld steps "
                  "inside spans\n",
                  (long long)seen.n_failures, (long long)seen.n_reclaims,
                  (long long)seen.n_lost_attempts, (long long)seen.n_restarted,
                  (long long)seen.n_migrated, (long long)seen.n_failed,
                  (long long)seen.n_timed_out, (long long)seen.n_completed,
                  (long long)seen.n_lost_tokens, (long long)seen.n_lost_outputs,
                  (long long)seen.n_aborted, (long long)seen.n_hits,
                  (long long)seen.n_skipped_plans);
    assert_true(only != NULL || (seen.n_failures > 1370 && seen.n_reclaims > 137));
    assert_true(only != NULL || (seen.n_restarted > 137 && seen.n_migrated > 137));
    assert_true(only != NULL || (seen.n_failed > 137 && seen.n_timed_out > 137));
    assert_true(only != NULL || (seen.n_lost_tokens > 4099 && seen.n_aborted > 137));
    assert_true(only != NULL || (seen.n_lost_outputs > 1370 && seen.n_hits > 4099));
    assert_true(only != NULL || seen.n_skipped_plans > 4099);
    free(spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_gets_lost_where_everything_fails_in_either_mode),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
