#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/changes.h"
#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"

/* Fleets of ranks that step together, which fail, are taken back, scale, sleep and become
 * slow as whole replicas. */

enum { N_WORLDS = 400 };

struct seen {
    int64_t n_completed;
    int64_t n_failures;
    int64_t n_reclaims;
    int64_t n_restarted;
    int64_t n_migrated;
    int64_t n_aborted;
    int64_t n_ups;
    int64_t n_downs;
    int64_t n_held;
    int64_t n_dummies;
    int64_t n_wakes;
    int64_t n_changes; /* of lives of replicas with ranks */
};

static void write_trace(struct rng *rng)
{
    FILE *out = fopen("trace.csv", "w");
    assert_non_null(out);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 1000, 4099);
    int64_t at_us = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,model,prefix_hash\n", out);
    for (int64_t i = 3 + rng_below(rng, 77); i > 0; i--) {
        int64_t pause_us = rng_below(rng, 13) == 0 ? rng_below(rng, 410000) : 0;
        at_us += pause_us + rng_below(rng, 2 * pace_us + 1);
        if (rng_below(rng, 3) == 0) {
            at_us = (at_us + 999) / 1000 * 1000; /* where ticks and events are, too */
        }
        fprintf(out, "%lld.%06lld,%lld,%lld,m%lld,text %lld\n",
                (long long)(at_us / 1000000), (long long)(at_us % 1000000),
                (long long)(1 + rng_below(rng, 137)),
                (long long)(1 + rng_below(rng, 41)), (long long)rng_below(rng, 2),
                (long long)rng_below(rng, 5));
    }
    assert_int_equal(fclose(out), 0);
}

/* What a world is made of. */
struct shape {
    bool sleeps; /* two pools, on the same GPUs; else maybe they scale */
    int32_t n_pools;
    int64_t n_replicas[2];
    int64_t n_ranks[2]; /* 1: it steps alone */
};

static void write_scaler(struct rng *rng, FILE *out, int32_t at, int64_t n_replicas)
{
    static const char *const policies[] = {
        "queue\ntarget = 1.37",       "concurrency\ntarget = 3.7",
        "kv\ntarget = 0.0137",        "wva",
        "slo\ntarget = 0.9",          "rate\ntarget = 137\nwindow = 41ms",
        "none\n# boots after repairs"};
    const char *policy = policies[rng_below(rng, 7)];
    fprintf(out,
            "[scale.p%d]\npolicy = %s\nboot_s = %s\nimage_s = 0\ngraph_capture_s = 0\n",
            at, policy, policies_word(rng, "0.0137", policies_word(rng, "0", "0.137")));
    if (strncmp(policy, "none", 4) != 0) {
        fprintf(out,
                "interval = 41ms\nmin = %lld\nmax = %lld\ndown_cooldown = %lldms\n"
                "down_step = %lld\n",
                (long long)rng_below(rng, 2), (long long)(n_replicas + 1),
                (long long)POLICIES_PICK(rng, 0, 41, 137),
                (long long)POLICIES_PICK(rng, 0, 1, 2));
    }
}

static void write_pool(struct rng *rng, FILE *out, const struct shape *shape,
                       int32_t at)
{
    static const char *const prices[] = {
        "cost = linear\nbase_us = 1000\n",
        "cost = linear\nbase_us = 137.0137\nprefill_token_us = 41\n",
        ("accelerator = h200-sxm\nmodel = llama-3.1-8b\nlayers = 7\nexperts = 61\n"
         "experts_active = 3\nmoe_intermediate = 448\n")};
    fprintf(out, "[pool.p%d]\nreplicas = %lld\n", at, (long long)shape->n_replicas[at]);
    if (shape->sleeps) {
        fprintf(out, "served_model = m%d\n", at);
        fputs(at > 0 ? "shares_gpus_with = p0\n" : "", out);
    }
    if (shape->n_ranks[at] > 1) {
        fprintf(out, "data_parallel = %lld\ndata_parallel_mode = lockstep\n",
                (long long)shape->n_ranks[at]);
    }
    /* who share GPUs have as many of them */
    fprintf(out, "tensor_parallel = %lld\ngpus_per_node = %lld\n",
            (long long)(shape->sleeps ? 4 / shape->n_ranks[at] : 1),
            (long long)POLICIES_PICK(rng, 2, 4, 13));
    policies_write(rng, out);
    fprintf(out,
            "block_size = 7\nnum_gpu_blocks = %lld\nmax_num_batched_tokens = %lld\n"
            "frontend_ms = %s\nasync_scheduling = %s\n",
            (long long)POLICIES_PICK(rng, 31, 64, 137),
            (long long)POLICIES_PICK(rng, 13, 137, 4099),
            policies_word(rng, "0", "1.37"), policies_word(rng, "no", "yes"));
    if (rng_below(rng, 3) == 0) {
        fputs("slow_share = 0.37\nslow_factor = 1.37\n", out);
    }
    fputs(prices[rng_below(rng, 3)], out);
    if (shape->sleeps) {
        fprintf(out, "[scale.p%d]\nboot_s = 0.0137\n", at);
    } else if (rng_below(rng, 3) > 0) {
        write_scaler(rng, out, at, shape->n_replicas[at]);
    } else {
        fprintf(out, "[scale.p%d]\nboot_s = 0.0041\n", at);
    }
}

