/* Random fleets of prefill and decode pools: every invariant after every instant, and the
 * same results with spans and stepwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"
#include "base/rng.h"

enum { N_WORLDS = 300 };

/* What went on in all worlds together: a property that nothing tried is not shown. */
struct seen {
    int64_t n_transfers;
    int64_t n_preemptions;
    int64_t n_timed_out;
    int64_t n_rejected;
    int64_t n_failed;
    int64_t n_skipped_plans;
    int64_t n_worlds_that_waited; /* for blocks or places of a decode replica */
    int64_t n_worlds_with_hits;
};

static int64_t write_trace(struct rng *rng, FILE *out)
{
    int64_t n = 3 + rng_below(rng, 58);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 1000, 4099, 41000);
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137, 599);
    int64_t n_texts = POLICIES_PICK(rng, 0, 0, 3, 13);
    bool whole = rng_below(rng, 2) == 0;
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,prefix_hash,session_id,tenant,"
          "priority\n",
          out);
    for (int64_t i = 0; i < n; i++) {
        int64_t gap_us = rng_below(rng, 3) == 0 ? 0 : rng_below(rng, 2 * pace_us + 1);
        at_us += whole ? (gap_us + 999) / 1000 * 1000 : gap_us;
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = rng_below(rng, 4) == 0 ? 1 : 1 + rng_below(rng, 137);
        fprintf(out, "%lld.%06lld,%lld,%lld,", (long long)(at_us / 1000000),
                (long long)(at_us % 1000000), (long long)prompt, (long long)output);
        if (n_texts > 0 && rng_below(rng, 4) > 0) {
            bool is_turn = rng_below(rng, 2) == 0;
            fprintf(out, is_turn ? ",session %lld" : "text %lld,",
                    (long long)rng_below(rng, n_texts));
        } else {
            fputs(",", out);
        }
        fprintf(out, ",%s,%lld\n", policies_word(rng, "a", "b"),
                (long long)rng_below(rng, 3));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    return most;
}

/* A scheduler that can take part: not one that keeps batches together. */
static void write_scheduler(struct rng *rng, FILE *out)
{
    for (;;) {
        char text[2000];
        FILE *buffer = fmemopen(text, sizeof text, "w");
        policies_write(rng, buffer);
        fclose(buffer);
        if (strstr(text, "batching = static") == NULL &&
            strstr(text, "batching = dynamic") == NULL) {
            fputs(text, out);
            return;
        }
    }
}

/* `price` is the same for all pools of a world: what is sent must fit, and nobody thrashes
 * for a million steps while another makes one. */
static void write_price(struct rng *rng, FILE *out, int64_t price)
{
    static const char *const linear[] = {
        "base_us = 1000\n",
        "base_us = 500\nprefill_token_us = 250\ndecode_seq_us = 250\n",
        "base_us = 137.0137\nprefill_token_us = 0.0137\ncontext_token_us = 0.0137\n",
        "base_us = 0.0013\ndecode_seq_us = 0.00041\ncontext_token_us = 0.0000137\n",
    };
    if (price < 4) {
        fprintf(out, "cost = linear\n%s", linear[price]);
        return;
    }
    fprintf(out, "accelerator = %s\nmodel = llama-3.1-8b\nlayers = 7\n",
            policies_word(rng, "h100-sxm", "rtx-4090"));
    fprintf(out, "tensor_parallel = %lld\n", (long long)POLICIES_PICK(rng, 1, 1, 2, 8));
    if (price == 5) {
        fputs("window = 37\nwindow_layers = 4\n", out);
    }
}

