/* power: the energy of a step, in picojoules, as an integer form of its counts.
 *
 *   E = busy_mw x duration + sum over counts of coefficient x count      (1 mW x 1 ns = 1 pJ)
 *
 * While a step runs, a GPU draws idle + (tdp - idle) x (active + compute x c + memory x m)
 * where c and m are the shares of the step for which its compute units and its memory
 * would be busy at the rates they reach.  c and m are at most 1 and the three shares sum
 * to at most 1, so a step never draws more than TDP.  The shares are not calibrated.
 * With cost = linear there is no telling what a step does: it draws TDP.
 */
#ifndef SERVESIM_MODEL_POWER_H
#define SERVESIM_MODEL_POWER_H

#include <stdint.h>

#include "base/wide.h"
#include "model/accelerator.h"
#include "model/constants.h"
#include "model/cost.h"
#include "model/llm.h"

struct power {
    int64_t idle_mw; /* of the whole replica */
    int64_t busy_mw; /* while a step runs, before what its counts add */
    int64_t step_pj; /* weights read once a step */
    int64_t emitting_step_pj;
    int64_t token_pj;
    int64_t emission_pj;
    int64_t pair_pj;
    int64_t context_pj;
};

/* Sums of a step's counts, or of many steps', on which energy, FLOPs and bytes depend. */
struct work {
    int64_t steps;
    int64_t emitting_steps;
    int64_t tokens;
    int64_t emissions;
    wide pairs;   /* decode context + prefill pairs */
    wide context; /* decode context + prefill context */
};

/* The coefficients of a replica of `tp` GPUs. */
void power_init(struct power *power, const struct cost *cost,
                const struct accelerator *accelerator, int64_t tp);

/* The work of one step. */
struct work power_work(const struct step_counts *counts);

/* Adds `more` to `sum`. */
void power_work_add(struct work *sum, const struct work *more);

/* Picojoules of `work` that took `busy_ns`. */
wide power_energy_pj(const struct power *power, const struct work *work, wide busy_ns);

/* FLOPs of `work`, over all GPUs of the replica (2 per weight and token, 4 H d L a pair). */
wide power_flops(const struct llm *llm, const struct work *work);

/* Bytes of `work`, over all GPUs of the replica. */
wide power_bytes(const struct llm *llm, const struct constants *constants, int64_t tp,
                 const struct work *work);

#endif
