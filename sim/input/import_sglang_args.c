#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "input/import.h"
#include "input/import_args_config.h"
#include "input/import_args_paste.h"

/* A row of the table: what takes a value, and what does not. */
#define SET(name, key)                   \
    {                                    \
        name, IMPORT_ARGS_SET, key, NULL \
    }
#define SWITCH(name, key, value)          \
    {                                     \
        name, IMPORT_ARGS_SET, key, value \
    }
#define PLAIN(name)                         \
    {                                       \
        name, IMPORT_ARGS_PLAIN, NULL, NULL \
    }
#define PLAIN_SWITCH(name)                   \
    {                                        \
        name, IMPORT_ARGS_PLAIN, NULL, "yes" \
    }
#define LOST_AS(name, reason)                \
    {                                        \
        name, IMPORT_ARGS_LOST, reason, NULL \
    }
#define LOST(name)                         \
    {                                      \
        name, IMPORT_ARGS_LOST, NULL, NULL \
    }
#define LOST_SWITCH(name)                   \
    {                                       \
        name, IMPORT_ARGS_LOST, NULL, "yes" \
    }

static const char verifies_none[] = "batching = sglang verifies no drafts";
static const char writes_later[] = "[offload] writes when GPUs forget, not at once";

static const struct import_args_flag flags[] = {
    SET("--model-path", "MODEL"),
    SET("--model", "MODEL"),
    SET("--accelerator", "ACCELERATOR"),
    SET("--tp", "TP"),
    SET("--tp-size", "TP"),
    SET("--tensor-parallel-size", "TP"),
    SET("--pp", "pipeline_parallel"),
    SET("--pp-size", "pipeline_parallel"),
    SET("--pipeline-parallel-size", "pipeline_parallel"),
    SET("--dp", "DP"),
    SET("--dp-size", "DP"),
    SET("--data-parallel-size", "DP"),
    SET("--ep", "EP"),
    SET("--ep-size", "EP"),
    SET("--expert-parallel-size", "EP"),
    SWITCH("--enable-dp-attention", "DP_ATTENTION", "yes"),
    SWITCH("--enable-ep-moe", "EP_MOE", "yes"),
    SWITCH("--enable-deepep-moe", "EP_MOE", "yes"),
    SET("--mem-fraction-static", "gpu_memory_utilization"),
    SET("--max-running-requests", "max_num_seqs"),
    SET("--chunked-prefill-size", "chunked_prefill_size"),
    SET("--max-prefill-tokens", "max_num_batched_tokens"),
    SWITCH("--enable-mixed-chunk", "enable_mixed_chunk", "yes"),
    SET("--schedule-conservativeness", "schedule_conservativeness"),
    SET("--schedule-policy", "SCHEDULE_POLICY"),
    SWITCH("--enable-priority-scheduling", "PRIORITY", "yes"),
    SWITCH("--schedule-low-priority-values-first", "LOW_FIRST", "yes"),
    SWITCH("--disable-priority-preemption", "KEEPS", "yes"),
    SET("--page-size", "block_size"),
    SET("--kv-cache-dtype", "KV_DTYPE"),
    SET("--scheduler-recv-interval", "poll_steps"),
    SWITCH("--disable-radix-cache", "enable_prefix_caching", "no"),
    SWITCH("--disable-overlap-schedule", "async_scheduling", "no"),
    SET("--context-length", "max_model_len"),
    SET("--quantization", "QUANTIZATION"),
    SET("--dtype", "DTYPE"),
    PLAIN("--host"),
    PLAIN("--port"),
    PLAIN("--api-key"),
    PLAIN("--served-model-name"),
    PLAIN("--tokenizer-path"),
    PLAIN("--tokenizer-mode"),
    PLAIN("--revision"),
    PLAIN("--load-format"),
    PLAIN("--random-seed"),
    PLAIN("--chat-template"),
    PLAIN("--log-level"),
    PLAIN("--log-level-http"),
    PLAIN("--download-dir"),
    PLAIN("--file-storage-path"),
    PLAIN("--tool-call-parser"),
    PLAIN("--reasoning-parser"),
    PLAIN("--sampling-backend"),
    PLAIN("--grammar-backend"),
    PLAIN("--dist-init-addr"),
    PLAIN("--nccl-init-addr"),
    PLAIN("--nnodes"),
    PLAIN("--node-rank"),
    PLAIN("--watchdog-timeout"),
    PLAIN("--dist-timeout"),
    PLAIN("--decode-log-interval"),
    PLAIN("--tokenizer-worker-num"),
    PLAIN("--base-gpu-id"),
    PLAIN("--device"),
    PLAIN("--stream-interval"),
    PLAIN("--model-loader-extra-config"),
    PLAIN("--preferred-sampling-params"),
    PLAIN("--weight-version"),
    PLAIN("--bucket-time-to-first-token"),
    PLAIN_SWITCH("--trust-remote-code"),
    PLAIN_SWITCH("--skip-tokenizer-init"),
    PLAIN_SWITCH("--enable-metrics"),
    PLAIN_SWITCH("--enable-cache-report"),
    PLAIN_SWITCH("--log-requests"),
    PLAIN_SWITCH("--show-time-cost"),
    PLAIN_SWITCH("--skip-server-warmup"),
    PLAIN_SWITCH("--enable-p2p-check"),
    PLAIN_SWITCH("--stream-output"),
    PLAIN_SWITCH("--abort-on-priority-when-disabled"),
    LOST("--max-total-tokens"),
    LOST("--prefill-max-requests"),
    LOST("--priority-scheduling-preemption-threshold"),
    LOST("--default-priority-value"),
    LOST("--attention-backend"),
    LOST("--prefill-attention-backend"),
    LOST("--decode-attention-backend"),
    LOST("--moe-runner-backend"),
    LOST("--moe-a2a-backend"),
    LOST("--deepep-mode"),
    LOST("--fp8-gemm-backend"),
    LOST("--fp4-gemm-backend"),
    LOST_AS("--speculative-algorithm", verifies_none),
    LOST_AS("--speculative-algo", verifies_none),
    LOST("--speculative-draft-model-path"),
    LOST("--speculative-num-steps"),
    LOST("--speculative-eagle-topk"),
    LOST("--speculative-num-draft-tokens"),
    LOST("--cuda-graph-max-bs"),
    LOST("--cuda-graph-bs"),
    LOST("--cpu-offload-gb"),
    LOST("--disaggregation-mode"),
    LOST("--disaggregation-transfer-backend"),
    LOST("--disaggregation-ib-device"),
    LOST("--load-balance-method"),
    LOST("--num-continuous-decode-steps"),
    LOST("--hicache-ratio"),
    LOST_AS("--hicache-size", writes_later),
    LOST("--hicache-write-policy"),
    LOST("--torchao-config"),
    LOST("--json-model-override-args"),
    LOST("--lora-paths"),
    LOST("--max-loras-per-batch"),
    LOST("--moe-dense-tp-size"),
    LOST("--ep-num-redundant-experts"),
    LOST("--swa-full-tokens-ratio"),
    LOST("--mamba-ssm-dtype"),
    LOST("--radix-eviction-policy"),
    LOST("--max-queued-requests"),
    LOST("--mm-attention-backend"),
    LOST("--hybrid-kvcache-ratio"),
    LOST("--quantization-param-path"),
    LOST("--max-mamba-cache-size"),
    LOST_SWITCH("--disable-cuda-graph"),
    LOST_SWITCH("--enable-torch-compile"),
    LOST_SWITCH("--enable-two-batch-overlap"),
    LOST_SWITCH("--enable-single-batch-overlap"),
    LOST_SWITCH("--enable-dp-lm-head"),
    {"--enable-hierarchical-cache", IMPORT_ARGS_LOST, writes_later, "yes"},
    LOST_SWITCH("--enable-lora"),
    LOST_SWITCH("--enable-eplb"),
    LOST_SWITCH("--disable-custom-all-reduce"),
    LOST_SWITCH("--enable-flashinfer-allreduce-fusion"),
    LOST_SWITCH("--enable-symm-mem"),
    LOST_SWITCH("--enable-nccl-nvls"),
    LOST_SWITCH("--disable-shared-experts-fusion"),
    LOST_SWITCH("--enable-multimodal"),
    LOST_SWITCH("--enable-memory-saver"),
    LOST_SWITCH("--enable-mscclpp"),
    LOST_SWITCH("--disable-cuda-graph-padding"),
    LOST_SWITCH("--enable-piecewise-cuda-graph"),
    LOST_SWITCH("--enable-deterministic-inference"),
    LOST_SWITCH("--enable-lmcache"),
};

