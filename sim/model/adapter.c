#include "model/adapter.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "model/cost_rates.h"

#define AT(member) offsetof(struct adapter_config, member)

enum { BYTES_PER_PARAM = 2 };

static const double nano = 1e-9;

const struct field adapter_fields[ADAPTER_FIELDS] = {
    {"max_loras", FIELD_COUNT, AT(max_loras), "", "0", "0", "100000", NULL,
     "different LoRA adapters in one batch, each with a slot on the GPUs; 0: none, and "
     "requests that name one get the base model"},
    {"max_cpu_loras", FIELD_COUNT, AT(max_cpu_loras), "", "0", "0", "10000000", NULL,
     "adapters kept in host memory, those on the GPUs among them; 0: max_loras"},
    {"rank", FIELD_COUNT, AT(rank), "", "16", "1", "4096", NULL,
     "rank of the adapters, and of their slots"},
    {"target", FIELD_CHOICE, AT(target), "", "all", NULL, NULL, "all|attention",
     "matrices that have an adapter: all of attention and of dense MLPs, or "
     "attention's"},
    {"load_ms", FIELD_FEMTO, AT(load_fs), "ms", "0", "0", "1000000", NULL,
     "time from host memory to the GPUs, by which a step gets longer; 0: the adapter's "
     "bytes over host_bandwidth"},
    {"download_ms", FIELD_FEMTO, AT(download_fs), "ms", "0", "0", "1000000", NULL,
     "time to host memory before that; 0: the adapter's bytes over storage_bandwidth"},
    {"storage_bandwidth", FIELD_BANDWIDTH, AT(storage_bytes_per_s), "GB/s", "1",
     "0.001", "100000", NULL, "from where adapters are stored to host memory"},
    {"lora_token_us", FIELD_FEMTO, AT(token_fs), "us", "0", "0", "1000000", NULL,
     "cost = linear: time per token of requests with an adapter"},
    {"lora_adapter_us", FIELD_FEMTO, AT(adapter_fs), "us", "0", "0", "1000000000", NULL,
     "cost = linear: time per different adapter in a step"},
};

/* How a matrix is cut over tp GPUs. */
enum cut { CUT_NOT, CUT_COLUMNS, CUT_ROWS };

/* in + out of `n` matrices on one of `tp` GPUs: the adapter's other half is whole. */
static wide sides(enum cut cut, int64_t n, int64_t in, int64_t out, int64_t tp)
{
    wide one = 0;
    switch (cut) {
    case CUT_NOT:
        one = (wide)in + out;
        break;
    case CUT_COLUMNS:
        one = in + ((wide)out + tp - 1) / tp;
        break;
    case CUT_ROWS:
        one = ((wide)in + tp - 1) / tp + out;
        break;
    }
    return one * n;
}

static wide attention_sides(const struct llm *llm, int64_t tp)
{
    int64_t hidden = llm->hidden;
    int64_t heads = llm->n_heads;
    if (llm->kv_lora_rank == 0) {
        int64_t query = heads * llm->head_dim * (1 + llm->output_gate);
        /* more GPUs than KV heads have copies of them */
        int64_t kv_tp = tp < llm->n_kv_heads ? tp : llm->n_kv_heads;
        int64_t kv = llm->n_kv_heads * llm->head_dim;
        return sides(CUT_COLUMNS, 1, hidden, query, tp) +
               sides(CUT_COLUMNS, 2, hidden, kv, kv_tp) +
               sides(CUT_ROWS, 1, heads * llm->head_dim, hidden, tp);
    }
    int64_t rank = llm->kv_lora_rank;
    int64_t rope = llm->qk_rope_head_dim;
    int64_t query = heads * (llm->qk_nope_head_dim + rope);
    int64_t up = heads * (llm->qk_nope_head_dim + llm->v_head_dim);
    wide queries = llm->q_lora_rank > 0
                       ? sides(CUT_NOT, 1, hidden, llm->q_lora_rank, tp) +
                             sides(CUT_COLUMNS, 1, llm->q_lora_rank, query, tp)
                       : sides(CUT_COLUMNS, 1, hidden, query, tp);
    return queries + sides(CUT_NOT, 1, hidden, rank + rope, tp) +
           sides(CUT_COLUMNS, 1, rank, up, tp) +
           sides(CUT_ROWS, 1, heads * llm->v_head_dim, hidden, tp);
}

static wide mlp_sides(const struct llm *llm, int64_t width, int64_t tp)
{
    int64_t n_up = llm->mlp == LLM_GATED ? 2 : 1;
    return width == 0 ? 0
                      : sides(CUT_COLUMNS, n_up, llm->hidden, width, tp) +
                            sides(CUT_ROWS, 1, width, llm->hidden, tp);
}

/* Over all layers. */
static wide all_sides(const struct adapter_config *config, const struct llm *llm,
                      int64_t tp)
{
    int64_t n_moe = llm_moe_layers(llm);
    wide sum = attention_sides(llm, tp) * (llm->n_layers - llm->n_linear_layers);
    if (config->target == ADAPTER_ALL) {
        sum += mlp_sides(llm, llm->intermediate, tp) * (llm->n_layers - n_moe) +
               mlp_sides(llm, llm->shared_intermediate, tp) * n_moe;
    }
    return sum;
}

int64_t adapter_params(const struct adapter_config *config, const struct llm *llm)
{
    return wide_narrow(config->rank * all_sides(config, llm, 1));
}

