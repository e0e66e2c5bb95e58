#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"
#include "base/rng.h"

enum { N_WORLDS = 1500 };

/* What went on in all worlds together: a property that nothing tried is not shown. */
struct seen {
    int64_t n_completed;
    int64_t n_ups;
    int64_t n_downs;
    int64_t n_held;
    int64_t n_failed;
    int64_t n_timed_out;
    int64_t n_worlds_at_most; /* that have seen all their replicas */
    int64_t n_worlds_from_zero;
    int64_t n_worlds_asleep; /* in which some GPUs changed hands */
    int64_t n_skipped_plans; /* steps that spans did not plan */
};

/* Waves: some requests close together, then a pause in which a fleet may shrink. */
static void write_trace(struct rng *rng, FILE *out)
{
    int64_t n = 3 + rng_below(rng, 97);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 1000, 4099);
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137);
    int64_t at_us = rng_below(rng, 2) * 13700;
    fputs("arrival_s,prompt_tokens,output_tokens,model,prefix_hash\n", out);
    for (int64_t i = 0; i < n; i++) {
        int64_t pause_us =
            rng_below(rng, 17) == 0 ? 137000 + rng_below(rng, 410000) : 0;
        at_us += pause_us + rng_below(rng, 2 * pace_us + 1);
        if (rng_below(rng, 3) == 0) {
            at_us = (at_us + 999) / 1000 * 1000; /* where ticks are, too */
        }
        fprintf(out, "%lld.%06lld,%lld,%lld,m%lld,", (long long)(at_us / 1000000),
                (long long)(at_us % 1000000), (long long)(1 + rng_below(rng, longest)),
                (long long)(1 + rng_below(rng, 41)), (long long)rng_below(rng, 3));
        fprintf(out, rng_below(rng, 2) == 0 ? "text %lld\n" : "\n",
                (long long)rng_below(rng, 3));
    }
}

/* At most so many replicas, or what a schedule needs, which is what it returns. */
static int64_t write_scaler(struct rng *rng, FILE *out, const char *pool, int64_t most)
{
    static const char *const policies[] = {
        "queue\ntarget = 1.37",
        "queue\ntarget = 7",
        "concurrency\ntarget = 3.7",
        "kv\ntarget = 0.41",
        "kv\ntarget = 0.0137",
        "rate\ntarget = 137\nwindow = 41ms",
        "rate\ntarget = 41",
        "slo\ntarget = 0.9",
        "slo\nwindow = 205ms",
        "wva",
        "schedule\nperiod = 137ms\nschedule = 0:1 13ms:0 41ms:2 99ms:1",
    };
    const char *policy = policies[rng_below(rng, 11)];
    bool is_schedule = strncmp(policy, "schedule", 8) == 0;
    most = is_schedule && most < 2 ? 2 : most;
    int64_t least = is_schedule ? 0 : POLICIES_PICK(rng, 0, 0, 1, 1, 2);
    fprintf(out, "[scale.%s]\npolicy = %s\ninterval = 41ms\n", pool, policy);
    fprintf(out, "min = %lld\nmax = %lld\n", (long long)(least < most ? least : most),
            (long long)most);
    fprintf(out, "up_step = %lld\ndown_step = %lld\n",
            (long long)POLICIES_PICK(rng, 0, 1, 2),
            (long long)POLICIES_PICK(rng, 0, 1, 1, 3));
    fprintf(out, "up_cooldown = %lldms\ndown_cooldown = %lldms\n",
            (long long)POLICIES_PICK(rng, 0, 0, 13, 137),
            (long long)POLICIES_PICK(rng, 0, 41, 137));
    fprintf(out, "boot_s = %s\nimage_s = 0\ngraph_capture_s = 0\n",
            policies_word(rng, "0", policies_word(rng, "0.0137", "0.137")));
    return most;
}

/* Each pool takes longer requests than the one before, so that some requests have one
 * pool only. */
static void write_pool(struct rng *rng, FILE *out, int32_t at, bool sleeps,
                       int64_t n_replicas)
{
    static const int64_t longest[] = {41, 100, 178};
    fprintf(out, "[pool.p%d]\nreplicas = %lld\nmax_model_len = %lld\n", at,
            (long long)n_replicas, (long long)longest[at]);
    if (sleeps) {
        fprintf(out, "served_model = m%d\n", at);
        fputs(at > 0 ? "shares_gpus_with = p0\n" : "", out);
    }
    if (!sleeps && rng_below(rng, 5) == 0) {
        fputs("data_parallel = 2\ndata_parallel_mode = lockstep\n", out);
    }
    fprintf(out, "policy = %s\nmax_num_seqs = %lld\n",
            policies_word(rng, "vllm-v1", policies_word(rng, "orca", "sarathi")),
            (long long)POLICIES_PICK(rng, 1, 3, 13));
    fprintf(out, "block_size = %lld\nnum_gpu_blocks = %lld\n",
            (long long)POLICIES_PICK(rng, 1, 1, 7),
            (long long)POLICIES_PICK(rng, 64, 137, 410));
    fprintf(out, "frontend_ms = %s\ncost = linear\nbase_us = %s\n",
            policies_word(rng, "0", "1.37"),
            policies_word(rng, "1000", policies_word(rng, "137.0137", "4099")));
    fprintf(out, "prefill_token_us = 0.0137\n");
}

