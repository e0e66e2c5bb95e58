/* roofline_convention: ways of counting that texts about serving use, by name.
 *
 * `physics` is what every step of a run is priced by: each weight read once per step, each
 * sequence's own KV cache, dense peaks.  The others reproduce what a text printed that
 * counts otherwise, so that its numbers can be compared; only `servesim roofline` knows
 * them, never the event loop.
 */
#ifndef SERVESIM_STUDY_ROOFLINE_CONVENTION_H
#define SERVESIM_STUDY_ROOFLINE_CONVENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "model/accelerator.h"
#include "model/llm.h"
#include "model/power.h"

enum roofline_convention_attention {
    ROOFLINE_CONVENTION_FULL, /* QK^T and AV */
    ROOFLINE_CONVENTION_QK,
    ROOFLINE_CONVENTION_NONE
};

struct roofline_convention {
    const char *name;
    const char *help;
    bool sparse_peak;  /* the data sheet's figure with 2:4 sparsity, on dense weights */
    int64_t io_factor; /* how often a step moves each weight */
    bool kv_once;      /* one KV cache, whatever the batch */
    int64_t attn_flops; /* enum roofline_convention_attention */
    bool query_heads;   /* the cache has as many heads as the query */
    bool weights_only;  /* intensity of the weights alone: no cache, no activations */
    bool unshared;      /* every stream reads its own copy of the weights */
    bool product;       /* gains that share a roof multiplied as if they did not */
};

/* All of them, physics first; the list ends with a NULL name. */
extern const struct roofline_convention roofline_convention_all[];

/* The convention of that name, or NULL. */
const struct roofline_convention *roofline_convention_find(const char *name);

/* The hardware and the model as the convention counts them. */
struct accelerator roofline_convention_gpu(const struct roofline_convention *by,
                                           const struct accelerator *gpu);
struct llm roofline_convention_llm(const struct roofline_convention *by,
                                   const struct llm *llm);

/* What of a step of decodes counts as FLOPs, and what as bytes: for power_sum(). */
struct work roofline_convention_flops(const struct roofline_convention *by,
                                      int64_t batch, int64_t context);
struct work roofline_convention_bytes(const struct roofline_convention *by,
                                      int64_t batch, int64_t context);

#endif
