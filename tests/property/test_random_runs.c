#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "../support/policies.h"
#include "../support/worlds.h"
#include "base/rng.h"

enum { N_WORLDS = 3000 };

/* What went on in all worlds together: a property that nothing tried is not shown. */
struct seen {
    int64_t n_preemptions;
    int64_t n_timed_out;
    int64_t n_rejected;
    int64_t n_completed;
    int64_t n_discarded_outputs;
    int64_t n_skipped_plans; /* steps that spans did not plan */
    int64_t n_worlds_with_hits;
    int64_t n_shed;
    int64_t n_from_host;
    int64_t n_from_disk;
    int64_t n_throttled;
};

/* Arrivals in microseconds: at once, on whole milliseconds, or anywhere. */
static int64_t write_trace(struct rng *rng, FILE *out)
{
    int64_t n = 3 + rng_below(rng, 58);
    int64_t pace_us = POLICIES_PICK(rng, 0, 137, 1000, 4099, 41000);
    bool whole = rng_below(rng, 2) == 0;
    int64_t longest = POLICIES_PICK(rng, 3, 41, 137, 599);
    int64_t at_us = 0;
    int64_t most = 0;
    int64_t n_texts = POLICIES_PICK(rng, 0, 0, 1, 3, 13);
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
            bool is_turn = rng_below(rng, 2) == 0; /* its answer can be found, too */
            fprintf(out, is_turn ? ",session %lld" : "text %lld,",
                    (long long)rng_below(rng, n_texts));
        } else {
            fputs(",", out);
        }
        fprintf(out, ",%s,%lld\n",
                policies_word(rng, "a", policies_word(rng, "b", "c")),
                (long long)rng_below(rng, 3));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    return most;
}

/* A small model with layers of several kinds, in several precisions, over several GPUs.
 * Windows are shorter than many contexts. */
static void write_kinds(struct rng *rng, FILE *out)
{
    static const char *const weights[] = {"bf16", "fp8", "int4", "nvfp4", "mxfp4"};
    bool experts = rng_below(rng, 2) == 0;
    fprintf(out, "layers = 7\nweight_precision = %s\nkv_precision = %s\n",
            weights[rng_below(rng, 5)], weights[rng_below(rng, 2)]);
    if (rng_below(rng, 3) > 0) {
        fprintf(out, "window = %lld\nwindow_layers = %lld\n",
                (long long)POLICIES_PICK(rng, 1, 2, 7, 37, 64, 137),
                (long long)POLICIES_PICK(rng, 1, 4, 5));
    }
    if (rng_below(rng, 4) == 0) {
        fputs("linear_layers = 2\nlinear_params = 4099000\nlinear_state = 65537\n",
              out);
    }
    if (experts) {
        fprintf(out, "experts = %lld\nexperts_active = 3\nmoe_intermediate = 448\n",
                (long long)POLICIES_PICK(rng, 3, 8, 61));
        fprintf(out, "first_dense_layers = %lld\nexpert_overlap = 0.%lld\n",
                (long long)POLICIES_PICK(rng, 0, 1),
                (long long)POLICIES_PICK(rng, 0, 41));
        fprintf(out, "data_parallel = %lld\nexpert_parallel = %s\n",
                (long long)POLICIES_PICK(rng, 1, 2),
                rng_below(rng, 2) == 0 ? "yes" : "no");
    }
    if (rng_below(rng, 4) == 0) {
        fputs("kv_lora_rank = 512\nqk_rope_head_dim = 64\nqk_nope_head_dim = 128\n"
              "v_head_dim = 128\n",
              out);
    }
    fprintf(out, "tensor_parallel = %lld\npipeline_parallel = %lld\nscale = 1.%lld\n",
            (long long)POLICIES_PICK(rng, 1, 2),
            (long long)POLICIES_PICK(rng, 1, 1, 2, 3, 4),
            (long long)POLICIES_PICK(rng, 0, 37));
}

