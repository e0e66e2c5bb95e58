/* bounded: random worlds whose bounds are looked at: every discipline, kind of cost, layout. */
#ifndef SERVESIM_TESTS_SUPPORT_BOUNDED_H
#define SERVESIM_TESTS_SUPPORT_BOUNDED_H

#include <stdio.h>

#include "base/rng.h"
#include "policies.h"

/* Kinds of worlds. */
enum bounded_kind { LINEAR, DENSE, KINDS, N_KINDS };

/* Which of them: of one pool, with drafted tokens, or with a pool for outputs. */
enum bounded_how { BOUNDED_PLAIN, BOUNDED_DRAFTS, BOUNDED_APART };

static int64_t bounded_write_trace(struct rng *rng, FILE *out)
{
    int64_t n = 3 + rng_below(rng, 138);
    int64_t pace_us = POLICIES_PICK(rng, 0, 0, 137, 4099, 41000);
    int64_t longest = POLICIES_PICK(rng, 3, 41, 599, 4099);
    int64_t longest_output = POLICIES_PICK(rng, 1, 7, 41, 137, 599);
    int64_t n_texts = POLICIES_PICK(rng, 0, 0, 0, 3);
    int64_t at_us = 0;
    int64_t most = 0;
    fputs("arrival_s,prompt_tokens,output_tokens,prefix_hash,session_id,tenant\n", out);
    for (int64_t i = 0; i < n; i++) {
        at_us += rng_below(rng, 2 * pace_us + 1);
        int64_t prompt = 1 + rng_below(rng, longest);
        int64_t output = 1 + rng_below(rng, longest_output);
        fprintf(out, "%lld.%06lld,%lld,%lld,", (long long)(at_us / 1000000),
                (long long)(at_us % 1000000), (long long)prompt, (long long)output);
        if (n_texts > 0 && rng_below(rng, 4) > 0) {
            fprintf(out, rng_below(rng, 2) == 0 ? ",session %lld" : "text %lld,",
                    (long long)rng_below(rng, n_texts));
        } else {
            fputs(",", out);
        }
        fprintf(out, ",%s\n", policies_word(rng, "a", "b"));
        most = prompt + output - 1 > most ? prompt + output - 1 : most;
    }
    return most;
}

/* Layers of several kinds, over several GPUs, with ranks that have schedulers or not. */
static void bounded_write_kinds(struct rng *rng, FILE *out)
{
    static const char *const weights[] = {"bf16", "fp8", "int4", "nvfp4", "mxfp4"};
    fprintf(out, "layers = 7\nweight_precision = %s\nkv_precision = %s\n",
            weights[rng_below(rng, 5)], weights[rng_below(rng, 2)]);
    if (rng_below(rng, 2) > 0) {
        fprintf(out, "window = %lld\nwindow_layers = %lld\n",
                (long long)POLICIES_PICK(rng, 1, 7, 64, 137),
                (long long)POLICIES_PICK(rng, 1, 5));
    }
    if (rng_below(rng, 4) == 0) {
        fputs("linear_layers = 2\nlinear_params = 4099000\nlinear_state = 65537\n",
              out);
    }
    if (rng_below(rng, 2) == 0) {
        fprintf(out, "experts = %lld\nexperts_active = 3\nmoe_intermediate = 448\n",
                (long long)POLICIES_PICK(rng, 3, 8, 61));
        fprintf(out, "expert_overlap = 0.%lld\ndata_parallel = %lld\n",
                (long long)POLICIES_PICK(rng, 0, 41),
                (long long)POLICIES_PICK(rng, 1, 2, 3));
        fprintf(out, "expert_parallel = %s\ndata_parallel_mode = %s\n",
                policies_word(rng, "yes", "no"),
                policies_word(rng, "balanced", "lockstep"));
    }
    if (rng_below(rng, 3) == 0) {
        fputs("kv_lora_rank = 512\nqk_rope_head_dim = 64\nqk_nope_head_dim = 128\n"
              "v_head_dim = 128\n",
              out);
    }
    fprintf(out, "tensor_parallel = %lld\npipeline_parallel = %lld\nscale = 1.%lld\n",
            (long long)POLICIES_PICK(rng, 1, 2),
            (long long)POLICIES_PICK(rng, 1, 1, 2, 3),
            (long long)POLICIES_PICK(rng, 0, 37));
}

static enum bounded_kind bounded_write_price(struct rng *rng, FILE *out)
{
    static const char *const linear[] = {
        "base_us = 1000\n",
        "base_us = 500\nprefill_token_us = 250\ndecode_seq_us = 250\n",
        "base_us = 137.0137\nprefill_token_us = 0.0137\ncontext_token_us = 0.0137\n",
        "base_us = 0.0013\ndecode_seq_us = 0.00041\ncontext_token_us = 0.0000137\n",
        "base_us = 0.0003\n",
    };
    enum bounded_kind kind = (enum bounded_kind)rng_below(rng, N_KINDS);
    if (kind == LINEAR) {
        fprintf(out, "cost = linear\n%s", linear[rng_below(rng, 5)]);
        return kind;
    }
    if (kind == KINDS) {
        bounded_write_kinds(rng, out);
    }
    fprintf(out, "accelerator = %s\nmodel = llama-3.1-8b\nengine = %s\nroofline = %s\n",
            policies_word(rng, "h100-sxm", "rtx-4090"),
            policies_word(rng, "ideal", "vllm"),
            rng_below(rng, 3) == 0 ? "step" : "operation");
    fprintf(out, "overlap = 0.%lld\n", (long long)POLICIES_PICK(rng, 0, 37, 99));
    if (rng_below(rng, 6) == 0) {
        fputs("attention_kernel = naive\n", out);
    }
    return kind;
}