static const char *const markers[] = {"sglang.launch_server", "sglang", NULL};

static void paste_count(struct import_args_paste *to, const char *key, int64_t count)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, count);
    import_args_paste_add(to, key, text);
}

/* Ours takes the smaller priority first; SGLang the larger, unless told. */
static void paste_order(struct import_args_paste *to, const char *order)
{
    if (strcmp(order, "priority") != 0) {
        bool known = strcmp(order, "fcfs") == 0 || strcmp(order, "lpm") == 0;
        import_args_paste_add(to, known ? "SCHEDULE_POLICY" : "order", order);
        return;
    }
    import_args_paste_add(to, "PRIORITY", "yes");
    import_args_paste_add(to, "LOW_FIRST", "yes");
    if (!to->pool->scheduler.preemptive_order) {
        import_args_paste_add(to, "KEEPS", "yes");
    }
}

/* What spread(), read_policy() and add_defaults() take apart. */
static bool paste(struct import_args_paste *to, const char *key, const char *value)
{
    const struct layout *layout = &to->pool->layout;
    if (strcmp(key, "tensor_parallel") == 0) {
        paste_count(to, "TP", layout_stage_gpus(layout));
    } else if (strcmp(key, "data_parallel") == 0) {
        if (layout->dp > 1) {
            import_args_paste_add(to, "DP", value);
            import_args_paste_add(to, "DP_ATTENTION", "yes");
        }
    } else if (strcmp(key, "expert_parallel") == 0) {
        if (layout->expert_parallel) {
            paste_count(to, "EP", layout_stage_gpus(layout));
        }
    } else if (strcmp(key, "chunked_prefill_size") == 0) {
        import_args_paste_add(to, key, strcmp(value, "0") == 0 ? "-1" : value);
    } else if (strcmp(key, "order") == 0) {
        paste_order(to, value);
    } else {
        return false;
    }
    return true;
}

