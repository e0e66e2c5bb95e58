/* constants: what a serving engine adds to the data sheet.
 *
 * The handful of calibrated constants between the roofline and a real server, one INI
 * file per engine in configs/engines/ with its source; `ideal` has all efficiencies 1 and
 * no overheads.  They are printed, never hidden.  What each one does is in model/cost.h
 * and model/ledger.h.
 */
#ifndef SERVESIM_MODEL_CONSTANTS_H
#define SERVESIM_MODEL_CONSTANTS_H

#include <stdint.h>

#include "base/field.h"

struct constants {
    int64_t memory_efficiency_nano;
    int64_t compute_efficiency_nano;
    int64_t mixed_attention_efficiency_nano;
    int64_t link_efficiency_nano;
    int64_t knee_tokens;
    int64_t activation_traffic_nano;
    int64_t step_overhead_fs;
    int64_t layer_overhead_fs;    /* with one GPU */
    int64_t layer_overhead_tp_fs; /* with tensor parallelism */
    int64_t sequence_overhead_fs;
    int64_t allreduce_latency_fs;
    int64_t overlap_nano;
    int64_t frontend_ns;
    int64_t sampler_bytes_per_logit;
    int64_t runtime_bytes;
    const char *source;
};

extern const struct field_table constants_table;

#endif