static void write_price(struct rng *rng, FILE *out)
{
    static const char *const linear[] = {
        "base_us = 1000\n",
        "base_us = 500\nprefill_token_us = 250\ndecode_seq_us = 250\n",
        "base_us = 137.0137\nprefill_token_us = 0.0137\ncontext_token_us = 0.0137\n",
        "base_us = 0.0013\ndecode_seq_us = 0.00041\ncontext_token_us = 0.0000137\n",
        "base_us = 0.0003\n",
    };
    int64_t which = rng_below(rng, 12);
    if (which < 5) {
        fprintf(out, "cost = linear\n%s", linear[which]);
        return;
    }
    if (which >= 8) {
        write_kinds(rng, out);
        which -= 3;
    }
    fprintf(out, "accelerator = %s\nmodel = llama-3.1-8b\nengine = %s\nroofline = %s\n",
            rng_below(rng, 2) == 0 ? "h100-sxm" : "rtx-4090",
            which == 5 ? "ideal" : "vllm",
            rng_below(rng, 2) == 0 ? "step" : "operation");
    fprintf(out, "overlap = 0.%lld\n", (long long)POLICIES_PICK(rng, 0, 37, 99));
}

static void write_pool(struct rng *rng, FILE *out, int64_t most_tokens)
{
    int64_t block = POLICIES_PICK(rng, 1, 2, 7, 16);
    int64_t needed = (most_tokens + block - 1) / block;
    int64_t usable = needed * POLICIES_PICK(rng, 1, 1, 1, 2, 3) + rng_below(rng, 7);
    if (rng_below(rng, 5) == 0) {
        usable = needed - rng_below(rng, needed / 3 + 1); /* some cannot be served */
    }
    fputs("[pool.main]\n", out);
    policies_write(rng, out);
    fprintf(out, "block_size = %lld\nnum_gpu_blocks = %lld\n", (long long)block,
            (long long)usable + 1);
    fprintf(out, "max_num_batched_tokens = %lld\n",
            (long long)POLICIES_PICK(rng, 1, 3, 13, 41, 137, 4099));
    fprintf(out, "long_prefill_token_threshold = %lld\n",
            (long long)POLICIES_PICK(rng, 0, 0, 1, 7, 37));
    fprintf(out, "reserve_full_prompt = %s\n", rng_below(rng, 2) == 0 ? "yes" : "no");
    fprintf(out, "replicas = %lld\n", (long long)POLICIES_PICK(rng, 1, 1, 2, 3));
    if (rng_below(rng, 3) == 0) {
        fputs("frontend_ms = 1.37\n", out);
    }
    fprintf(out, "poll_steps = %lld\nasync_scheduling = %s\n",
            (long long)POLICIES_PICK(rng, 0, 0, 2, 7, 41),
            rng_below(rng, 3) == 0 ? "yes" : "no");
    write_price(rng, out);
}

/* Host memory and disk, fast or slow, about as large as what the GPUs have. */
static void write_offload(struct rng *rng, FILE *out)
{
    static const char *const fetches[] = {"always", "never", "cheaper", "cheaper"};
    fprintf(out,
            "[offload]\nhost_blocks = %lld\nhost_block_us = %s\n"
            "host_latency_us = %s\ndisk_blocks = %lld\ndisk_block_us = %s\n"
            "disk_latency_us = 137.41\nfetch = %s\n",
            (long long)POLICIES_PICK(rng, 0, 1, 7, 41, 4099),
            policies_word(rng, "0.0137", "41.37"), policies_word(rng, "0", "137.0137"),
            (long long)POLICIES_PICK(rng, 0, 0, 13, 4099),
            policies_word(rng, "3.7", "410"), fetches[rng_below(rng, 4)]);
}

/* Caps that every GPU of write_price() takes; without one they mean nothing. */
static void write_power(struct rng *rng, FILE *out)
{
    fprintf(out, "[power]\npower_cap = %s\nhost_idle_w = %s\n",
            policies_word(rng, "257.37", "383.7"), policies_word(rng, "0", "41.37"));
    if (rng_below(rng, 2) == 0) {
        fputs("max_temperature_c = 71.3\nthermal_resistance_c_per_w = 0.137\n", out);
    }
}

