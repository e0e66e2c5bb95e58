#include "engine/pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct pool_config, member)

static const struct field fields[] = {
    {"accelerator", FIELD_TEXT, AT(accelerator_name), "", "", NULL, NULL, NULL,
     "a file in configs/accelerators, by name or path"},
    {"model", FIELD_TEXT, AT(model_name), "", "", NULL, NULL, NULL,
     "a file in configs/models, by name or path"},
    {"engine", FIELD_TEXT, AT(engine_name), "", "vllm", NULL, NULL, NULL,
     "a file in configs/engines, by name or path: the constants of the serving engine"},
    {"policy", FIELD_TEXT, AT(policy_name), "", "", NULL, NULL, NULL,
     "a file in configs/policies, by name or path: presets of the keys below"},
    {"served_model", FIELD_TEXT, AT(served_model), "", "", NULL, NULL, NULL,
     "the name by which requests ask for it (column model of the trace); nothing: any"},
    {"classes", FIELD_TEXT, AT(classes), "", "", NULL, NULL, NULL,
     "classes of requests that it serves, as in chat, batch (column class of the "
     "trace); "
     "nothing: any"},
    {"replicas", FIELD_COUNT, AT(n_replicas), "", "1", "1", "100000", NULL,
     "copies of the model"},
    {"role", FIELD_CHOICE, AT(role), "", "both", NULL, NULL, "both|prefill|decode",
     "whether it computes prompts, writes outputs or does both: see [disaggregate]"},
    {"tensor_parallel", FIELD_COUNT, AT(layout.tp), "", "1", "1", "1024", NULL,
     "GPUs that share every matrix"},
    {"pipeline_parallel", FIELD_COUNT, AT(layout.pp), "", "1", "1", "16", NULL,
     "stages, each with its share of the layers"},
    {"data_parallel", FIELD_COUNT, AT(layout.dp), "", "1", "1", "1024", NULL,
     "ranks, each with its own attention, MLP and KV cache, that share the experts"},
    {"data_parallel_mode", FIELD_CHOICE, AT(layout.lockstep), "", "balanced", NULL,
     NULL, "balanced|lockstep",
     "one scheduler whose batches are spread evenly over the ranks, or one for each "
     "rank, "
     "with limits and num_gpu_blocks of its own, that step together"},
    {"expert_parallel", FIELD_FLAG, AT(layout.expert_parallel), "", "no", NULL, NULL,
     NULL, "whether a GPU holds whole experts rather than a slice of each"},
    {"block_size", FIELD_COUNT, AT(block_tokens), "", "16", "1", "65536", NULL,
     "tokens of one KV block"},
    {"gpu_memory_utilization", FIELD_NANO, AT(utilization_nano), "", "0.9", "0.01", "1",
     NULL, "share of the GPU's memory that the server uses"},
    {"num_gpu_blocks", FIELD_COUNT, AT(num_gpu_blocks), "", "0", "0", "1000000000",
     NULL,
     "KV blocks, one of which stays unused as vLLM's null block; 0: from the memory "
     "ledger"},
    {"max_model_len", FIELD_COUNT, AT(max_model_tokens), "", "0", "0", "1000000000",
     NULL, "longest prompt + output; 0: the model's own"},
    {"shares_gpus_with", FIELD_TEXT, AT(shares_with), "", "", NULL, NULL, NULL,
     "a pool above this one: their replicas take turns on the same GPUs"},
    {"slow_share", FIELD_NANO, AT(slow_share_nano), "", "0", "0", "1", NULL,
     "share of its replicas that are slow, rounded half up, spread evenly"},
    {"slow_factor", FIELD_NANO, AT(slow_factor_nano), "", "1", "1", "1000", NULL,
     "how many times longer the steps of its slow replicas are"},
    {"lora", FIELD_FLAG, AT(lora), "", "yes", NULL, NULL, NULL,
     "whether its replicas serve LoRA adapters, where [lora] max_loras is not 0"},
};

