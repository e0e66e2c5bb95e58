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
#define LOST(name)                         \
    {                                      \
        name, IMPORT_ARGS_LOST, NULL, NULL \
    }
#define LOST_SWITCH(name)                   \
    {                                       \
        name, IMPORT_ARGS_LOST, NULL, "yes" \
    }

static const struct import_args_flag flags[] = {
    SET("--model", "MODEL"),
    SET("--accelerator", "ACCELERATOR"),
    SET("--tensor-parallel-size", "tensor_parallel"),
    SET("-tp", "tensor_parallel"),
    SET("--pipeline-parallel-size", "pipeline_parallel"),
    SET("-pp", "pipeline_parallel"),
    SET("--data-parallel-size", "DP"),
    SET("-dp", "DP"),
    SWITCH("--enable-expert-parallel", "EP", "yes"),
    SWITCH("-ep", "EP", "yes"),
    SWITCH("--no-enable-expert-parallel", "EP", "no"),
    SET("--max-num-seqs", "max_num_seqs"),
    SET("--max-num-batched-tokens", "max_num_batched_tokens"),
    SET("--max-model-len", "max_model_len"),
    SET("--block-size", "block_size"),
    SET("--gpu-memory-utilization", "gpu_memory_utilization"),
    SET("--num-gpu-blocks-override", "num_gpu_blocks"),
    SET("--kv-cache-dtype", "KV_DTYPE"),
    SET("--quantization", "QUANTIZATION"),
    SET("-q", "QUANTIZATION"),
    SET("--dtype", "DTYPE"),
    SWITCH("--enable-prefix-caching", "enable_prefix_caching", "yes"),
    SWITCH("--no-enable-prefix-caching", "enable_prefix_caching", "no"),
    SET("--long-prefill-token-threshold", "long_prefill_token_threshold"),
    SWITCH("--async-scheduling", "async_scheduling", "yes"),
    SWITCH("--no-async-scheduling", "async_scheduling", "no"),
    SET("--scheduling-policy", "order"),
    SWITCH("--enable-chunked-prefill", "enable_chunked_prefill", "yes"),
    SWITCH("--no-enable-chunked-prefill", "enable_chunked_prefill", "no"),
    SET("--max-num-partial-prefills", "max_num_partial_prefills"),
    SWITCH("--scheduler-reserve-full-isl", "reserve_full_prompt", "yes"),
    SWITCH("--no-scheduler-reserve-full-isl", "reserve_full_prompt", "no"),
    SET("--preemption-mode", "preempt"),
    SET("--swap-space", "SWAP_SPACE"),
    SET("--speculative-config", "DRAFTING"),
    SET("-sc", "DRAFTING"),
    SET("--spec-method", "DRAFT_METHOD"),
    SET("--spec-model", "DRAFT_MODEL"),
    SET("--speculative-model", "DRAFT_MODEL"),
    SET("--spec-tokens", "DRAFT_TOKENS"),
    SET("--num-speculative-tokens", "DRAFT_TOKENS"),
    PLAIN("--host"),
    PLAIN("--port"),
    PLAIN("--uds"),
    PLAIN("--api-key"),
    PLAIN("--served-model-name"),
    PLAIN("--tokenizer"),
    PLAIN("--tokenizer-mode"),
    PLAIN("--revision"),
    PLAIN("--code-revision"),
    PLAIN("--tokenizer-revision"),
    PLAIN("--hf-token"),
    PLAIN("--hf-config-path"),
    PLAIN("--download-dir"),
    PLAIN("--load-format"),
    PLAIN("--seed"),
    PLAIN("--chat-template"),
    PLAIN("--chat-template-content-format"),
    PLAIN("--response-role"),
    PLAIN("--ssl-keyfile"),
    PLAIN("--ssl-certfile"),
    PLAIN("--ssl-ca-certs"),
    PLAIN("--root-path"),
    PLAIN("--middleware"),
    PLAIN("--uvicorn-log-level"),
    PLAIN("--max-log-len"),
    PLAIN("--max-logprobs"),
    PLAIN("--allowed-origins"),
    PLAIN("--allowed-methods"),
    PLAIN("--allowed-headers"),
    PLAIN("--allowed-local-media-path"),
    PLAIN("--tool-call-parser"),
    PLAIN("--tool-parser-plugin"),
    PLAIN("--reasoning-parser"),
    PLAIN("--generation-config"),
    PLAIN("--override-generation-config"),
    PLAIN("--otlp-traces-endpoint"),
    PLAIN("--distributed-executor-backend"),
    PLAIN("--api-server-count"),
    PLAIN("--config-format"),
    PLAIN("--data-parallel-address"),
    PLAIN("--data-parallel-rpc-port"),
    PLAIN("--data-parallel-backend"),
    PLAIN("--node-rank"),
    PLAIN("--nnodes"),
    PLAIN("--master-addr"),
    PLAIN("--master-port"),
    PLAIN("--guided-decoding-backend"),
    PLAIN("--max-parallel-loading-workers"),
    PLAIN("--distributed-timeout-seconds"),
    PLAIN("--stream-interval"),
    PLAIN_SWITCH("--trust-remote-code"),
    PLAIN_SWITCH("--disable-log-requests"),
    PLAIN_SWITCH("--enable-log-requests"),
    PLAIN_SWITCH("--no-enable-log-requests"),
    PLAIN_SWITCH("--disable-log-stats"),
    PLAIN_SWITCH("--disable-uvicorn-access-log"),
    PLAIN_SWITCH("--enable-auto-tool-choice"),
    PLAIN_SWITCH("--return-tokens-as-token-ids"),
    PLAIN_SWITCH("--disable-fastapi-docs"),
    PLAIN_SWITCH("--enable-request-id-headers"),
    PLAIN_SWITCH("--enable-server-load-tracking"),
    PLAIN_SWITCH("--enable-prompt-tokens-details"),
    PLAIN_SWITCH("--allow-credentials"),
    PLAIN_SWITCH("--headless"),
    PLAIN_SWITCH("--enable-sleep-mode"),
    PLAIN_SWITCH("--disable-frontend-multiprocessing"),
    PLAIN_SWITCH("--use-tqdm-on-load"),
    PLAIN_SWITCH("--use-v2-block-manager"),
    LOST("--speculative-draft-tensor-parallel-size"),
    LOST("--speculative-max-model-len"),
    LOST("--speculative-model-quantization"),
    LOST("--speculative-disable-by-batch-size"),
    LOST("--ngram-prompt-lookup-max"),
    LOST("--ngram-prompt-lookup-min"),
    LOST("--spec-decoding-acceptance-method"),
    LOST("--cpu-offload-gb"),
    LOST("--kv-transfer-config"),
    LOST("--kv-events-config"),
    LOST("--kv-offloading-size"),
    LOST("--compilation-config"),
    LOST("-O"),
    LOST("--hf-overrides"),
    LOST("--rope-scaling"),
    LOST("--rope-theta"),
    LOST("--max-loras"),
    LOST("--max-lora-rank"),
    LOST("--lora-modules"),
    LOST("--limit-mm-per-prompt"),
    LOST("--mm-processor-kwargs"),
    LOST("--data-parallel-size-local"),
    LOST("--data-parallel-rank"),
    LOST("--data-parallel-start-rank"),
    LOST("--decode-context-parallel-size"),
    LOST("-dcp"),
    LOST("--prefill-context-parallel-size"),
    LOST("-pcp"),
    LOST("--max-long-partial-prefills"),
    LOST("--kv-cache-memory-bytes"),
    LOST("--all2all-backend"),
    LOST("--eplb-config"),
    LOST("--attention-backend"),
    LOST("--attention-config"),
    LOST("--cuda-graph-sizes"),
    LOST("--cudagraph-capture-sizes"),
    LOST("--max-cudagraph-capture-size"),
    LOST("--performance-mode"),
    LOST("--optimization-level"),
    LOST("--prefix-caching-hash-algo"),
    LOST("--mamba-ssm-cache-dtype"),
    LOST("--additional-config"),
    LOST("--runner"),
    LOST("--task"),
    LOST("--convert"),
    LOST("--scheduler-cls"),
    LOST("--max-seq-len-to-capture"),
    LOST("--num-scheduler-steps"),
    LOST("--calculate-kv-scales"),
    LOST_SWITCH("--enforce-eager"),
    LOST_SWITCH("--enable-lora"),
    LOST_SWITCH("--enable-eplb"),
    LOST_SWITCH("--enable-dbo"),
    LOST_SWITCH("--disable-custom-all-reduce"),
    LOST_SWITCH("--disable-sliding-window"),
    LOST_SWITCH("--disable-cascade-attn"),
    LOST_SWITCH("--language-model-only"),
    LOST_SWITCH("--disable-hybrid-kv-cache-manager"),
    LOST_SWITCH("--data-parallel-hybrid-lb"),
    LOST_SWITCH("--data-parallel-external-lb"),
};