/* Makes trace.csv and config.ini of the world of that number. */
static void write_world(int64_t world)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "random_runs");
    FILE *trace = fopen("trace.csv", "w");
    FILE *config = fopen("config.ini", "w");
    assert_true(trace != NULL && config != NULL);
    int64_t most_tokens = write_trace(&rng, trace);
    fputs("[tenant.a]\nweight = 3.7\ndeadline_ms = 41\n[tenant.b]\nweight = 0.41\n",
          config);
    fputs("[workload]\ntrace = trace.csv\nunservable = reject\n", config);
    fprintf(config, "session_prefix = %s\ninfer_sessions = %s\n",
            rng_below(&rng, 3) > 0 ? "yes" : "no",
            rng_below(&rng, 4) == 0 ? "yes" : "no");
    if (rng_below(&rng, 3) == 0) {
        fprintf(config, "client_timeout = %lldus\n",
                (long long)POLICIES_PICK(&rng, 1000, 1370, 13000, 137000));
    }
    if (rng_below(&rng, 4) == 0) {
        fprintf(config, "mode = closed\nconcurrency = %lld\nwarmup = 3.7ms\n",
                (long long)POLICIES_PICK(&rng, 1, 3, 13, 99));
    } else if (rng_below(&rng, 4) == 0) {
        fputs("warmup = 7ms\ncooldown = 3.7ms\n", config);
    }
    fprintf(config, "[slo]\nttft_ms = 13.7\ntpot_ms = 4.099\n[output]\ninterval = %s\n",
            rng_below(&rng, 2) == 0 ? "0.0137" : "0.000999");
    fprintf(config, "[route]\npolicy = %s\n",
            rng_below(&rng, 2) == 0 ? "round_robin" : "least_requests");
    if (rng_below(&rng, 2) == 0) {
        write_offload(&rng, config);
    }
    write_pool(&rng, config, most_tokens);
    if (rng_below(&rng, 2) == 0) {
        write_power(&rng, config);
    }
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
}

static void note(struct seen *seen, const struct metrics *m, int64_t n_skipped)
{
    seen->n_preemptions += worlds_value(m, "preemptions");
    seen->n_timed_out += worlds_value(m, "all_timed_out_requests");
    seen->n_rejected += worlds_value(m, "all_rejected_requests");
    seen->n_shed += worlds_value(m, "all_shed_requests");
    seen->n_completed += worlds_value(m, "all_completed_requests");
    seen->n_discarded_outputs += worlds_value(m, "emitted_tokens_discarded");
    seen->n_worlds_with_hits += worlds_share(m, "prefix_cache_hit_rate") > 0;
    seen->n_from_host += worlds_value(m, "host_hit_tokens") > 0;
    seen->n_from_disk += worlds_value(m, "disk_hit_tokens") > 0;
    seen->n_throttled += worlds_share(m, "throttled_share") > 0;
    seen->n_skipped_plans += n_skipped;
}

static void every_invariant_holds_after_every_instant_in_both_modes(void **state)
{
    struct metrics *spans = memory_new(1, sizeof *spans);
    struct seen seen = {0};
    print_message("what aborts leaves its world in %s\n", (const char *)*state);
    for (int64_t world = 0; world < N_WORLDS; world++) {
        write_world(world);
        note(&seen, spans, worlds_try(world, world % 41 == 0, spans));
    }
    worlds_remove("spans");
    worlds_remove("stepwise");
    print_message("%lld completed, %lld rejected, %lld timed out with %lld outputs, "
                  "%lld preemptions, %lld steps inside spans\n",
                  (long long)seen.n_completed, (long long)seen.n_rejected,
                  (long long)seen.n_timed_out, (long long)seen.n_discarded_outputs,
                  (long long)seen.n_preemptions, (long long)seen.n_skipped_plans);
    assert_true(seen.n_completed > 4099 && seen.n_rejected > 37 && seen.n_shed > 37);
    assert_true(seen.n_worlds_with_hits > 137);
    assert_true(seen.n_from_host > 41 && seen.n_from_disk > 41);
    assert_true(seen.n_throttled > 41);
    assert_true(seen.n_timed_out > 137 && seen.n_discarded_outputs > 137);
    assert_true(seen.n_preemptions > 1370 && seen.n_skipped_plans > 41000);
    free(spans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_invariant_holds_after_every_instant_in_both_modes),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
