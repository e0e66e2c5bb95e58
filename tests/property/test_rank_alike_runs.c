#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/changes.h"
#include "../support/files.h"
#include "../support/worlds.h"
#include "base/rng.h"

/* Replicas of ranks that step together fail, boot and scale as ones with one scheduler. */

enum { N_ALIKE = 150 };

/* Requests so short that no replica ever has one for long; where the ranks begin. */
static int64_t write_alike(int64_t world, int64_t n_ranks, bool lockstep)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "rank_fleet_alike");
    FILE *trace = fopen("trace.csv", "w");
    FILE *out = fopen("config.ini", "w");
    assert_true(trace != NULL && out != NULL);
    fputs("arrival_s,prompt_tokens,output_tokens\n", trace);
    for (int64_t i = 0, at_us = 0; i < 41; i++) {
        at_us += rng_below(&rng, 27400000);
        fprintf(trace, "%lld.%06lld,137,1\n", (long long)(at_us / 1000000),
                (long long)(at_us % 1000000));
    }
    int64_t n_first = 1 + rng_below(&rng, 3);
    int64_t n_replicas = 1 + rng_below(&rng, 4);
    int64_t node_gpus = (int64_t)2 << rng_below(&rng, 3);
    fprintf(out,
            "[run]\nseed = %lld\n[workload]\ntrace = trace.csv\n[route]\n"
            "policy = round_robin\n[pool.first]\ncost = linear\nbase_us = 0.137\n"
            "num_gpu_blocks = 137\nreplicas = %lld\n[scale.first]\nboot_s = 3.7\n"
            "[pool.p0]\ncost = linear\nbase_us = 0.137\nnum_gpu_blocks = 137\n"
            "replicas = %lld\ngpus_per_node = %lld\ndata_parallel = %lld\n"
            "data_parallel_mode = %s\nslow_share = 0.37\nslow_factor = 2.37\n",
            (long long)world, (long long)n_first, (long long)n_replicas,
            (long long)node_gpus, (long long)n_ranks,
            lockstep ? "lockstep" : "balanced");
    fputs("[scale.p0]\npolicy = schedule\nperiod = 41\nschedule = 0:3 13:1 27:4\n"
          "interval = 3.7\nboot_s = 1.37\nmin = 1\nmax = 5\n[fail]\nmtbf = 41\n"
          "mttr = 13\nspot_mtbf = 137\nspot_replace_s = 7\nnotice = 3.7\n",
          out);
    fprintf(out, "scope = %s\n", rng_below(&rng, 2) == 0 ? "node" : "replica");
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(out), 0);
    return n_first;
}

/* The same changes at the same instants; of ranks only the first counts. */
static int64_t assert_same_changes(int64_t n_ranks, int64_t first_of_p0)
{
    char *whole_text = worlds_text("whole", "events.csv");
    char *ranks_text = worlds_text("ranks", "events.csv");
    const char *whole_at = strchr(whole_text, '\n') + 1;
    const char *ranks_at = strchr(ranks_text, '\n') + 1;
    int64_t n = 0;
    struct change whole;
    struct change rank;
    while (next_change(&whole_at, &whole)) {
        bool has_ranks = whole.replica >= first_of_p0;
        int64_t index = has_ranks
                            ? first_of_p0 + (whole.replica - first_of_p0) * n_ranks
                            : whole.replica;
        for (int64_t i = 0; i < (has_ranks ? n_ranks : 1); i++) {
            assert_true(next_change(&ranks_at, &rank));
            assert_int_equal(rank.replica, index + i);
            assert_string_equal(rank.at, whole.at);
            assert_string_equal(rank.rest, whole.rest);
        }
        n++;
    }
    assert_false(next_change(&ranks_at, &rank));
    free(whole_text);
    free(ranks_text);
    return n;
}

static void ranks_fail_and_scale_when_a_balanced_replica_would(void **state)
{
    (void)state;
    static const char *const names[] = {"failures",      "reclaims",
                                        "scale_ups",     "scale_downs",
                                        "peak_replicas", "held_requests"};
    /* of a run that ends a few ns sooner or later */
    static const char *const shares[] = {"availability", "downtime_s", "mean_replicas"};
    struct metrics *ranks = memory_new(1, sizeof *ranks);
    struct metrics *whole = memory_new(1, sizeof *whole);
    int64_t n_changes = 0;
    int64_t n_failures = 0;
    int64_t n_reclaims = 0;
    for (int64_t world = 0; world < N_ALIKE; world++) {
        int64_t n_ranks = 2 + world % 2;
        write_alike(world, n_ranks, true);
        worlds_run(false, "ranks", ranks);
        int64_t first_of_p0 = write_alike(world, n_ranks, false);
        worlds_run(false, "whole", whole);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            assert_string_equal(metrics_value(ranks, names[i]),
                                metrics_value(whole, names[i]));
        }
        for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
            double found = strtod(metrics_value(ranks, shares[i]), NULL);
            double wanted = strtod(metrics_value(whole, shares[i]), NULL);
            assert_true(found > wanted - 2e-6 && found < wanted + 2e-6);
        }
        n_changes += assert_same_changes(n_ranks, first_of_p0);
        n_failures += worlds_value(whole, "failures");
        n_reclaims += worlds_value(whole, "reclaims");
    }
    assert_true(n_changes > 13700 && n_failures > 1370 && n_reclaims > 410);
    worlds_remove("ranks");
    worlds_remove("whole");
    free(ranks);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_fail_and_scale_when_a_balanced_replica_would),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
