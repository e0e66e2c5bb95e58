#include "study/textbook.h"

#include <math.h>
#include <stddef.h>

#include "study/crossover.h"

static const int64_t whole_nano = 1000000000;

static struct constants ideal(void)
{
    return (struct constants){
        .memory_efficiency_nano = whole_nano,
        .compute_efficiency_nano = whole_nano,
        .kv_efficiency_nano = whole_nano,
        .expert_memory_efficiency_nano = whole_nano,
        .mixed_attention_efficiency_nano = whole_nano,
        .attention_compute_efficiency_nano = whole_nano,
        .expert_compute_efficiency_nano = whole_nano,
        .fp8_compute_efficiency_nano = whole_nano,
        .fp4_compute_efficiency_nano = whole_nano,
        .link_efficiency_nano = whole_nano,
        .pcie_efficiency_nano = whole_nano,
        .overlap_nano = whole_nano,
        .attention_overlap_nano = whole_nano,
        .expert_overlap_nano = whole_nano,
        .expert_imbalance_nano = whole_nano,
    };
}

/* A hidden vector of one number keeps projections negligible, and the MLP takes what they
 * leave of the parameters. */
static struct llm model(const struct textbook *given)
{
    struct llm llm = {
        .n_layers = given->layers > 0 ? (int64_t)given->layers : 1,
        .hidden = 1,
        .mlp = LLM_PLAIN,
        .n_heads = given->heads > 0 ? (int64_t)given->heads : 1,
        .n_kv_heads = given->kv_heads > 0 ? (int64_t)given->kv_heads : 1,
        .head_dim = given->head_dim > 0 ? (int64_t)given->head_dim : 1,
        .vocab = 1,
        .tied_embeddings = 1,
        .moe_layer_step = 1,
        .attention_precision = PRECISION_SAME,
        .expert_precision = PRECISION_SAME,
        .compute_precision = PRECISION_SAME,
        .density_nano = whole_nano,
    };
    int64_t rest = (int64_t)given->params - llm_attention_params(&llm);
    llm.intermediate = rest > 0 ? rest / (2 * llm.n_layers) : 0;
    return llm;
}

struct accelerator textbook_gpu(double tflops, double tbytes)
{
    return (struct accelerator){
        .memory_bytes_per_s = (int64_t)(tbytes * 1e12 + 0.5),
        .bf16_flop_per_s = (int64_t)(tflops * 1e12 + 0.5),
        .sparse_speedup_nano = whole_nano,
        .link_bytes_per_s = whole_nano,
        .node_bytes_per_s = whole_nano,
        .gpus_per_node = 1,
    };
}

struct textbook_step textbook_decode(const struct roofline_convention *by,
                                     const struct textbook *given)
{
    const struct layout layout = {.tp = 1, .pp = 1, .dp = 1};
    const struct constants constants = ideal();
    struct llm plain = model(given);
    struct llm llm = roofline_convention_llm(by, &plain);
    int64_t batch = (int64_t)given->batch;
    int64_t context = (int64_t)given->context;
    struct power power = {0};
    power_init_work(&power, &llm, &constants, &layout);
    struct work flops = roofline_convention_flops(by, batch, context);
    struct work bytes = roofline_convention_bytes(by, batch, context);
    struct work weights = bytes;
    weights.decode_context = 0;
    struct textbook_step step = {
        .flops = (double)power_sum(&power.flops, &flops),
        .bytes = (double)power_sum(&power.bytes, &bytes),
        .weight_bytes = (double)power_sum(&power.bytes, &weights),
    };
    step.kv_bytes = step.bytes - step.weight_bytes;
    if (given->tbytes > 0) {
        struct accelerator sheet = textbook_gpu(given->tflops, given->tbytes);
        struct accelerator gpu = roofline_convention_gpu(by, &sheet);
        step.s = fmax(step.flops / (double)gpu.bf16_flop_per_s,
                      step.bytes / (double)gpu.memory_bytes_per_s);
    }
    return step;
}

double textbook_experts(int64_t experts, int64_t active, int64_t batch)
{
    const struct layout layout = {.tp = 1, .pp = 1, .dp = 1};
    const struct constants constants = ideal();
    const struct cost_config config = {.scale_nano = whole_nano};
    const struct accelerator gpu = textbook_gpu(1, 1);
    const struct textbook dense = {.params = 1e9};
    struct llm llm = model(&dense);
    llm.hidden = 1024;
    llm.n_experts = experts;
    llm.n_experts_active = active;
    llm.moe_intermediate = 1024;
    struct cost cost;
    struct err err;
    CHECK(cost_init(&cost, &config, &gpu, &llm, &constants, &layout, &err) == 0);
    struct step_counts counts = {.n_decodes = batch};
    double visited = (double)cost_expert_milli(&cost, &counts) / 1000;
    cost_free(&cost);
    return visited;
}

/* Two chips and a convention: tokens per dollar of one over the other's. */
struct pair {
    const struct roofline_convention *by;
    struct textbook one;
    struct textbook other;
};

/* Of a batch that need not be whole: FLOPs are proportional to it. */
static double tokens_per_usd(const struct roofline_convention *by,
                             const struct textbook *given, double batch)
{
    struct textbook one = *given;
    one.batch = 1;
    one.context = 0;
    struct textbook_step step = textbook_decode(by, &one);
    struct accelerator sheet = textbook_gpu(one.tflops, one.tbytes);
    struct accelerator gpu = roofline_convention_gpu(by, &sheet);
    double s = fmax(step.flops * batch / (double)gpu.bf16_flop_per_s,
                    step.bytes / (double)gpu.memory_bytes_per_s);
    return batch / s / one.usd_per_hour * 3600;
}

static double lead(double batch, void *state)
{
    const struct pair *pair = state;
    return log(tokens_per_usd(pair->by, &pair->one, batch) /
               tokens_per_usd(pair->by, &pair->other, batch));
}

double textbook_crossover(const struct roofline_convention *by,
                          const struct textbook *one, const struct textbook *other)
{
    struct pair pair = {.by = by, .one = *one, .other = *other};
    struct crossover crossover = {.lead = lead, .state = &pair};
    return crossover_find(&crossover, 1e6);
}