static const char *const markers[] = {"vllm", "vllm.entrypoints.openai.api_server",
                                      "vllm-openai", NULL};

/* What spread() takes apart.  Ranks and experts that a model lacks need no flag. */
static bool paste(struct import_args_paste *to, const char *key, const char *value)
{
    bool has_experts = to->pool->llm.n_experts > 0;
    if (strcmp(key, "data_parallel") == 0) {
        if (strcmp(value, "1") != 0) {
            import_args_paste_add(to, "DP", value);
        }
        return true;
    }
    if (strcmp(key, "expert_parallel") == 0) {
        if (has_experts) {
            import_args_paste_add(to, "EP", value);
        }
        return true;
    }
    return false;
}

const struct import_args_program import_vllm_args_program = {
    .name = "vllm-args",
    .expected = "'vllm serve MODEL ...' or 'python -m "
                "vllm.entrypoints.openai.api_server --model MODEL ...'",
    .markers = markers,
    .flags = flags,
    .n_flags = sizeof flags / sizeof *flags,
    .paste = paste,
};

/* Data-parallel ranks share the experts; without experts they are servers of their own. */
static int spread(struct import_args *args, const struct import_args_config *config,
                  struct err *err)
{
    int64_t n_ranks;
    if (import_args_count(args, "DP", 1, &n_ranks, err) != 0) {
        return -1;
    }
    bool has_experts = config->llm.n_experts > 0;
    const char *ep = import_args_get(args, "EP");
    if (n_ranks > 1) {
        import_args_set(args, "--data-parallel-size",
                        has_experts ? "data_parallel" : "replicas",
                        import_args_get(args, "DP"));
    }
    if (has_experts && ep != NULL) {
        import_args_set(args, "--enable-expert-parallel", "expert_parallel", ep);
    }
    return 0;
}

