/* accelerator: one GPU, or another chip that serves, as its data sheet has it.
 *
 * Rates are dense: data sheets often print the figure with 2:4 sparsity, which is twice
 * as much (H100 BF16: 989.4 TFLOPS dense, 1,979 sparse; E1 and E2 of the errata).  A rate
 * of 0 means that the chip has no such units: kernels then convert to BF16
 * (accelerator_flop_per_s).  Adding one is one INI file in configs/accelerators/; the
 * table below lists its keys.
 */
#ifndef SERVESIM_MODEL_ACCELERATOR_H
#define SERVESIM_MODEL_ACCELERATOR_H

#include <stdint.h>

#include "base/field.h"
#include "model/precision.h"

/* How the GPUs of a node reach each other. */
enum accelerator_link { ACCELERATOR_FABRIC, ACCELERATOR_PCIE };

struct accelerator {
    int64_t memory_bytes;
    int64_t memory_bytes_per_s;
    int64_t bf16_flop_per_s; /* dense, as are the others */
    int64_t fp8_flop_per_s;
    int64_t int8_flop_per_s;
    int64_t fp4_flop_per_s;
    int64_t sparse_speedup_nano; /* on weights with 2:4 sparsity; 10^9: none */
    int64_t link;                /* enum accelerator_link */
    int64_t link_bytes_per_s;    /* one direction, to its peers in the node */
    int64_t node_bytes_per_s;    /* one direction, to GPUs of other nodes */
    int64_t gpus_per_node;
    int64_t idle_mw;
    int64_t tdp_mw;
    int64_t usd_per_hour_nano; /* per GPU, as are the others; 0: not known */
    int64_t usd_per_hour_reserved_nano;
    int64_t usd_per_hour_spot_nano;
    int64_t capex_usd_nano;
    /* Shares (10^-9) of tdp - idle drawn while busy at all, at peak compute, at peak
     * memory bandwidth.  Their sum is at most 1, so no step draws more than TDP.  Nobody
     * has calibrated them: power_uncertainty is a judgement, not a statistic. */
    int64_t active_share_nano;
    int64_t compute_share_nano;
    int64_t memory_share_nano;
    int64_t power_uncertainty_nano; /* of energy, either way */
    const char *power_source;
    const char *price_source;
    const char *reserved_source;
    const char *spot_source;
    const char *capex_source;
    const char *source;
    int64_t confidence;
    int64_t release_year;
};

extern const struct field_table accelerator_table;

/* The dense rate at which products of that precision run: the chip's own for it, or the
 * BF16 rate if it has none; int4 always at the BF16 rate, being a format of weights. */
int64_t accelerator_flop_per_s(const struct accelerator *accelerator,
                               enum precision precision);

/* FLOP per byte at which compute and memory take equally long: the ridge point of the
 * roofline (Williams et al., 2009).  H100 in BF16: 295 (worked_examples 002 and 003). */
double accelerator_ridge(const struct accelerator *accelerator,
                         enum precision precision);

#endif