/* Makes trace.csv and config.ini of the world of that number; replicas at most. */
static int64_t write_world(int64_t world, bool *sleeps)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "scaling_runs");
    FILE *trace = fopen("trace.csv", "w");
    FILE *config = fopen("config.ini", "w");
    assert_true(trace != NULL && config != NULL);
    int64_t n_replicas = POLICIES_PICK(&rng, 1, 1, 2, 3);
    int32_t n_pools = (int32_t)POLICIES_PICK(&rng, 1, 1, 2, 3);
    int64_t most = 0;
    *sleeps = n_pools > 1 && rng_below(&rng, 2) == 0;
    write_trace(&rng, trace);
    fputs("[workload]\ntrace = trace.csv\nunservable = reject\n", config);
    if (rng_below(&rng, 4) == 0) {
        fprintf(config, "client_timeout = %lldms\n",
                (long long)POLICIES_PICK(&rng, 13, 137));
    }
    if (rng_below(&rng, 5) == 0) {
        fprintf(config, "mode = closed\nconcurrency = %lld\n",
                (long long)POLICIES_PICK(&rng, 1, 7, 41));
    }
    fprintf(config, "[slo]\nttft_ms = 13.7\nattainment = 0.7\n[route]\npolicy = %s\n",
            policies_word(&rng, "round_robin", "least_requests"));
    fprintf(config, "hold_timeout = %lldms\n",
            (long long)POLICIES_PICK(&rng, 41, 137, 300000));
    if (*sleeps) {
        fprintf(config, "[sleep]\nmax_dwell = %lldms\nsleep_ms = %s\nwake_ms = %s\n",
                (long long)POLICIES_PICK(&rng, 0, 13, 137),
                policies_word(&rng, "0", "1.37"), policies_word(&rng, "0", "4.1"));
    }
    for (int32_t i = 0; i < n_pools; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        write_pool(&rng, config, i, *sleeps, n_replicas);
        if (*sleeps) {
            most += i == 0 ? n_replicas : 0;
            continue;
        }
        int64_t greatest = write_scaler(&rng, config, name, 1 + rng_below(&rng, 4));
        most += greatest > n_replicas ? greatest : n_replicas;
    }
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
    return most;
}

static void note(struct seen *seen, const struct metrics *m, int64_t n_skipped,
                 int64_t most, bool sleeps)
{
    seen->n_completed += worlds_value(m, "all_completed_requests");
    seen->n_failed += worlds_value(m, "all_failed_requests");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_ups += worlds_value(m, "scale_ups");
    seen->n_downs += worlds_value(m, "scale_downs");
    seen->n_held += worlds_value(m, "held_requests");
    seen->n_worlds_at_most += !sleeps && worlds_value(m, "peak_replicas") == most;
    seen->n_worlds_from_zero += !sleeps && worlds_value(m, "held_requests") > 0;
    seen->n_worlds_asleep += sleeps && worlds_value(m, "held_requests") > 0;
    seen->n_skipped_plans += n_skipped;
}

static void every_invariant_holds_while_fleets_grow_and_shrink_in_both_modes(
    void **state)
{
    struct metrics *spans = memory_new(1, sizeof *spans);
    struct seen seen = {0};
    print_message("what aborts leaves its world in %s\n", (const char *)*state);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        bool sleeps;
        int64_t most = write_world(world, &sleeps);
        int64_t n_skipped = worlds_try(world, world % 41 == 0, spans);
        assert_true(worlds_value(spans, "peak_replicas") <= most);
        note(&seen, spans, n_skipped, most, sleeps);
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld completed, %lld failed, %lld timed out; %lld ups, %lld downs, "
                  "%lld held; worlds: %lld at most, %lld from zero, %lld with sleep; "
                  "%lld steps inside spans\n",
                  (long long)seen.n_completed, (long long)seen.n_failed,
                  (long long)seen.n_timed_out, (long long)seen.n_ups,
                  (long long)seen.n_downs, (long long)seen.n_held,
                  (long long)seen.n_worlds_at_most, (long long)seen.n_worlds_from_zero,
                  (long long)seen.n_worlds_asleep, (long long)seen.n_skipped_plans);
    assert_true(seen.n_completed > 4099 && seen.n_failed > 41);
    assert_true(seen.n_timed_out > 41 && seen.n_ups > 1370 && seen.n_downs > 1370);
    assert_true(seen.n_held > 1370 && seen.n_worlds_at_most > 137);
    assert_true(seen.n_worlds_from_zero > 137 && seen.n_worlds_asleep > 99);
    assert_true(seen.n_skipped_plans > 4099);
    free(spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_invariant_holds_while_fleets_grow_and_shrink_in_both_modes),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
