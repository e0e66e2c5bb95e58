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
 * An efficiency of FP8 or FP4 counts on units of their own; no precision is slower than
 * BF16. */
double cost_rates_dense(const struct cost_rates *rates, enum precision products);
double cost_rates_flop_per_s(const struct cost_rates *rates, enum precision weights);

/* Whether products in a precision run on units of their own: not where the chip has none,
 * or where they are slower than BF16's, to which engines then convert. */
bool cost_rates_own_units(const struct cost_rates *rates, enum precision products);

/* Attainable bytes/s of each of `gpus` GPUs to the others: inside a node over its link, and
 * across nodes, where the slower of the two counts, over `ports` ports. */
double cost_rates_link(const struct cost_rates *rates, int64_t gpus, int64_t ports);

/* Work of the fullest GPU's experts over the mean. */
double cost_rates_imbalance(const struct cost_rates *rates);

/* All terms of a step that is run in `m` micro-batches; false as cost_rates_fs(). */
bool cost_terms_fill(struct cost *cost, const struct cost_rates *rates, int64_t m);

/* Overheads, and the network's latency. */
void cost_overheads_fill(struct cost *cost, const struct cost_rates *rates);

#endif