/* What the keys of the scheduler do not say by themselves. */
static int explain(struct import_args *args, struct err *err)
{
    const char *chunks = import_args_get(args, "enable_chunked_prefill");
    const char *preempt = import_args_get(args, "preempt");
    if (import_args_choose(args, "order", "fcfs, priority", err) != 0 ||
        import_args_choose(args, "preempt", "recompute, swap", err) != 0) {
        return -1;
    }
    if (chunks != NULL && strcmp(chunks, "no") == 0 &&
        import_args_get(args, "max_num_batched_tokens") == NULL) {
        import_args_remark(args, "without chunks vLLM's max_num_batched_tokens is at "
                                 "least max_model_len: give it");
    }
    if (import_args_get(args, "max_num_partial_prefills") != NULL) {
        import_args_remark(args, "max_num_partial_prefills: vLLM v1 as of 52a31cce "
                                 "accepts it and does not use it");
    }
    if (preempt != NULL) {
        import_args_remark(args, "--preemption-mode is vLLM v0's, whose scheduler is "
                                 "policy = vllm-v0");
    }
    if (import_args_get(args, "SWAP_SPACE") == NULL) {
        return 0;
    }
    if (preempt != NULL && strcmp(preempt, "swap") == 0) {
        import_args_lose(args, "--swap-space", "swap_blocks has it, in KV blocks");
    } else { /* only what is swapped goes there */
        import_args_ignore(args, "--swap-space");
    }
    return 0;
}

static int run(const char *path, FILE *out, struct err *err)
{
    struct arena arena = {0};
    struct import_args args;
    struct import_args_config config;
    int status = import_args_read(&args, &import_vllm_args_program, path, &arena, err);
    if (status == 0) {
        status = import_args_config_read(&config, &args, err);
    }
    if (status == 0) {
        config.engine = "vllm";
        config.policy = "vllm-v1";
        status = spread(&args, &config, err);
    }
    if (status == 0) {
        status = explain(&args, err);
    }
    if (status == 0) {
        status = import_args_speculative_read(&config.drafting, &args, err);
    }
    if (status == 0) {
        status = import_args_config_write(&config, &args, out, err);
    }
    memory_arena_free(&arena);
    return status;
}

const struct import_kind import_vllm_args = {
    .name = "vllm-args",
    .help = "'vllm serve MODEL --flags --accelerator GPU' as one quoted argument, or a "
            "file with it, as a configuration",
    .run = run,
};
