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

enum constants_kernel { CONSTANTS_FLASH, CONSTANTS_NAIVE, CONSTANTS_MINIMAL };

struct constants {
    int64_t memory_efficiency_nano;
    int64_t kv_efficiency_nano;              /* of memory_efficiency */
    int64_t expert_memory_efficiency_nano;   /* of memory_efficiency */
    int64_t mixed_attention_efficiency_nano; /* of kv_efficiency */
    int64_t compute_efficiency_nano;
    int64_t attention_compute_efficiency_nano; /* of compute_efficiency, as below */
    int64_t expert_compute_efficiency_nano;
    int64_t fp8_compute_efficiency_nano;
    int64_t fp4_compute_efficiency_nano;
    int64_t link_efficiency_nano;
    int64_t pcie_efficiency_nano;
    int64_t overlap_nano;
    int64_t attention_overlap_nano;
    int64_t expert_overlap_nano;
    int64_t network_overlap_nano;
    int64_t knee_tokens;
    int64_t activation_traffic_nano;
    int64_t expert_activation_traffic_nano;
    int64_t expert_imbalance_nano;
    int64_t step_overhead_fs;
    int64_t layer_overhead_fs;
    int64_t compound_layer_overhead_fs; /* of MLA, of linear layers, of an indexer */
    int64_t quantised_layer_overhead_fs;
    int64_t moe_layer_overhead_fs;
    int64_t unfused_moe_overhead_fs;
    int64_t prefill_overhead_fs;          /* per step with prefill */
    int64_t compound_prefill_overhead_fs; /* and per such layer */
    int64_t moe_prefill_overhead_fs;      /* and per MoE layer */
    int64_t sequence_overhead_fs;
    int64_t allreduce_latency_fs;
    int64_t allreduce_doubling_fs;
    int64_t alltoall_latency_fs;
    int64_t attention_kernel; /* enum constants_kernel */
    int64_t frontend_ns;
    int64_t frontend_request_ns;
    int64_t frontend_token_fs;
    int64_t async_scheduling; /* 0 or 1 */
    int64_t poll_steps;
    int64_t sampler_bytes_per_logit;
    int64_t runtime_bytes;
    int64_t
        tpot_sd_nano; /* of the log of measured over predicted, another deployment */
    int64_t ttft_sd_nano;
    const char *source;
};

extern const struct field_table constants_table;

#endif
