#include "engine/disaggregate.h"

#include "base/wide.h"

#define AT(member) offsetof(struct disaggregate_config, member)

const struct field disaggregate_fields[DISAGGREGATE_FIELDS] = {
    {"policy", FIELD_CHOICE, AT(policy), "", "plain", NULL, NULL, "plain|splitwise",
     "splitwise: pools of role both help out where prompts queue or blocks lack"},
    {"min_prompt_tokens", FIELD_COUNT, AT(min_prompt_tokens), "", "0", "0",
     "1000000000", NULL,
     "shorter prompts go straight to a decode replica, which computes them"},
    {"overflow_tokens", FIELD_COUNT, AT(overflow_tokens), "", "8192", "0",
     "1000000000000", NULL,
     "with policy = splitwise: prompt tokens that may wait at a prefill replica"},
    {"overlap", FIELD_CHOICE, AT(overlap), "", "no", NULL, NULL, "no|layerwise",
     "layerwise: layers are sent while later ones are computed"},
    {"links", FIELD_CHOICE, AT(links), "", "node", NULL, NULL, "node|infinite",
     "what KV caches are sent over; infinite: they take no time beside latency_us"},
    {"latency_us", FIELD_TIME, AT(latency_ns), "us", "0", "0", "1000000000", NULL,
     "of a transfer, whatever its size"},
    {"bandwidth", FIELD_BANDWIDTH, AT(gpu_bytes_per_s), "GB/s", "0", "0", "100000",
     NULL, "of one GPU, each way; 0: the accelerator's node_bandwidth"},
    {"node_bandwidth", FIELD_BANDWIDTH, AT(node_bytes_per_s), "GB/s", "0", "0",
     "1000000", NULL, "of a whole node, each way; 0: that of its GPUs together"},
    {"kv_bytes_per_token", FIELD_BYTES, AT(kv_bytes), "B", "0", "0", "1000000000", NULL,
     "of the KV cache that is sent; 0: as the model has it"},
};

int64_t disaggregate_bytes(const struct disaggregate_config *config,
                           const struct pool *pool, int64_t tokens)
{
    if (config->kv_bytes > 0) {
        return wide_narrow((wide)config->kv_bytes * tokens);
    }
    if (!pool->has_hardware) {
        return 0;
    }
    const struct llm *llm = &pool->config->llm;
    wide bytes = (wide)llm_kv_bytes_per_token(llm, 1) * tokens;
    if (llm->index_heads == 0 && tokens > llm->window_tokens) {
        bytes -= (wide)llm_kv_bytes_per_layer(llm, 1) * llm->n_window_layers *
                 (tokens - llm->window_tokens);
    }
    bytes += llm_state_bytes(llm);
    if (pool->speculative.has_model) { /* the drafter goes on from there, too */
        const struct llm *drafter = &pool->speculative.drafter;
        bytes += (wide)llm_kv_bytes_per_token(drafter, 1) * tokens;
    }
    return wide_narrow(bytes);
}

int64_t disaggregate_left(const struct disaggregate_config *config,
                          const struct pool *pool, int64_t bytes, int64_t step_ns)
{
    if (config->overlap != DISAGGREGATE_LAYERWISE) {
        return bytes;
    }
    int64_t n_layers = pool->has_hardware ? pool->config->llm.n_layers : 0;
    int64_t last = n_layers > 0 ? (bytes + n_layers - 1) / n_layers : 0;
    wide sent = (wide)disaggregate_replica_bandwidth(config, pool) * step_ns;
    wide left = bytes - sent / 1000000000;
    return left > last ? (int64_t)left : last;
}

static int64_t gpu_bandwidth(const struct disaggregate_config *config,
                             const struct pool *pool)
{
    return config->gpu_bytes_per_s > 0 ? config->gpu_bytes_per_s
                                       : pool->config->accelerator.node_bytes_per_s;
}

int64_t disaggregate_replica_bandwidth(const struct disaggregate_config *config,
                                       const struct pool *pool)
{
    return wide_narrow((wide)gpu_bandwidth(config, pool) *
                       layout_rank_gpus(&pool->config->layout));
}

int64_t disaggregate_per_node(const struct pool *pool)
{
    const struct layout *layout = &pool->config->layout;
    int64_t per_node = pool->config->accelerator.gpus_per_node / layout_gpus(layout);
    return (per_node > 1 ? per_node : 1) * layout_ranks(layout);
}

int64_t disaggregate_node_bandwidth(const struct disaggregate_config *config,
                                    const struct pool *pool)
{
    int64_t n_gpus = layout_gpus(&pool->config->layout);
    int64_t node_gpus = pool->config->accelerator.gpus_per_node;
    int64_t n_nodes = node_gpus > 0 ? (n_gpus + node_gpus - 1) / node_gpus : 1;
    return wide_narrow((wide)config->node_bytes_per_s * n_nodes);
}