static void write_events(struct rng *rng, const struct shape *shape)
{
    FILE *out = fopen("events.csv", "w");
    assert_non_null(out);
    fputs("time_s,pool,replica,node,kind,duration_s,notice_s,factor\n", out);
    for (int64_t i = rng_below(rng, 9); i > 0; i--) {
        int64_t pool = rng_below(rng, shape->n_pools);
        int64_t at_us =
            rng_below(rng, 2) == 0 ? 1000 * rng_below(rng, 99) : rng_below(rng, 137000);
        bool is_node = rng_below(rng, 4) == 0;
        int64_t place = is_node ? 0 : rng_below(rng, shape->n_replicas[pool]);
        fprintf(out, is_node ? "0.%06lld,p%lld,,%lld," : "0.%06lld,p%lld,%lld,,",
                (long long)at_us, (long long)pool, (long long)place);
        /* GPUs that several models share are not taken back */
        switch (shape->sleeps ? 2 * rng_below(rng, 2) : rng_below(rng, 3)) {
        case 0:
            fprintf(out, "fail,%s,,\n",
                    policies_word(rng, "", policies_word(rng, "0.0137", "0")));
            break;
        case 1:
            fprintf(out, "reclaim,%s,%s,\n", policies_word(rng, "0.137", "0.0041"),
                    policies_word(rng, "0.01", policies_word(rng, "0", "0.041")));
            break;
        default:
            fprintf(out, "slow,%s,,%s\n", policies_word(rng, "", "0.0137"),
                    policies_word(rng, "1", "2.37"));
        }
    }
    assert_int_equal(fclose(out), 0);
}

static void write_fail(struct rng *rng, FILE *out, bool sleeps)
{
    fprintf(out,
            "[fail]\nevents = events.csv\non_failure = %s\nmax_retries = %lld\n"
            "scope = %s\nnotice = 10ms\n",
            policies_word(rng, "retry", policies_word(rng, "migrate", "fail")),
            (long long)POLICIES_PICK(rng, 1, 3, 7),
            policies_word(rng, "node", "replica"));
    if (rng_below(rng, 2) == 0) {
        fprintf(out, "mtbf = %lldus\nmttr = %lldus\n",
                (long long)POLICIES_PICK(rng, 13000, 41000, 137000),
                (long long)POLICIES_PICK(rng, 0, 137, 13700));
    }
    if (!sleeps && rng_below(rng, 3) == 0) {
        fprintf(out, "spot_mtbf = %lldus\nspot_replace_s = 0.00137\n",
                (long long)POLICIES_PICK(rng, 41000, 137000));
    }
}

static struct shape write_world(int64_t world)
{
    static const char *const routes[] = {"round_robin", "least_requests",
                                         "session_affinity", "weighted", "random"};
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "rank_fleet_runs");
    FILE *out = fopen("config.ini", "w");
    assert_non_null(out);
    write_trace(&rng);
    struct shape shape = {.sleeps = rng_below(&rng, 3) == 0};
    shape.n_pools = shape.sleeps ? 2 : 1 + (int32_t)rng_below(&rng, 2);
    for (int32_t i = 0; i < 2; i++) {
        bool is_alike = shape.sleeps && i > 0;
        shape.n_replicas[i] = is_alike ? shape.n_replicas[0] : 1 + rng_below(&rng, 3);
        shape.n_ranks[i] =
            shape.sleeps ? POLICIES_PICK(&rng, 1, 2, 4) : POLICIES_PICK(&rng, 1, 2, 3);
    }
    fprintf(out,
            "[run]\nseed = %lld\n[workload]\ntrace = trace.csv\nunservable = reject\n",
            (long long)world);
    if (rng_below(&rng, 3) == 0) {
        fputs("client_timeout = 41ms\n", out);
    }
    fprintf(out,
            "[slo]\nttft_ms = 13.7\nattainment = 0.7\n[output]\ninterval = 0.0137\n"
            "[route]\npolicy = %s\nhold_timeout = %lldms\n",
            routes[rng_below(&rng, 5)], (long long)POLICIES_PICK(&rng, 41, 137, 500));
    if (shape.sleeps) {
        fprintf(out, "[sleep]\nmax_dwell = %lldms\nsleep_ms = 1.37\nwake_ms = 4.1\n",
                (long long)POLICIES_PICK(&rng, 0, 13, 137));
    }
    for (int32_t i = 0; i < shape.n_pools; i++) {
        write_pool(&rng, out, &shape, i);
    }
    write_fail(&rng, out, shape.sleeps);
    write_events(&rng, &shape);
    rng_free(&rng);
    assert_int_equal(fclose(out), 0);
    return shape;
}