const struct import_args_program import_sglang_args_program = {
    .name = "sglang-args",
    .expected = "'python -m sglang.launch_server --model-path MODEL ...'",
    .markers = markers,
    .flags = flags,
    .n_flags = sizeof flags / sizeof *flags,
    .paste = paste,
};

static void set_count(struct import_args *args, const char *flag, const char *key,
                      int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    import_args_set(args, flag, key, memory_arena_text(args->arena, text));
}

/* With attention in data-parallel ranks, --tp counts all GPUs of a stage and each rank has
 * tp / dp of them; else --dp counts whole servers of tp GPUs. */
static int spread(struct import_args *args, const struct import_args_config *config,
                  struct err *err)
{
    int64_t tp;
    int64_t dp;
    int64_t ep;
    if (import_args_count(args, "TP", 1, &tp, err) != 0 ||
        import_args_count(args, "DP", 1, &dp, err) != 0 ||
        import_args_count(args, "EP", 1, &ep, err) != 0) {
        return -1;
    }
    bool has_experts = config->llm.n_experts > 0;
    bool is_split = import_args_get(args, "DP_ATTENTION") != NULL && dp > 1;
    if (is_split && tp % dp != 0) {
        return import_args_refuse(args, "DP", "does not divide --tp-size", err);
    }
    if (is_split && !has_experts) {
        return import_args_refuse(
            args, "DP", "ranks of attention are simulated for models with experts only",
            err);
    }
    set_count(args, "--tp-size", "tensor_parallel", is_split ? tp / dp : tp);
    if (dp > 1) {
        set_count(args, "--dp-size", is_split ? "data_parallel" : "replicas", dp);
    }
    if (has_experts && (ep > 1 || import_args_get(args, "EP_MOE") != NULL)) {
        import_args_set(args, "--ep-size", "expert_parallel", "yes");
    }
    return 0;
}

