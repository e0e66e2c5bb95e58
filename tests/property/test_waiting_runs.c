#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"

enum { N_WORLDS = 500 };

/* What went on in all worlds together. */
struct seen {
    int64_t n_preemptions;
    int64_t n_timed_out;
    int64_t n_rejected;
    int64_t n_shed;
    int64_t n_failed;
    int64_t reasoning_tokens;
    int64_t n_steps_spared;
    int64_t n_worlds_with_hits;
};

/* Rows above that row `i` waits for. */
static void write_parents(struct rng *rng, FILE *out, int64_t i, int64_t reach)
{
    int64_t n = i > 0 ? POLICIES_PICK(rng, 0, 1, 1, 1, 2, 3) : 0;
    for (int64_t j = 0; j < n; j++) {
        int64_t back = 1 + rng_below(rng, reach < i ? reach : i);
        fprintf(out, "%s%lld", j > 0 ? " " : "", (long long)(i - back));
    }
}

/* The most tokens that a request holds. */
static int64_t write_trace(struct rng *rng, bool has_parents)
{
    FILE *out = fopen("trace.csv", "w");
    assert_non_null(out);
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 4099, 41370);
    int64_t reach = POLICIES_PICK(rng, 1, 3, 41);
    int64_t at_us = 0;
    int64_t most = 0;
    int64_t n = 3 + rng_below(rng, 41);
    fprintf(out,
            "arrival_s,prompt_tokens,output_tokens,prefix_hash,tenant,priority,"
            "reasoning_tokens%s\n",
            has_parents ? ",request_id,think_s,parent_id" : "");
    for (int64_t i = 0; i < n; i++) {
        at_us += rng_below(rng, 2 * pace_us + 1);
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = POLICIES_PICK(rng, 1, 2, 1 + rng_below(rng, 99));
        int64_t reasons = POLICIES_PICK(rng, 0, output - 1, rng_below(rng, output));
        fprintf(out, "%lld.%06lld,%lld,%lld,text %lld,%s,%lld,%lld",
                (long long)(at_us / 1000000), (long long)(at_us % 1000000),
                (long long)prompt, (long long)output, (long long)rng_below(rng, 5),
                policies_word(rng, "a", "b"), (long long)rng_below(rng, 3),
                (long long)reasons);
        if (has_parents) {
            int64_t think_us = POLICIES_PICK(rng, 0, rng_below(rng, 2 * pace_us + 1));
            fprintf(out, ",%lld,0.%06lld,", (long long)i, (long long)think_us);
            write_parents(rng, out, i, reach);
        }
        fputs("\n", out);
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    assert_int_equal(fclose(out), 0);
    return most;
}

static const char *const prices[] = {
    "cost = linear\nbase_us = 500\nprefill_token_us = 25\ndecode_seq_us = 41.37\n",
    "cost = linear\nbase_us = 1000\n",
    "accelerator = h100-sxm\nmodel = llama-3.1-8b\n",
};

static void write_world(int64_t world)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "waiting_runs");
    bool is_closed = rng_below(&rng, 4) == 0;
    int64_t most_tokens = write_trace(&rng, !is_closed);
    FILE *out = fopen("config.ini", "w");
    assert_non_null(out);
    int64_t block = POLICIES_PICK(&rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    int64_t n_blocks;
    if (rng_below(&rng, 8) == 0) {
        needed = needed / 2 + 1;
    }
    fputs("[workload]\ntrace = trace.csv\nunservable = reject\n", out);
    if (is_closed) {
        fprintf(out,
                "mode = closed\nconcurrency = %lld\nthink = %lldus\n"
                "think_distribution = %s\n",
                (long long)POLICIES_PICK(&rng, 1, 3, 13),
                (long long)POLICIES_PICK(&rng, 0, 1000, 41370),
                policies_word(&rng, "fixed", "exponential"));
    } else if (rng_below(&rng, 3) == 0) {
        fputs("repeat = 2\nrate_scale = 1.37\n", out);
    }
    if (rng_below(&rng, 3) == 0) {
        fputs("client_timeout = 41ms\nclient_retries = 1\nclient_backoff = 13ms\n",
              out);
    }
    fputs("[slo]\nttfat_ms = 41\n", out);
    if (rng_below(&rng, 4) == 0) {
        fputs("[admit]\nmax_queue = 3\n", out);
    }
    if (rng_below(&rng, 4) == 0) {
        fprintf(out,
                "[fail]\nmtbf = 0.137\nmttr = 0.0137\nmax_retries = 1\n"
                "on_failure = %s\n",
                policies_word(&rng, "retry", "migrate"));
    }
    n_blocks = needed * POLICIES_PICK(&rng, 1, 1, 2, 3) + 1;
    fputs("[pool.main]\n", out);
    policies_write(&rng, out);
    fprintf(out,
            "block_size = %lld\nnum_gpu_blocks = %lld\n"
            "max_num_batched_tokens = %lld\nreplicas = %lld\n%s",
            (long long)block, (long long)n_blocks,
            (long long)POLICIES_PICK(&rng, 137, 4099),
            (long long)POLICIES_PICK(&rng, 1, 1, 2, 3), prices[rng_below(&rng, 3)]);
    rng_free(&rng);
    assert_int_equal(fclose(out), 0);
}

static void note(struct seen *seen, const struct metrics *m)
{
    seen->n_preemptions += worlds_value(m, "preemptions");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_rejected += worlds_value(m, "all_rejected_requests");
    seen->n_shed += worlds_value(m, "all_shed_requests");
    seen->n_failed += worlds_value(m, "all_failed_requests");
    seen->reasoning_tokens += worlds_value(m, "total_reasoning_tokens");
    seen->n_worlds_with_hits += worlds_share(m, "prefix_cache_hit_rate") > 0;
}

static void every_invariant_holds_where_requests_wait_think_and_reason(void **state)
{
    (void)state;
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    struct seen seen = {0};
    for (int64_t world = 0; world < N_WORLDS; world++) {
        if (worlds_passes_over(world)) {
            continue;
        }
        write_world(world);
        seen.n_steps_spared += worlds_try(world, world % 8 == 0, metrics);
        note(&seen, metrics);
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld preemptions, %lld timed out, %lld rejected, %lld shed, %lld "
                  "failed, %lld reasoning tokens, %lld steps spared, hits in %lld\n",
                  (long long)seen.n_preemptions, (long long)seen.n_timed_out,
                  (long long)seen.n_rejected, (long long)seen.n_shed,
                  (long long)seen.n_failed, (long long)seen.reasoning_tokens,
                  (long long)seen.n_steps_spared, (long long)seen.n_worlds_with_hits);
    if (getenv("WORLD") == NULL) {
        assert_true(seen.n_preemptions > 137 && seen.n_timed_out > 137);
        assert_true(seen.n_rejected > 13 && seen.n_shed > 137 && seen.n_failed > 13);
        assert_true(seen.reasoning_tokens > 40990 && seen.n_steps_spared > 4099);
        assert_true(seen.n_worlds_with_hits > 41);
    }
    free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_invariant_holds_where_requests_wait_think_and_reason),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