const struct field_table pool_table = {
    .name = "pool",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static int fill_ledger(struct pool *pool, const struct pool_config *config,
                       struct err *err)
{
    struct ledger_request request = {
        .layout = config->layout,
        .block_tokens = config->block_tokens,
        .utilization_nano = config->utilization_nano,
        .max_batched_tokens = config->scheduler.max_num_batched_tokens,
        .max_seqs = config->scheduler.max_num_seqs,
        .draft = pool->speculative.has_model ? &pool->speculative.drafter : NULL,
        .draft_is_part = config->speculative.method == SPECULATIVE_MTP,
        .lora_bytes = adapter_slot_bytes(&pool->adapter),
    };
    char where[80];
    snprintf(where, sizeof where, "[pool.%.60s]", config->name);
    if (ledger_fill(&pool->ledger, &request, &config->accelerator, &config->llm,
                    &config->constants, where, config->accelerator_name,
                    config->model_name, err) != 0) {
        return -1;
    }
    pool->has_ledger = true;
    return 0;
}

static int check_hardware(const struct pool_config *config, struct err *err)
{
    const struct llm *llm = &config->llm;
    int64_t tp = config->layout.tp;
    struct err reason;
    if (llm_check(llm, &reason) != 0) {
        return err_set(err, "[pool.%s]: %s: %.900s", config->name, config->model_name,
                       reason.text);
    }
    bool splits_kv = llm->kv_lora_rank == 0;
    if (llm->n_heads % tp != 0 ||
        (splits_kv && llm->n_kv_heads % tp != 0 && tp % llm->n_kv_heads != 0)) {
        return err_set(
            err,
            "[pool.%s]: tensor_parallel: %" PRId64 " does not divide the %" PRId64
            " heads and %" PRId64 " KV heads of %s evenly",
            config->name, tp, llm->n_heads, llm->n_kv_heads, config->model_name);
    }
    if (config->layout.pp > llm->n_layers) {
        return err_set(err,
                       "[pool.%s]: pipeline_parallel: %" PRId64
                       " stages are more than the %" PRId64 " layers of %s",
                       config->name, config->layout.pp, llm->n_layers,
                       config->model_name);
    }
    if (llm->n_experts == 0 &&
        (config->layout.dp > 1 || config->layout.expert_parallel)) {
        return err_set(
            err,
            "[pool.%s]: data_parallel and expert_parallel: %s has no experts "
            "to share; use replicas",
            config->name, config->model_name);
    }
    const struct accelerator *gpu = &config->accelerator;
    if (llm->sparsity == LLM_TWO_OF_FOUR && gpu->sparse_speedup_nano == 1000000000) {
        return err_set(err,
                       "[pool.%s]: sparsity: %s has no units for 2:4 sparse weights "
                       "(its sparse_speedup is 1)",
                       config->name, config->accelerator_name);
    }
    if (gpu->active_share_nano + gpu->compute_share_nano + gpu->memory_share_nano >
        1000000000) {
        return err_set(err,
                       "[pool.%s]: power_active_share, power_compute_share and "
                       "power_memory_share sum to more than 1",
                       config->name);
    }
    if (gpu->idle_mw > gpu->tdp_mw) {
        return err_set(err, "[pool.%s]: idle_power is above tdp", config->name);
    }
    return 0;
}

static int check_schedulers(const struct pool_config *config, struct err *err)
{
    const int64_t most = 100000;
    if (pool_n_schedulers(config) <= most) {
        return 0;
    }
    return err_set(err,
                   "[pool.%s]: data_parallel_mode: lockstep makes %" PRId64
                   " replicas x %" PRId64
                   " ranks, each with a scheduler; expected at most %" PRId64,
                   config->name, config->n_replicas, config->layout.dp, most);
}

static int check_presence(const struct pool_config *config, struct err *err)
{
    bool has_accelerator = config->accelerator_name[0] != '\0';
    bool has_model = config->model_name[0] != '\0';
    if (config->cost.kind == COST_ROOFLINE && !has_accelerator) {
        return err_set(
            err,
            "[pool.%s]: accelerator: must be given with cost = roofline (see "
            "'servesim list accelerators')",
            config->name);
    }
    if (config->cost.kind == COST_ROOFLINE && !has_model) {
        return err_set(err,
                       "[pool.%s]: model: must be given with cost = roofline (see "
                       "'servesim list models')",
                       config->name);
    }
    if (config->num_gpu_blocks == 0 && !(has_accelerator && has_model)) {
        return err_set(err,
                       "[pool.%s]: num_gpu_blocks: must be given where there is no "
                       "accelerator and model to derive it from",
                       config->name);
    }
    if (config->num_gpu_blocks == 1) {
        return err_set(
            err,
            "[pool.%s]: num_gpu_blocks: 1 leaves nothing beside the null block; "
            "expected at least 2",
            config->name);
    }
    return 0;
}

/* A model that drafts is spread like the one that it drafts for. */
static int check_draft(const struct pool_config *config, struct err *err)
{
    const struct speculative_config *speculative = &config->speculative;
    if (speculative->method == SPECULATIVE_NONE) {
        return 0;
    }
    if (config->layout.pp > 1) {
        return err_set(
            err,
            "[pool.%s]: pipeline_parallel: nothing is drafted across stages; "
            "[speculative] method needs 1",
            config->name);
    }
    if (speculative->method != SPECULATIVE_DRAFT || config->cost.kind == COST_LINEAR) {
        return 0;
    }
    struct pool_config draft = *config;
    draft.model_name = speculative->draft_model_name;
    draft.llm = speculative->draft;
    draft.layout.dp = 1; /* may be dense beside a model with experts */
    draft.layout.expert_parallel = 0;
    return check_hardware(&draft, err);
}

/* A block of every GPU moves at the same time, each over its own lanes. */
static int64_t swap_block_fs(const struct pool *pool)
{
    const struct pool_scheduler *scheduler = &pool->config->scheduler;
    if (scheduler->swap_block_fs > 0 || !pool->has_hardware) {
        return scheduler->swap_block_fs;
    }
    wide fs = (wide)pool->ledger.block_bytes * 1000000000000000;
    return wide_narrow(wide_div_half_up(fs, scheduler->host_bytes_per_s));
}

static int limit_tiers(struct pool *pool, struct err *err)
{
    const struct layout *layout = &pool->config->layout;
    struct tier_block_size size = {.n_gpus = layout->tp * layout->pp};
    if (pool->has_hardware) {
        size.block_bytes = pool->ledger.block_bytes;
    }
    return tier_limit(&pool->tiers, &pool->config->offload, &size, err);
}

/* What a step takes and does. */
static int price_steps(struct pool *pool, struct err *err)
{
    const struct pool_config *config = pool->config;
    const struct llm *llm = pool->has_hardware ? &config->llm : NULL;
    if (cost_init(&pool->cost, &config->cost, &config->accelerator, &config->llm,
                  &config->constants, &config->layout, err) != 0 ||
        speculative_price_init(&pool->speculative, &config->cost, &config->accelerator,
                               &config->constants, &config->layout, err) != 0 ||
        adapter_price_init(&pool->adapter, &config->adapters, &config->cost,
                           &config->accelerator, llm, &config->constants,
                           &config->layout, err) != 0) {
        return -1;
    }
    return 0;
}

/* What adapters do draws power, too. */
static int limit_adapters(struct pool *pool, int64_t n_gpus, int64_t busy_mw,
                          struct err *err)
{
    int64_t limit_mw;
    enum meter_limit limit;
    if (!pool->power.limited) {
        return 0;
    }
    if (meter_limit_mw(&pool->config->meter, &limit_mw, &limit, err) != 0) {
        return -1;
    }
    if (power_limit(&pool->adapter.power, limit_mw * n_gpus - busy_mw)) {
        return 0;
    }
    return err_set(err, "[lora] rank: steps of [pool.%s] would take hours",
                   pool->config->name);
}

static int fill_power(struct pool *pool, struct err *err)
{
    const struct pool_config *config = pool->config;
    char where[80];
    power_init(&pool->power, &pool->cost, &config->accelerator, &config->llm,
               &config->constants, &config->layout);
    if (pool->has_hardware) {
        power_init_work(&pool->power, &config->llm, &config->constants,
                        &config->layout);
    }
    snprintf(where, sizeof where, "[pool.%.60s]", config->name);
    int64_t n_gpus = layout_rank_gpus(&config->layout);
    int64_t alone_mw = pool->power.busy_mw; /* without the host */
    if (meter_apply(&config->meter, n_gpus, config->accelerator.tdp_mw, where,
                    &pool->power, &pool->speculative.power, err) != 0) {
        return -1;
    }
    return limit_adapters(pool, n_gpus, alone_mw, err);
}

static int init_price(struct pool *pool, struct err *err)
{
    const struct pool_config *config = pool->config;
    char where[80];
    snprintf(where, sizeof where, "[pool.%.60s]", config->name);
    struct price_pool priced = {
        .where = where,
        .accelerator_name = config->accelerator_name,
        .accelerator = &config->accelerator,
        .gpus = layout_rank_gpus(&config->layout),
        .n_ranks = layout_ranks(&config->layout),
        .n_places = pool_places(pool),
        .terms = &config->price_terms,
    };
    return price_init(&pool->price, &config->price, &priced, err);
}

int pool_init(struct pool *pool, const struct pool_config *config, struct err *err)
{
    memset(pool, 0, sizeof *pool);
    pool->config = config;
    if (check_presence(config, err) != 0 || check_schedulers(config, err) != 0) {
        return -1;
    }
    pool->has_hardware =
        config->accelerator_name[0] != '\0' && config->model_name[0] != '\0';
    if (pool->has_hardware && check_hardware(config, err) != 0) {
        return -1;
    }
    if (check_draft(config, err) != 0 || init_price(pool, err) != 0) {
        return -1;
    }
    if (config->lora) {
        adapter_init(&pool->adapter, &config->adapters,
                     pool->has_hardware ? &config->llm : NULL, &config->layout,
                     config->scheduler.host_bytes_per_s);
    }
    speculative_init(&pool->speculative, &config->speculative, &config->llm,
                     config->cost.kind == COST_LINEAR);
    /* a measured num_gpu_blocks stands where the ledger has no room left, but weights
     * that do not fit were never measured */
    struct err refused;
    if (pool->has_hardware && fill_ledger(pool, config, &refused) != 0 &&
        (config->num_gpu_blocks == 0 || !ledger_weights_fit(&pool->ledger))) {
        *err = refused;
        return -1;
    }
    if (price_steps(pool, err) != 0) {
        return -1;
    }
    if (fill_power(pool, err) != 0) {
        return -1;
    }
    int64_t n_blocks =
        config->num_gpu_blocks > 0 ? config->num_gpu_blocks : pool->ledger.n_blocks;
    pool->usable_blocks = n_blocks - 1;
    pool->watermark_blocks =
        (int64_t)((wide)n_blocks * config->scheduler.watermark_nano / 1000000000);
    pool->swap_block_fs = swap_block_fs(pool);
    if (limit_tiers(pool, err) != 0) {
        return -1;
    }
    pool->most_tokens = config->max_model_tokens;
    if (pool->most_tokens == 0) {
        pool->most_tokens =
            config->model_name[0] != '\0' ? config->llm.max_context_tokens : INT64_MAX;
    }
    if (config->scheduler.chunk_stages > 1 && pool->most_tokens == INT64_MAX) {
        return err_set(err,
                       "[pool.%s] chunk_stages: its stages are parts of max_model_len, "
                       "which neither the pool nor a model says",
                       config->name);
    }
    return 0;
}

int64_t pool_max_new_tokens(const struct pool *pool, int64_t output_tokens)
{
    int64_t most = pool->config->scheduler.max_output_tokens;
    return most > output_tokens ? most : output_tokens;
}

int64_t pool_needed_blocks(const struct pool *pool, int64_t prompt_tokens,
                           int64_t output_tokens)
{
    int64_t block_tokens = pool->config->block_tokens;
    return (prompt_tokens + output_tokens - 1 + block_tokens - 1) / block_tokens;
}

int32_t pool_places(const struct pool *pool)
{
    const struct pool_config *config = pool->config;
    int64_t most = config->most_replicas > config->n_replicas ? config->most_replicas
                                                              : config->n_replicas;
    return (int32_t)(most * layout_ranks(&config->layout));
}

void pool_free(struct pool *pool)
{
    cost_free(&pool->cost);
    speculative_free(&pool->speculative);
}
