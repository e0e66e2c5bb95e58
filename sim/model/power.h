/* power: what steps do, as sums of their counts, and the FLOPs, bytes and energy of it.
 *
 *   E = busy_mw x duration + sum over counts of coefficient x count      (1 mW x 1 ns = 1 pJ)
 *
 * While a step runs, a GPU draws idle + (tdp - idle) x (active + compute x c + memory x m)
 * where c and m are the shares of the step for which its compute units and its memory
 * would be busy at the rates they reach.  c and m are at most 1 and the three shares sum
 * to at most 1, so a step never draws more than TDP.  The shares are not calibrated.
 * With cost = linear there is no telling what a step does: it draws TDP.
 *
 * A limit on power (model/meter.h) is a least duration that is a form of the counts, too.
 */
#ifndef SERVESIM_MODEL_POWER_H
#define SERVESIM_MODEL_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"
#include "model/accelerator.h"
#include "model/constants.h"
#include "model/cost.h"
#include "model/layout.h"
#include "model/llm.h"

/* Sums of a step's counts, or of many steps', on which energy, FLOPs and bytes depend. */
struct work {
    int64_t steps;
    int64_t emitting_steps;
    int64_t tokens;
    int64_t padding_tokens; /* among these */
    int64_t emissions;      /* those of drafted tokens, too: the head reads them all */
    int64_t sequences;      /* decodes and chunks */
    wide decode_context;
    wide decode_window;
    wide prefill_pairs;
    wide prefill_context;
    wide window_pairs;
    wide window_context;
    wide expert_milli; /* distinct experts of a MoE layer that were read, in 10^-3 */
    wide draft_pairs;  /* of drafted tokens, beyond one per token of context */
    wide draft_window_pairs;
};

/* What one unit of each count takes. */
struct power_weights {
    int64_t step;
    int64_t emitting_step;
    int64_t token;
    int64_t emission;
    int64_t sequence;
    int64_t decode_context;
    int64_t decode_window;
    int64_t prefill_pair;
    int64_t prefill_context;
    int64_t window_pair;
    int64_t window_context;
    int64_t expert_milli; /* all MoE layers' share of it */
    int64_t draft_pair;
    int64_t draft_window_pair;
};

struct power {
    int64_t idle_mw;      /* of the whole replica or rank, its share of the host too */
    int64_t busy_mw;      /* while a step runs, before what its counts add */
    int64_t host_idle_mw; /* the host's share of idle_mw ... */
    int64_t host_active_mw; /* ... which is also in busy_mw, with this */
    struct power_weights pj;
    bool limited;
    struct power_weights least_fs; /* shortest time at the limit of power */
    struct power_weights flops;    /* over all its GPUs */
    struct power_weights bytes;
};

/* The coefficients of a replica, or of one of its ranks if they have a scheduler each: then
 * what a step takes, whatever is in it, is a rank's share.  `llm` and `constants` are read only for COST_ROOFLINE. */
void power_init(struct power *power, const struct cost *cost,
                const struct accelerator *accelerator, const struct llm *llm,
                const struct constants *constants, const struct layout *layout);

/* FLOPs and bytes alone: where hardware is known but steps are priced otherwise. */
void power_init_work(struct power *power, const struct llm *llm,
                     const struct constants *constants, const struct layout *layout);

/* Work must take so long that its energy is drawn at no more than `room_mw`.  False if
 * that is beyond reason: half an hour for a single step. */
bool power_limit(struct power *power, int64_t room_mw);

/* The rate that MFU is a share of: the fastest that any of the model's products has on the
 * data sheet, so that no step is above 1. */
int64_t power_peak_flop_per_s(const struct accelerator *accelerator,
                              const struct llm *llm);

/* These are inline: of counts that fit 64 bits, one short multiplication each is left. */

/* The work of `n_steps` steps that are alike, whose counts sum to `counts`. */
static inline struct work power_work_of(const struct step_counts *counts,
                                        int64_t n_steps, int64_t expert_milli)
{
    return (struct work){
        .steps = n_steps,
        .emitting_steps = counts->n_emitting > 0 ? n_steps : 0,
        .tokens = counts->n_decodes + counts->draft_tokens + counts->prefill_tokens,
        .padding_tokens = counts->padding_tokens,
        .emissions = counts->n_emitting + counts->draft_tokens,
        .sequences = counts->n_decodes + counts->n_chunks,
        .decode_context = counts->decode_context,
        .decode_window = counts->decode_window,
        .prefill_pairs = counts->prefill_pairs,
        .prefill_context = counts->prefill_context,
        .window_pairs = counts->window_pairs,
        .window_context = counts->window_context,
        .expert_milli = expert_milli,
        .draft_pairs = counts->draft_pairs,
        .draft_window_pairs = counts->draft_window_pairs,
    };
}

/* The work of one step. */
static inline struct work power_work(const struct cost *cost,
                                     const struct step_counts *counts)
{
    return power_work_of(counts, 1, cost_expert_milli(cost, counts));
}

/* Adds `more` to `sum`. */
static inline void power_work_add(struct work *sum, const struct work *more)
{
    sum->steps += more->steps;
    sum->emitting_steps += more->emitting_steps;
    sum->tokens += more->tokens;
    sum->emissions += more->emissions;
    sum->sequences += more->sequences;
    sum->decode_context += more->decode_context;
    sum->decode_window += more->decode_window;
    sum->expert_milli += more->expert_milli;
    if (more->prefill_pairs != 0) { /* whatever has chunks has these */
        sum->padding_tokens += more->padding_tokens;
        sum->prefill_pairs += more->prefill_pairs;
        sum->prefill_context += more->prefill_context;
        sum->window_pairs += more->window_pairs;
        sum->window_context += more->window_context;
    }
    if (more->draft_pairs != 0) {
        sum->draft_pairs += more->draft_pairs;
        sum->draft_window_pairs += more->draft_window_pairs;
    }
}

/* Sum over the counts of weight x count. */
static inline wide power_sum(const struct power_weights *weights,
                             const struct work *work)
{
    wide sum = (wide)weights->step * work->steps +
               (wide)weights->emitting_step * work->emitting_steps +
               (wide)weights->token * work->tokens +
               (wide)weights->emission * work->emissions +
               (wide)weights->sequence * work->sequences +
               weights->decode_context * work->decode_context;
    if (work->prefill_pairs != 0) {
        sum += weights->prefill_pair * work->prefill_pairs +
               weights->prefill_context * work->prefill_context;
    }
    if (work->decode_window != 0 || work->window_pairs != 0) {
        sum += weights->decode_window * work->decode_window +
               weights->window_pair * work->window_pairs +
               weights->window_context * work->window_context;
    }
    if (work->expert_milli != 0) {
        sum += weights->expert_milli * work->expert_milli;
    }
    if (work->draft_pairs != 0) {
        sum += weights->draft_pair * work->draft_pairs +
               weights->draft_window_pair * work->draft_window_pairs;
    }
    return sum;
}

/* Picojoules of `work` that took `busy_ns`. */
static inline wide power_energy_pj(const struct power *power, const struct work *work,
                                   wide busy_ns)
{
    return power->busy_mw * busy_ns + power_sum(&power->pj, work);
}

#endif
