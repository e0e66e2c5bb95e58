#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"
#include "base/rng.h"

/* Random fleets with everything at once: prompts computed elsewhere, scaling, failures,
 * stale views, impatient clients that come again, gateways that shed, odd contracts and
 * limits of power.  Nothing gets lost, whichever way steps are run. */

enum { N_WORLDS = 400 };

static const char *const counters[] = {
    "transfers",
    "scale_ups",
    "scale_downs",
    "failures",
    "migrated_requests",
    "restarted_requests",
    "client_retries",
    "all_shed_requests",
    "all_timed_out_requests",
    "all_failed_requests",
    "all_rejected_requests",
    "completed",
    "prefix_cache_hit_tokens",
    "lora_loads",
};
enum { N_COUNTERS = sizeof counters / sizeof counters[0] };

static int64_t write_trace(struct rng *rng)
{
    FILE *out = fopen("trace.csv", "w");
    assert_non_null(out);
    int64_t n = 3 + rng_below(rng, 70);
    int64_t pace_us = POLICIES_PICK(rng, 137, 1000, 4099, 13700);
    int64_t longest = POLICIES_PICK(rng, 13, 137, 599);
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,session_id,tenant,priority,adapter\n",
          out);
    for (int64_t i = 0; i < n; i++) {
        at_us += rng_below(rng, 3) == 0 ? 0 : rng_below(rng, 2 * pace_us + 1);
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = rng_below(rng, 5) == 0 ? 1 : 1 + rng_below(rng, 99);
        fprintf(out, "%lld.%06lld,%lld,%lld,s%lld,%s,%lld,%s\n",
                (long long)(at_us / 1000000), (long long)(at_us % 1000000),
                (long long)prompt, (long long)output, (long long)rng_below(rng, 7),
                policies_word(rng, "a", "b"), (long long)rng_below(rng, 3),
                policies_word(rng, "", policies_word(rng, "x", "y")));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    assert_int_equal(fclose(out), 0);
    return most;
}

static void write_price(struct rng *rng, FILE *out)
{
    static const char *const terms[] = {
        ("price_basis = on_demand\nbilling = node\ncommitted_replicas = 1\n"
         "usd_per_hour_reserved = 1.37\n"),
        "price_basis = reserved\nusd_per_hour_reserved = 1.37\n",
        "price_basis = owned\ncapex_usd = 30000\nhosting_usd_per_kw_month = 137\n",
        "",
    };
    fputs(terms[rng_below(rng, 4)], out);
}

