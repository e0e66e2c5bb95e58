#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "base/rng.h"
#include "policy/policy.h"
#include "study/run.h"

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

static int64_t pick(struct rng *rng, const int64_t *values, int64_t n)
{
    return values[rng_below(rng, n)];
}

#define PICK(rng, ...)                        \
    pick(rng, (const int64_t[]){__VA_ARGS__}, \
         (int64_t)(sizeof(const int64_t[]){__VA_ARGS__} / sizeof(int64_t)))

static const char *word(struct rng *rng, const char *a, const char *b)
{
    return rng_below(rng, 2) == 0 ? a : b;
}

/* Steps last whole milliseconds as often as not, and so do gaps between arrivals. */
static int64_t write_trace(struct rng *rng, FILE *out)
{
    static const char *const models[] = {"", "", "llama", "qwen", "gemma"};
    static const char *const classes[] = {"", "", "chat", "batch"};
    int64_t n = 3 + rng_below(rng, 90);
    int64_t pace_us = PICK(rng, 0, 137, 1000, 2000, 4099);
    bool whole = rng_below(rng, 3) > 0;
    int64_t longest = PICK(rng, 3, 41, 137);
    int64_t n_texts = PICK(rng, 0, 1, 3, 13);
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
                classes[rng_below(rng, 4)], word(rng, "", "lora-1"));
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
    int64_t block = PICK(rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    fprintf(out, "[pool.p%lld]\nbatching = %s\nblock_size = %lld\n", (long long)index,
            word(rng, "unified", word(rng, "sarathi", "prefill_first")),
            (long long)block);
    fprintf(out, "num_gpu_blocks = %lld\nenable_prefix_caching = %s\n",
            (long long)(needed * PICK(rng, 1, 1, 2, 3) + rng_below(rng, 7) + 1),
            rng_below(rng, 5) > 0 ? "yes" : "no");
    fprintf(out,
            "max_num_batched_tokens = 4099\nmax_num_seqs = %lld\nreplicas = %lld\n",
            (long long)PICK(rng, 3, 13, 256), (long long)PICK(rng, 1, 2, 3, 5));
    fprintf(out, "served_model = %s\nclasses = %s\n",
            word(rng, "", word(rng, "llama", "qwen")),
            word(rng, "", word(rng, "chat", "batch, chat")));
    if (rng_below(rng, 3) == 0) {
        fputs("frontend_ms = 1.37\n", out);
    }
    fprintf(out, "poll_steps = %lld\nasync_scheduling = %s\ncost = linear\n%s",
            (long long)PICK(rng, 0, 0, 7), rng_below(rng, 3) == 0 ? "yes" : "no",
            prices[rng_below(rng, 3)]);
}

static void write_route(struct rng *rng, FILE *out, const char *policy)
{
    fprintf(out, "[route]\npolicy = %s\n", policy);
    if (rng_below(rng, 3) == 0) {
        fprintf(out, "staleness = %lldus\ncount_own = %s\n",
                (long long)PICK(rng, 137, 1000, 4000, 41000), word(rng, "yes", "no"));
    }
    fprintf(out,
            "balance_abs = %lld\nbalance_rel = 1.%lld\ncache_threshold = 0.%lld\n"
            "prefix_index_blocks = %lld\nprefix_block_tokens = %lld\n",
            (long long)PICK(rng, 0, 1, 3, 32), (long long)PICK(rng, 0, 37),
            (long long)PICK(rng, 0, 37, 5), (long long)PICK(rng, 1, 13, 4099),
            (long long)PICK(rng, 1, 3, 16));
    fprintf(out, "w_queue = %lld\nw_kv = 0.%lld\nw_prefix = %lld\nw_adapter = %lld\n",
            (long long)PICK(rng, 0, 1), (long long)PICK(rng, 0, 37),
            (long long)PICK(rng, 0, 3), (long long)PICK(rng, 0, 1));
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
                (long long)PICK(&rng, 1370, 13000, 137000));
    }
    if (rng_below(&rng, 5) == 0) {
        fprintf(config, "mode = closed\nconcurrency = %lld\n",
                (long long)PICK(&rng, 3, 13, 99));
    }
    fputs("[output]\ninterval = 0.0137\n", config);
    write_route(&rng, config, policy);
    int64_t n_pools = PICK(&rng, 1, 2, 3);
    for (int64_t i = 0; i < n_pools; i++) {
        write_pool(&rng, config, i, most_tokens);
    }
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
}

/* Runs the world with every invariant checked after every instant; the plans made. */
static int64_t run_world(bool stepwise, struct metrics *metrics)
{
    struct arena arena = {0};
    struct config config;
    struct err err = {""};
    char told[200] = "";
    FILE *verbose = fmemopen(told, sizeof told, "w");
    assert_non_null(verbose);
    if (config_read(&config, "config.ini", NULL, 0, &arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
    struct run_options options = {
        .stepwise = stepwise, .verify = true, .verbose = verbose};
    if (run_config(&config, &options, metrics, &err) != 0) {
        fail_msg("%s", err.text);
    }
    fclose(verbose);
    memory_arena_free(&arena);
    long long plans = 0;
    assert_int_equal(sscanf(told, "servesim: %lld plans", &plans), 1);
    return plans;
}

static int64_t value(const struct metrics *metrics, const char *name)
{
    return strtoll(metrics_value(metrics, name), NULL, 10);
}

static void assert_same(const struct metrics *a, const struct metrics *b, int64_t world,
                        const char *policy)
{
    assert_int_equal(a->n, b->n);
    for (int32_t i = 0; i < a->n; i++) {
        assert_string_equal(a->list[i].name, b->list[i].name);
        if (strcmp(a->list[i].value, b->list[i].value) != 0) {
            fail_msg("world %lld, %s: %s is %s with spans and %s stepwise",
                     (long long)world, policy, a->list[i].name, a->list[i].value,
                     b->list[i].value);
        }
    }
}

static void note(struct seen *seen, const struct metrics *m, int64_t plans)
{
    seen->n_completed += value(m, "all_completed_requests");
    seen->n_preemptions += value(m, "preemptions");
    seen->n_unservable += value(m, "all_rejected_requests");
    seen->n_timed_out += value(m, "all_timed_out_requests");
    seen->n_worlds_with_hits +=
        strtod(metrics_value(m, "prefix_cache_hit_rate"), NULL) > 0;
    seen->n_skipped_plans += value(m, "steps") - plans;
}

static void every_router_sees_the_same_in_spans_and_stepwise(void **state)
{
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    struct metrics *stepwise = memory_new(1, sizeof *stepwise);
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
        run_world(true, stepwise);
        int64_t plans = run_world(false, metrics);
        assert_same(metrics, stepwise, world, policy);
        note(&seen, metrics, plans);
    }
    print_message("%lld completed, %lld unservable, %lld timed out, %lld preemptions, "
                  "%lld steps inside spans, %lld worlds with hits\n",
                  (long long)seen.n_completed, (long long)seen.n_unservable,
                  (long long)seen.n_timed_out, (long long)seen.n_preemptions,
                  (long long)seen.n_skipped_plans, (long long)seen.n_worlds_with_hits);
    assert_true(seen.n_completed > 41000 && seen.n_unservable > 1370);
    assert_true(seen.n_timed_out > 1370 && seen.n_preemptions > 1370);
    assert_true(seen.n_skipped_plans > 41000 && seen.n_worlds_with_hits > 137);
    free(metrics);
    free(stepwise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_router_sees_the_same_in_spans_and_stepwise),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