/* Guesses that are looked up, good and bad ones. */
static void bounded_write_drafts(struct rng *rng, FILE *out)
{
    fprintf(out,
            "[speculative]\nmethod = ngram\nnum_speculative_tokens = %lld\nacceptance "
            "= 0.%lld\n",
            (long long)POLICIES_PICK(rng, 1, 3, 7),
            (long long)POLICIES_PICK(rng, 41, 99));
}

/* What pools have of a scheduler and of memory: little, or so much that nobody gives way. */
static void bounded_write_limits(struct rng *rng, FILE *out, int64_t most_tokens,
                                 bool small)
{
    int64_t block = POLICIES_PICK(rng, 1, 7, 16);
    int64_t blocks = (most_tokens + block - 1) / block *
                     (small ? POLICIES_PICK(rng, 1, 2, 7, 41) : 64);
    int64_t budget = POLICIES_PICK(rng, 3, 41, 512, 4099);
    fprintf(out, "block_size = %lld\nnum_gpu_blocks = %lld\n", (long long)block,
            (long long)blocks + 1);
    fprintf(out, "max_num_batched_tokens = %lld\nlong_prefill_token_threshold = %lld\n",
            (long long)(small || budget > 64 ? budget : 64),
            (long long)POLICIES_PICK(rng, 0, 0, 37));
    fprintf(out, "replicas = %lld\nenable_prefix_caching = %s\n",
            (long long)POLICIES_PICK(rng, 1, 1, 2), policies_word(rng, "yes", "no"));
    if (rng_below(rng, 3) == 0) {
        fputs("frontend_ms = 1.37\nfrontend_token_us = 0.37\n", out);
    }
    fprintf(out, "async_scheduling = %s\n", policies_word(rng, "yes", "no"));
}

/* A pool for prompts and one for outputs.  Both can serve everybody: else who cannot be
 * served by one has all of it done by the other. */
static enum bounded_kind bounded_write_apart(struct rng *rng, FILE *out,
                                             int64_t most_tokens)
{
    bool is_linear = rng_below(rng, 3) == 0;
    fputs("[disaggregate]\nbandwidth = 137\n", out);
    if (is_linear) {
        fputs("kv_bytes_per_token = 4099B\n", out);
    }
    for (int i = 0; i < 2; i++) {
        fprintf(out, "[pool.%s]\nrole = %s\nbatching = unified\nmax_num_seqs = %lld\n",
                i == 0 ? "p" : "d", i == 0 ? "prefill" : "decode",
                (long long)POLICIES_PICK(rng, 2, 13, 64));
        bounded_write_limits(rng, out, most_tokens, false);
        fputs(is_linear ? "cost = linear\nbase_us = 500\nprefill_token_us = 250\n"
                          "decode_seq_us = 137\n"
                        : "accelerator = h100-sxm\nmodel = llama-3.1-8b\nlayers = 7\n",
              out);
    }
    return is_linear ? LINEAR : DENSE;
}

/* One pool; some with drafts, which need a discipline that has them. */
static enum bounded_kind bounded_write_pool(struct rng *rng, FILE *out,
                                            int64_t most_tokens, bool drafts)
{
    fputs("[pool.main]\n", out);
    if (drafts) {
        fputs("batching = unified\n", out);
    } else {
        policies_write(rng, out);
    }
    bounded_write_limits(rng, out, most_tokens, true);
    if (!drafts) {
        return bounded_write_price(rng, out);
    }
    fputs("accelerator = h100-sxm\nmodel = llama-3.1-8b\nengine = vllm\n", out);
    bounded_write_drafts(rng, out);
    return DENSE;
}

/* Makes trace.csv and config.ini of the world of that number. */
static enum bounded_kind bounded_write_world(int64_t world, enum bounded_how how)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)world, "bound_runs");
    FILE *trace = fopen("trace.csv", "w");
    FILE *config = fopen("config.ini", "w");
    assert_true(trace != NULL && config != NULL);
    int64_t most_tokens = bounded_write_trace(&rng, trace);
    fprintf(config,
            "[workload]\ntrace = trace.csv\nunservable = reject\nsession_prefix = %s\n",
            policies_word(&rng, "yes", "no"));
    if (rng_below(&rng, 6) == 0) {
        fputs("client_timeout = 137ms\n", config);
    }
    enum bounded_kind kind =
        how == BOUNDED_APART
            ? bounded_write_apart(&rng, config, most_tokens)
            : bounded_write_pool(&rng, config, most_tokens, how == BOUNDED_DRAFTS);
    rng_free(&rng);
    assert_int_equal(fclose(trace), 0);
    assert_int_equal(fclose(config), 0);
    return kind;
}

#endif
