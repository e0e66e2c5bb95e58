/* accelerator: one GPU as its data sheet has it.
 *
 * Rates are dense: data sheets often print the figure with 2:4 sparsity, which is twice
 * as much (H100 BF16: 989.4 TFLOPS dense, 1,979 sparse).  Adding one is one INI file in
 * configs/accelerators/; the table below lists its keys.
 */
#ifndef SERVESIM_MODEL_ACCELERATOR_H
#define SERVESIM_MODEL_ACCELERATOR_H

#include <stdint.h>

#include "base/field.h"

struct accelerator {
    int64_t memory_bytes;
    int64_t memory_bytes_per_s;
    int64_t bf16_flop_per_s;  /* dense */
    int64_t link_bytes_per_s; /* one direction, to its peers in the node */
    int64_t idle_mw;
    int64_t tdp_mw;
    int64_t usd_per_hour_nano; /* per GPU */
    /* Shares (10^-9) of tdp - idle drawn while busy at all, at peak compute, at peak
     * memory bandwidth.  Their sum is at most 1, so no step draws more than TDP. */
    int64_t active_share_nano;
    int64_t compute_share_nano;
    int64_t memory_share_nano;
    const char *source;
};

extern const struct field_table accelerator_table;

/* FLOP per byte at which compute and memory take equally long: the ridge point of the
 * roofline (Williams et al., 2009). */
double accelerator_ridge(const struct accelerator *accelerator);

#endif