/* `role`: NULL for a pool of any discipline that does all by itself. */
static void write_pool(struct rng *rng, FILE *out, const char *name, const char *role,
                       int64_t most_tokens, bool hardware)
{
    int64_t block = role != NULL ? 16 : POLICIES_PICK(rng, 1, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    fprintf(out, "[pool.%s]\nreplicas = %lld\ngpus_per_node = 2\n", name,
            (long long)(1 + rng_below(rng, 4)));
    fprintf(out, "block_size = %lld\nnum_gpu_blocks = %lld\n", (long long)block,
            (long long)(1 + needed * POLICIES_PICK(rng, 1, 2, 3) + rng_below(rng, 7)));
    fprintf(out, "max_num_batched_tokens = %lld\nasync_scheduling = %s\n",
            (long long)POLICIES_PICK(rng, role != NULL ? 64 : 13, 137, 4099),
            policies_word(rng, "yes", "no"));
    if (role == NULL) {
        policies_write(rng, out);
    } else {
        fprintf(out, "batching = unified\nmax_num_seqs = %lld\nrole = %s\n",
                (long long)POLICIES_PICK(rng, 2, 5, 64), role);
    }
    if (rng_below(rng, 3) == 0) {
        fputs("frontend_ms = 1.37\nfrontend_request_ms = 0.137\n", out);
    }
    if (rng_below(rng, 3) == 0) {
        fputs("slow_share = 0.5\nslow_factor = 1.37\n", out);
    }
    if (hardware) {
        fputs("accelerator = h100-sxm\nmodel = llama-3.1-8b\nengine = vllm\n", out);
    } else {
        fputs("cost = linear\nbase_us = 500\nprefill_token_us = 13.7\ndecode_seq_us = "
              "41\n"
              "memory = 80GB\nidle_power = 75W\ntdp = 700W\nusd_per_hour = 3.99\n",
              out);
    }
    write_price(rng, out);
}

static void write_gateway(struct rng *rng, FILE *out, bool split)
{
    static const char *const routers[] = {
        "round_robin",     "random",           "power_of_two",
        "least_tokens",    "least_kv",         "weighted",
        "prefix_affinity", "session_affinity", "least_requests"};
    fprintf(out, "[route]\npolicy = %s\nhold_timeout = %s\nstaleness = %s\n",
            routers[rng_below(rng, 9)], policies_word(rng, "41ms", "5s"),
            policies_word(rng, "0", "1.37ms"));
    if (rng_below(rng, 3) == 0) {
        fprintf(out,
                "[admit]\nmax_queue = %lld\nlow_priority_share = 0.5\nrate_rps = %s\n"
                "shed_late = yes\n",
                (long long)POLICIES_PICK(rng, 3, 13, 41),
                policies_word(rng, "0", "137"));
    }
    if (split) {
        fprintf(out,
                "[disaggregate]\npolicy = %s\nlinks = %s\noverlap = %s\n"
                "min_prompt_tokens = %s\nlatency_us = 13.7\n",
                policies_word(rng, "plain", "splitwise"),
                policies_word(rng, "node", "infinite"),
                policies_word(rng, "no", "layerwise"), policies_word(rng, "0", "13"));
    }
}

static void write_troubles(struct rng *rng, FILE *out, const char *const *pools,
                           int64_t n_pools)
{
    if (rng_below(rng, 2) == 0) {
        static const char *const actions[] = {"retry", "migrate", "fail"};
        fprintf(out,
                "[fail]\nmtbf = %lldms\nmttr = 13.7ms\non_failure = %s\nscope = %s\n"
                "backoff = %s\n",
                (long long)POLICIES_PICK(rng, 41, 137), actions[rng_below(rng, 3)],
                policies_word(rng, "node", "replica"),
                policies_word(rng, "0", "1.37ms"));
        if (rng_below(rng, 2) == 0) {
            fputs("spot_mtbf = 137ms\nnotice = 4.1ms\nspot_replace_s = 0.0137\n", out);
        }
    }
    for (int64_t i = 0; i < n_pools; i++) {
        if (rng_below(rng, 2) == 0) {
            static const char *const scalers[] = {"queue", "concurrency", "kv", "rate"};
            fprintf(out,
                    "[scale.%s]\npolicy = %s\ntarget = %s\nmin = %lld\nmax = 6\n"
                    "interval = 13.7ms\ndown_cooldown = 41ms\nboot_s = %s\n",
                    pools[i], scalers[rng_below(rng, 4)],
                    policies_word(rng, "0.7", "0.37"), (long long)rng_below(rng, 2),
                    policies_word(rng, "0.0041", "0.0137"));
        }
    }
    if (rng_below(rng, 3) == 0) {
        fputs("[power]\nhost_idle_w = 13.7\nhost_active_w = 41\npue = 1.37\n"
              "usd_per_kwh = 0.137\ncarbon_g_per_kwh = 370\n",
              out);
    }
    fprintf(out, "[price]\nincrement = %s\nstarting = %s\nfailed = %s\n",
            policies_word(rng, "0", "1s"), policies_word(rng, "billed", "free"),
            policies_word(rng, "billed", "free"));
}

static void write_world(int64_t world)
{
    static const char *const alone[] = {"main", "more"};
    static const char *const parted[] = {"p", "d", "both"};
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "fleet_runs");
    int64_t most_tokens = write_trace(&rng);
    FILE *out = fopen("config.ini", "w");
    assert_non_null(out);
    fprintf(out,
            "[run]\nseed = %lld\n[workload]\ntrace = trace.csv\nunservable = reject\n"
            "session_prefix = %s\n",
            (long long)world, policies_word(&rng, "yes", "no"));
    if (rng_below(&rng, 2) == 0) {
        fprintf(out,
                "client_timeout = %lldms\nclient_retries = %lld\n"
                "client_backoff = %s\n",
                (long long)POLICIES_PICK(&rng, 13, 41, 137),
                (long long)rng_below(&rng, 4), policies_word(&rng, "1.37ms", "41ms"));
    }
    fputs("[slo]\nttft_ms = 41\n[output]\ninterval = 0.0137\nsessions = yes\n", out);
    bool split = rng_below(&rng, 2) == 0;
    bool hardware = rng_below(&rng, 2) == 0;
    write_gateway(&rng, out, split && hardware);
    if (split && hardware) {
        int64_t n = 2 + rng_below(&rng, 2);
        write_pool(&rng, out, parted[0], "prefill", most_tokens, true);
        write_pool(&rng, out, parted[1], "decode", most_tokens, true);
        if (n > 2) {
            write_pool(&rng, out, parted[2], "both", most_tokens, true);
        }
        write_troubles(&rng, out, parted, n);
    } else {
        bool lora = hardware && rng_below(&rng, 3) == 0;
        int64_t n = 1 + rng_below(&rng, 2);
        for (int64_t i = 0; i < n; i++) {
            write_pool(&rng, out, alone[i], lora ? "both" : NULL, most_tokens,
                       hardware);
        }
        if (lora) {
            fputs("[lora]\nmax_loras = 1\nrank = 8\nload_ms = 0.137\n", out);
        }
        write_troubles(&rng, out, alone, n);
    }
    rng_free(&rng);
    assert_int_equal(fclose(out), 0);
}

static void nothing_gets_lost_where_everything_happens_at_once(void **state)
{
    struct metrics *spans = memory_new(1, sizeof *spans);
    int64_t seen[N_COUNTERS] = {0};
    const char *only = getenv("WORLD");
    print_message("what aborts leaves its world in %s\n", (const char *)*state);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        if (worlds_passes_over(world)) {
            continue;
        }
        write_world(world);
        worlds_try(world, true, spans);
        for (int i = 0; i < N_COUNTERS; i++) {
            seen[i] += worlds_value(spans, counters[i]);
        }
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    for (int i = 0; i < N_COUNTERS; i++) {
        print_message("%s %lld\n", counters[i], (long long)seen[i]);
        assert_true(only != NULL || seen[i] > 41);
    }
    free(spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_gets_lost_where_everything_happens_at_once),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
