#include "study/roofline_convention.h"

#include <string.h>

const struct roofline_convention roofline_convention_all[] = {
    {
        .name = "physics",
        .help = "weights once per step, KV per sequence, dense peaks: what runs use",
        .io_factor = 1,
    },
    {
        .name = "s002_weights",
        .help = "intensity of the weights alone: 2 x batch / bytes of a weight",
        .io_factor = 1,
        .weights_only = true,
    },
    {
        .name = "s002_q2",
        .help = "physics with 1-byte weights and 2-byte activations",
        .io_factor = 1,
    },
    {
        .name = "s003_intensity",
        .help = "sparse peaks, weights moved twice, one KV cache, no attention FLOPs",
        .sparse_peak = true,
        .io_factor = 2,
        .kv_once = true,
        .attn_flops = ROOFLINE_CONVENTION_NONE,
    },
    {
        .name = "s003_time",
        .help = "sparse peaks, weights once",
        .sparse_peak = true,
        .io_factor = 1,
        .kv_once = true,
        .attn_flops = ROOFLINE_CONVENTION_NONE,
    },
    {
        .name = "s003_mha",
        .help = "KV heads counted as query heads",
        .io_factor = 1,
        .query_heads = true,
    },
    {
        .name = "s000_replica",
        .help = "every stream has weights of its own",
        .io_factor = 1,
        .unshared = true,
    },
    {
        .name = "s000_product",
        .help = "gains multiplied as if they were independent",
        .io_factor = 1,
        .product = true,
    },
    {.name = NULL},
};

const struct roofline_convention *roofline_convention_find(const char *name)
{
    const struct roofline_convention *at = roofline_convention_all;
    while (at->name != NULL && strcmp(at->name, name) != 0) {
        at++;
    }
    return at->name != NULL ? at : NULL;
}

/* All rates twice: what data sheets print, whether or not the weights are sparse. */
struct accelerator roofline_convention_gpu(const struct roofline_convention *by,
                                           const struct accelerator *gpu)
{
    struct accelerator counted = *gpu;
    int64_t factor = by->sparse_peak ? 2 : 1;
    counted.bf16_flop_per_s *= factor;
    counted.fp8_flop_per_s *= factor;
    counted.int8_flop_per_s *= factor;
    counted.fp4_flop_per_s *= factor;
    return counted;
}

struct llm roofline_convention_llm(const struct roofline_convention *by,
                                   const struct llm *llm)
{
    struct llm counted = *llm;
    if (by->query_heads) {
        counted.n_kv_heads = llm->n_heads;
    }
    return counted;
}

struct work roofline_convention_flops(const struct roofline_convention *by,
                                      int64_t batch, int64_t context)
{
    struct work work = {.steps = 1,
                        .emitting_steps = 1,
                        .tokens = batch,
                        .emissions = batch,
                        .sequences = batch};
    if (by->attn_flops == ROOFLINE_CONVENTION_FULL) {
        work.decode_context = batch * context;
    } else if (by->attn_flops == ROOFLINE_CONVENTION_QK) {
        work.decode_context = batch * context / 2;
    }
    return work;
}

struct work roofline_convention_bytes(const struct roofline_convention *by,
                                      int64_t batch, int64_t context)
{
    int64_t reads = by->io_factor * (by->unshared ? batch : 1);
    struct work work = {.steps = reads, .emitting_steps = reads, .emissions = batch};
    if (!by->weights_only) {
        work.tokens = batch;
        work.sequences = batch;
        work.decode_context = by->kv_once ? context : batch * context;
    }
    return work;
}