static void write_pool(struct rng *rng, FILE *out, const char *name, const char *role,
                       int64_t most_tokens, int64_t price)
{
    int64_t block = POLICIES_PICK(rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    int64_t usable = needed * POLICIES_PICK(rng, 1, 1, 1, 2, 3) + rng_below(rng, 7);
    if (rng_below(rng, 9) == 0) {
        usable = needed - rng_below(rng, needed / 3 + 1); /* some cannot be served */
    }
    fprintf(out, "[pool.%s]\nrole = %s\n", name, role);
    write_scheduler(rng, out);
    fprintf(out, "block_size = %lld\nnum_gpu_blocks = %lld\n", (long long)block,
            (long long)usable + 1);
    fprintf(out, "max_num_batched_tokens = %lld\n",
            (long long)(strcmp(role, "prefill") == 0
                            ? POLICIES_PICK(rng, 3, 13, 41, 137, 4099)
                            : POLICIES_PICK(rng, 64, 67, 137, 4099)));
    fprintf(out, "long_prefill_token_threshold = %lld\n",
            (long long)POLICIES_PICK(rng, 0, 0, 1, 7, 37));
    fprintf(out, "reserve_full_prompt = %s\n", policies_word(rng, "yes", "no"));
    fprintf(out, "enable_prefix_caching = %s\n", rng_below(rng, 4) ? "yes" : "no");
    fprintf(out, "replicas = %lld\n", (long long)POLICIES_PICK(rng, 1, 1, 2, 3));
    if (rng_below(rng, 3) == 0) {
        fputs("frontend_ms = 1.37\n", out);
    }
    fprintf(out, "poll_steps = %lld\nasync_scheduling = %s\n",
            (long long)POLICIES_PICK(rng, 0, 0, 0, 2, 7),
            rng_below(rng, 3) == 0 ? "yes" : "no");
    write_price(rng, out, price);
}

/* Some pools have ranks that step together: they send and take by themselves. */
static void write_ranks(struct rng *rng, FILE *out, int64_t price)
{
    int64_t n_ranks = POLICIES_PICK(rng, 1, 1, 1, 2, 3);
    if (n_ranks > 1 && price < 4) { /* the models have no experts */
        fprintf(out, "data_parallel = %lld\ndata_parallel_mode = lockstep\n",
                (long long)n_ranks);
    }
}

static void write_disaggregation(struct rng *rng, FILE *out, bool splitwise,
                                 int64_t price)
{
    static const char *const bandwidths[] = {"0.041", "0.137", "4.099", "1000"};
    fprintf(out, "[disaggregate]\npolicy = %s\nmin_prompt_tokens = %lld\n",
            splitwise ? "splitwise" : "plain",
            (long long)POLICIES_PICK(rng, 0, 0, 0, 7, 41));
    fprintf(out, "overflow_tokens = %lld\noverlap = %s\n",
            (long long)POLICIES_PICK(rng, 0, 41, 599),
            policies_word(rng, "no", "layerwise"));
    fprintf(out, "links = %s\nlatency_us = %s\n",
            rng_below(rng, 5) == 0 ? "infinite" : "node",
            policies_word(rng, "0", policies_word(rng, "13.7", "4099")));
    fprintf(out, "bandwidth = %s\nnode_bandwidth = %s\n", bandwidths[rng_below(rng, 4)],
            rng_below(rng, 3) == 0 ? bandwidths[rng_below(rng, 4)] : "0");
    if (price < 4) {
        fprintf(out, "kv_bytes_per_token = %lldB\n",
                (long long)POLICIES_PICK(rng, 1, 137, 4099, 131072));
    }
}

/* Makes trace.csv and config.ini of the world of that number. */
static void write_world(int64_t world)
{
    static const char *const names[] = {"p", "p2", "d", "d2", "m"};
    static const char *const roles[] = {"prefill", "prefill", "decode", "decode",
                                        "both"};
    struct rng rng;
    struct rng rank_rng;
    rng_init(&rng, (uint64_t)world, "disaggregated_runs");
    rng_init(&rank_rng, (uint64_t)world, "disaggregated_ranks");
    FILE *trace = fopen("trace.csv", "w");
    FILE *config = fopen("config.ini", "w");
    assert_true(trace != NULL && config != NULL);
    int64_t most_tokens = write_trace(&rng, trace);
    bool splitwise = rng_below(&rng, 3) == 0;
    int64_t price = rng_below(&rng, 6);
    fputs("[workload]\ntrace = trace.csv\nunservable = reject\n", config);
    fprintf(config, "session_prefix = %s\n", policies_word(&rng, "yes", "no"));
    if (rng_below(&rng, 3) == 0) {
        fprintf(config, "client_timeout = %lldus\n",
                (long long)POLICIES_PICK(&rng, 1000, 1370, 13000, 137000));
    }
    if (rng_below(&rng, 4) == 0) {
        fprintf(config, "mode = closed\nconcurrency = %lld\n",
                (long long)POLICIES_PICK(&rng, 1, 3, 13));
    }
    fputs("[slo]\nttft_ms = 13.7\n[output]\ninterval = 0.137\n", config);
    fprintf(config, "[route]\npolicy = %s\n",
            policies_word(&rng, "round_robin", "least_requests"));
    write_disaggregation(&rng, config, splitwise, price);
    for (int i = 0; i < 5; i++) {
        bool must = i == 0 || i == 2;
        int64_t odds = i == 4 && splitwise ? 2 : 4;
        if (must || rng_below(&rng, odds) == 0) {
            write_pool(&rng, config, names[i], roles[i], most_tokens, price);
            write_ranks(&rank_rng, config, price);
        }
    }
    rng_free(&rank_rng);
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
}

static void note(struct seen *seen, const struct metrics *m, int64_t n_skipped)
{
    seen->n_transfers += worlds_value(m, "transfers");
    seen->n_preemptions += worlds_value(m, "preemptions");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_rejected += worlds_value(m, "all_rejected_requests");
    seen->n_skipped_plans += n_skipped;
    seen->n_worlds_that_waited += worlds_share(m, "mean_decode_admission_wait_ms") > 0;
    seen->n_worlds_with_hits += worlds_share(m, "prefix_cache_hit_rate") > 0;
}

static void every_invariant_holds_after_every_instant_in_both_modes(void **state)
{
    struct metrics *spans = memory_new(1, sizeof *spans);
    struct seen seen = {0};
    print_message("what aborts leaves its world in %s\n", (const char *)*state);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        if (worlds_passes_over(world)) {
            continue;
        }
        write_world(world);
        note(&seen, spans, worlds_try(world, world % 16 == 0, spans));
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld transfers, %lld timed out, %lld preemptions, %lld rejected, "
                  "%lld steps inside spans, %lld worlds waited, %lld with hits\n",
                  (long long)seen.n_transfers, (long long)seen.n_timed_out,
                  (long long)seen.n_preemptions, (long long)seen.n_rejected,
                  (long long)seen.n_skipped_plans, (long long)seen.n_worlds_that_waited,
                  (long long)seen.n_worlds_with_hits);
    assert_true(seen.n_transfers > 1370 && seen.n_timed_out > 41);
    assert_true(seen.n_preemptions > 137 && seen.n_rejected > 37);
    assert_true(seen.n_skipped_plans > 4099 && seen.n_worlds_that_waited > 41);
    assert_true(seen.n_worlds_with_hits > 13);
    free(spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_invariant_holds_after_every_instant_in_both_modes),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
