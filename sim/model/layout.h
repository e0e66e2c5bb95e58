/* layout: how one replica of a model is spread over GPUs.
 *
 * A replica has tensor_parallel x pipeline_parallel x data_parallel GPUs.  Tensor
 * parallelism splits every matrix; pipeline stages hold ceil(layers / stages) layers;
 * attention data parallelism repeats the attention weights and splits the requests: in
 * equal shares, if the ranks are taken to be balanced, which real ones only nearly are, or
 * as it happens, if they are schedulers of their own that step together (`lockstep`,
 * engine/lockstep.h).  Routed experts are spread over all GPUs of a stage; with
 * expert_parallel whole experts are, and tokens travel to them.
 */
#ifndef SERVESIM_MODEL_LAYOUT_H
#define SERVESIM_MODEL_LAYOUT_H

#include <stdint.h>

enum { LAYOUT_MOST_STAGES = 16 };

struct layout {
    int64_t tp;
    int64_t pp;
    int64_t dp;
    int64_t expert_parallel; /* 0 or 1 */
    int64_t lockstep;        /* 0 or 1: data-parallel ranks have a scheduler each */
};

static inline int64_t layout_gpus(const struct layout *layout)
{
    return layout->tp * layout->pp * layout->dp;
}

/* Schedulers of a replica, and the GPUs that one of them has to itself. */
static inline int64_t layout_ranks(const struct layout *layout)
{
    return layout->lockstep != 0 ? layout->dp : 1;
}

static inline int64_t layout_rank_gpus(const struct layout *layout)
{
    return layout_gpus(layout) / layout_ranks(layout);
}

/* Of one pipeline stage. */
static inline int64_t layout_stage_gpus(const struct layout *layout)
{
    return layout->tp * layout->dp;
}

#endif