/* SGLang's --schedule-policy, of which two are ours. */
static int read_policy(struct import_args *args, struct err *err)
{
    const char *policy = import_args_get(args, "SCHEDULE_POLICY");
    if (import_args_choose(args, "SCHEDULE_POLICY",
                           "fcfs, lpm, lof, random, hrrn, dfs-weight, routing-key, "
                           "shortest-prefill-first, priority",
                           err) != 0) {
        return -1;
    }
    if (policy == NULL) {
        return 0;
    }
    if (strcmp(policy, "fcfs") == 0 || strcmp(policy, "lpm") == 0) {
        import_args_set(args, "--schedule-policy", "order", policy);
    } else {
        import_args_lose(args, "--schedule-policy", policy);
    }
    return 0;
}

/* Priorities go before the policy, the larger first unless told otherwise, and a running
 * request gives way to one that is urgent enough. */
static int read_priority(struct import_args *args, struct err *err)
{
    const char *order = import_args_get(args, "order");
    bool low_first = import_args_get(args, "LOW_FIRST") != NULL;
    bool keeps = import_args_get(args, "KEEPS") != NULL;
    if (import_args_get(args, "PRIORITY") == NULL) {
        if (low_first) {
            import_args_ignore(args, "--schedule-low-priority-values-first");
        }
        if (keeps) {
            import_args_ignore(args, "--disable-priority-preemption");
        }
        return 0;
    }
    if (order != NULL && strcmp(order, "lpm") == 0) {
        return import_args_refuse(args, "order",
                                  "does not go with --enable-priority-scheduling", err);
    }
    import_args_set(args, "--enable-priority-scheduling", "order", "priority");
    if (!low_first) {
        import_args_remark(args,
                           "order = priority takes the smaller first, this server "
                           "the larger: negate the column");
    }
    if (!keeps) {
        import_args_lose(args, "--enable-priority-scheduling",
                         "that a running request gives way");
    }
    return 0;
}

/* What SGLang does where nothing is said: pages of one token.  No chunks are -1 there. */
static void add_defaults(struct import_args *args, struct import_args_config *config)
{
    config->engine = "sglang";
    config->policy = "sglang";
    const char *chunk = import_args_get(args, "chunked_prefill_size");
    if (chunk != NULL && strcmp(chunk, "-1") == 0) {
        import_args_set(args, "--chunked-prefill-size", "chunked_prefill_size", "0");
    }
    if (import_args_get(args, "block_size") == NULL) {
        import_args_set(args, "--page-size", "block_size", "1");
    }
}

static int run(const char *path, FILE *out, struct err *err)
{
    struct arena arena = {0};
    struct import_args args;
    struct import_args_config config;
    int status =
        import_args_read(&args, &import_sglang_args_program, path, &arena, err);
    if (status == 0) {
        status = import_args_config_read(&config, &args, err);
    }
    if (status == 0) {
        add_defaults(&args, &config);
        status = spread(&args, &config, err);
    }
    if (status == 0) {
        status = read_policy(&args, err);
    }
    if (status == 0) {
        status = read_priority(&args, err);
    }
    if (status == 0) {
        fprintf(out, "; configs/policies/sglang.ini mirrors SGLang's scheduler.  Its "
                     "own counts\n; --mem-fraction-static without activations.\n");
        status = import_args_config_write(&config, &args, out, err);
    }
    memory_arena_free(&arena);
    return status;
}

const struct import_kind import_sglang_args = {
    .name = "sglang-args",
    .help = "'python -m sglang.launch_server --flags --accelerator GPU' as one quoted "
            "argument, or a file with it, as a configuration",
    .run = run,
};