int64_t adapter_gpu_params(const struct adapter_config *config, const struct llm *llm,
                           const struct layout *layout)
{
    int64_t stage = (llm->n_layers + layout->pp - 1) / layout->pp;
    wide all = config->rank * all_sides(config, llm, layout->tp) * stage;
    return wide_narrow((all + llm->n_layers - 1) / llm->n_layers);
}

/* A time that was given, or what the bytes take. */
static wide moving_fs(int64_t given_fs, int64_t bytes, int64_t bytes_per_s)
{
    const int64_t fs_per_s = 1000000000000000;
    return given_fs > 0 ? given_fs
                        : wide_div_half_up((wide)bytes * fs_per_s, bytes_per_s);
}

void adapter_init(struct adapter *adapter, const struct adapter_config *config,
                  const struct llm *llm, const struct layout *layout,
                  int64_t host_bytes_per_s)
{
    memset(adapter, 0, sizeof *adapter);
    if (config->max_loras == 0) {
        return;
    }
    adapter->max_loras = config->max_loras;
    adapter->max_cpu_loras =
        config->max_cpu_loras > 0 ? config->max_cpu_loras : config->max_loras;
    if (llm != NULL) {
        adapter->params = adapter_params(config, llm);
        adapter->gpu_bytes = BYTES_PER_PARAM * adapter_gpu_params(config, llm, layout);
    }
    adapter->load_fs = moving_fs(config->load_fs, adapter->gpu_bytes, host_bytes_per_s);
    adapter->download_fs =
        moving_fs(config->download_fs, BYTES_PER_PARAM * adapter->params,
                  config->storage_bytes_per_s);
}

int64_t adapter_slot_bytes(const struct adapter *adapter)
{
    return wide_narrow((wide)adapter->gpu_bytes * adapter->max_loras);
}

/* All of an adapter's products per token and reads per step, over all GPUs. */
static void fill_work(struct power *power, const struct adapter_config *config,
                      const struct llm *llm, const struct layout *layout)
{
    wide params = config->rank * all_sides(config, llm, layout->tp) * layout->tp;
    power->flops.token = wide_narrow(2 * params);
    power->bytes.step = wide_narrow(BYTES_PER_PARAM * params * layout->pp);
}

/* Picojoules of the time that compute units and memory would be busy: as in model/power.c. */
static void fill_energy(struct adapter *adapter, const struct accelerator *accelerator,
                        const struct layout *layout)
{
    double range = (double)(accelerator->tdp_mw - accelerator->idle_mw) *
                   (double)layout_gpus(layout);
    /* a token is in one stage at a time; all stages read, each for its micro-batch */
    double compute = range / (double)layout->pp *
                     (double)accelerator->compute_share_nano * nano * 1e-6;
    double memory = range * (double)accelerator->memory_share_nano * nano * 1e-6;
    adapter->power.pj.token = (int64_t)floor((double)adapter->token_fs * compute + 0.5);
    adapter->power.pj.step = (int64_t)floor((double)adapter->read_fs * memory + 0.5);
}

static int64_t not_hidden(int64_t fs, int64_t overlap_nano)
{
    return wide_narrow(
        wide_div_half_up((wide)fs * (1000000000 - overlap_nano), 1000000000));
}

int adapter_price_init(struct adapter *adapter, const struct adapter_config *config,
                       const struct cost_config *cost,
                       const struct accelerator *accelerator, const struct llm *llm,
                       const struct constants *constants, const struct layout *layout,
                       struct err *err)
{
    if (adapter->max_loras == 0) {
        return 0;
    }
    if (llm != NULL) {
        fill_work(&adapter->power, config, llm, layout);
    }
    if (cost->kind == COST_LINEAR) {
        adapter->is_linear = true;
        adapter->token_fs = config->token_fs;
        adapter->read_fs = config->adapter_fs;
        return 0;
    }
    CHECK(llm != NULL); /* only cost = linear does without */
    struct cost_rates rates = cost_rates_of(cost, accelerator, llm, constants, layout);
    /* of all stages one after the other, each as long as the largest */
    double params =
        (double)(config->rank * all_sides(config, llm, layout->tp)) * rates.stage_share;
    if (!cost_rates_fs(&rates, 2.0 * params / cost_rates_dense(&rates, PRECISION_BF16),
                       &adapter->token_fs) ||
        !cost_rates_fs(&rates, BYTES_PER_PARAM * params / rates.bytes_per_s,
                       &adapter->read_fs)) {
        return err_set(err, "[lora] rank: what an adapter costs is below half a "
                            "femtosecond or above 4000 s per unit");
    }
    adapter->hidden_fs = not_hidden(adapter->token_fs, constants->overlap_nano);
    adapter->hidden_read = not_hidden(adapter->read_fs, constants->overlap_nano);
    fill_energy(adapter, accelerator, layout);
    return 0;
}

void adapter_price(const struct adapter *adapter, const struct adapter_counts *counts,
                   int64_t n_batches, struct step_price *price)
{
    if (counts->n_tokens == 0) {
        return;
    }
    wide compute =
        wide_div_half_up((wide)adapter->token_fs * counts->n_tokens, n_batches);
    wide memory = (wide)adapter->read_fs * counts->n_adapters;
    if (!adapter->is_linear && compute >= memory) {
        memory = (wide)adapter->hidden_read * counts->n_adapters;
    } else if (!adapter->is_linear) {
        compute =
            wide_div_half_up((wide)adapter->hidden_fs * counts->n_tokens, n_batches);
    }
    price->fs[BOUND_COMPUTE] += compute;
    price->fs[BOUND_WEIGHT] += memory;
}

struct work adapter_work(const struct adapter_counts *counts)
{
    return (struct work){.tokens = counts->n_tokens, .steps = counts->n_adapters};
}