/* Every change of a rank's life is followed by the same of the others, at the same
 * instant; how many changes there were of replicas with ranks. */
static int64_t check_changes(const struct shape *shape)
{
    char *text = worlds_text("spans", "events.csv");
    const char *at = strchr(text, '\n');
    int64_t n = 0;
    struct change first;
    struct change other;
    at = at != NULL ? at + 1 : text;
    while (next_change(&at, &first)) {
        int64_t n_ranks = shape->n_ranks[strcmp(first.pool, "p1") == 0];
        for (int64_t i = 1; i < n_ranks; i++) {
            assert_true(next_change(&at, &other));
            assert_int_equal(other.replica, first.replica + i);
            assert_string_equal(other.at, first.at);
            assert_string_equal(other.rest, first.rest);
        }
        n += n_ranks > 1;
    }
    free(text);
    return n;
}

static void note(struct seen *seen, const struct metrics *m, bool sleeps)
{
    seen->n_completed += worlds_value(m, "all_completed_requests");
    seen->n_failures += worlds_value(m, "failures");
    seen->n_reclaims += worlds_value(m, "reclaims");
    seen->n_restarted += worlds_value(m, "restarted_requests");
    seen->n_migrated += worlds_value(m, "migrated_requests");
    seen->n_aborted += worlds_value(m, "computed_tokens_aborted");
    seen->n_ups += worlds_value(m, "scale_ups");
    seen->n_downs += worlds_value(m, "scale_downs");
    seen->n_held += worlds_value(m, "held_requests");
    seen->n_dummies += worlds_value(m, "dp_dummy_steps");
    seen->n_wakes += sleeps && worlds_value(m, "held_requests") > 0;
}

static void ranks_come_and_go_together_and_nothing_gets_lost(void **state)
{
    struct metrics *spans = memory_new(1, sizeof *spans);
    struct seen seen = {0};
    const char *only = getenv("WORLD");
    print_message("what aborts leaves its world in %s\n", (const char *)*state);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        if (worlds_passes_over(world)) {
            continue;
        }
        struct shape shape = write_world(world);
        worlds_try(world, true, spans);
        note(&seen, spans, shape.sleeps);
        seen.n_changes += check_changes(&shape);
    }
    print_message(
        "%lld completed, %lld failures, %lld reclaims, %lld restarted, "
        "%lld migrated, %lld tokens aborted, %lld ups, %lld downs, %lld held, "
        "%lld dummies, %lld worlds that slept, %lld changes\n",
        (long long)seen.n_completed, (long long)seen.n_failures,
        (long long)seen.n_reclaims, (long long)seen.n_restarted,
        (long long)seen.n_migrated, (long long)seen.n_aborted, (long long)seen.n_ups,
        (long long)seen.n_downs, (long long)seen.n_held, (long long)seen.n_dummies,
        (long long)seen.n_wakes, (long long)seen.n_changes);
    assert_true(only != NULL || (seen.n_completed > 4099 && seen.n_failures > 410));
    assert_true(only != NULL || (seen.n_reclaims > 99 && seen.n_restarted > 137));
    assert_true(only != NULL || (seen.n_migrated > 41 && seen.n_aborted > 137));
    assert_true(only != NULL || (seen.n_ups > 137 && seen.n_downs > 137));
    assert_true(only != NULL || (seen.n_held > 410 && seen.n_dummies > 4099));
    assert_true(only != NULL || (seen.n_wakes > 41 && seen.n_changes > 1370));
    worlds_remove("spans");
    worlds_remove("stepwise");
    free(spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_come_and_go_together_and_nothing_gets_lost),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
