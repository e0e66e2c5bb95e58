/* cost_rates: what the coefficients of a step's price are worked out from.
 *
 * The rates that kernels reach: the data sheet's, times the engine's efficiencies.  What
 * follows from them is in two files: the operation classes (cost_terms.c) and what takes
 * time whatever is computed (cost_overheads.c); cost_init() puts them together.
 */
#ifndef SERVESIM_MODEL_COST_RATES_H
#define SERVESIM_MODEL_COST_RATES_H

#include "model/cost.h"

struct cost_rates {
    const struct accelerator *gpu;
    const struct llm *llm;
    const struct constants *constants;
    const struct layout *layout;
    double scale;
    double bytes_per_s; /* attainable */
    double link_bytes_per_s;
    double stage_share; /* of all layers: those of the largest stage x stages */
};

struct cost_rates cost_rates_of(const struct cost_config *config,
                                const struct accelerator *accelerator,
                                const struct llm *llm,
                                const struct constants *constants,
                                const struct layout *layout);

/* Seconds as integer femtoseconds; false if something vanishes or does not fit. */
bool cost_rates_fs(const struct cost_rates *rates, double seconds, int64_t *fs);

/* Attainable FLOP/s of products in a precision; with weights of one, which may be sparse.
 * An efficiency of FP8 or FP4 counts where the chip has a rate of its own for it. */
double cost_rates_dense(const struct cost_rates *rates, enum precision products);
double cost_rates_flop_per_s(const struct cost_rates *rates, enum precision weights);

/* Work of the fullest GPU's experts over the mean. */
double cost_rates_imbalance(const struct cost_rates *rates);

/* All terms of a step that is run in `m` micro-batches; false as cost_rates_fs(). */
bool cost_terms_fill(struct cost *cost, const struct cost_rates *rates, int64_t m);

/* Overheads, and the network's latency. */
void cost_overheads_fill(struct cost *cost, const struct cost_rates *rates);

#endif
