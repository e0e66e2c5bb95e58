/* lockstep: data-parallel ranks of one replica, which step together.
 *
 * With `data_parallel_mode = lockstep` every rank is a struct replica of its own: a queue,
 * a scheduler, KV blocks and a batch, and a candidate of the router, as behind vLLM's
 * `--data-parallel-size` with a front end per rank.  What they share is the experts: in
 * every MoE layer each waits for the tokens of all others.  So
 *
 *   - all ranks plan at the same instants: when their step has ended, or, while none has
 *     one, when any of them has something to do;
 *   - a step lasts as long as the rank that finds it longest (cost_price_rank(), with
 *     drafts, swaps and fetches of its own): one long prompt stalls the decodes of all;
 *   - a rank that plans nothing while another does runs a dummy batch: one token that
 *     attends to itself and is thrown away before the LM head, as vLLM's
 *     execute_dummy_batch().  That goes on until no rank has a step.  (A server looks only
 *     every 32 steps whether that is so and runs up to 31 more, which serve nobody and delay
 *     nobody: not done here.)
 *
 * Where layers wait for each other one by one a step is a sum of maxima, of which the
 * maximum of sums is a lower bound.
 *
 * Time that a rank waits for the slowest is `straggled`, and part of the step that its own
 * requests pay; the time and energy of dummies are paid by nobody: lost.  d0 of a mixed
 * step is what the decodes of all ranks would take alone, so a prompt elsewhere is a stall.
 * The energy of reading experts is split over ranks by tokens.  A dummy's token is none that
 * was computed, but FLOPs, bytes and joules of it are counted.
 *
 * A rank has tensor_parallel x pipeline_parallel GPUs; those of the ranks are all of the
 * replica's.  Whatever befalls one, failure or scaling, befalls all: lockstep_first() and
 * lockstep_n() say who they are.  They always run step by step.
 */
#ifndef SERVESIM_ENGINE_LOCKSTEP_H
#define SERVESIM_ENGINE_LOCKSTEP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/replica.h"
#include "engine/stepwise.h"

struct lockstep_rank {
    bool is_dummy; /* the step in progress: it computes for nobody */
    struct stepwise_step step;
    int64_t last_step_ns; /* of the last step that was none */
    int64_t own_ns;       /* how long it finds the step */
    int64_t expert_milli; /* its part of the experts that are read */
    int64_t decode_expert_milli;
};

struct lockstep {
    struct replica *ranks; /* the first: the others follow it */
    int32_t n;
    struct lockstep_rank *parts;
};

/* Ties `n` replicas, which stand one behind the other, together. */
void lockstep_init(struct lockstep *lockstep, struct replica *first, int32_t n);
void lockstep_free(struct lockstep *lockstep);

/* Plans and starts the next step of ranks of which none is busy; false if none has one.
 * Then each says for itself whether it wants to be asked again: wake_ns. */
bool lockstep_plan(struct lockstep *lockstep, int64_t now_ns);

/* Books the step of a rank that ran a dummy batch. */
void lockstep_book_dummy(struct replica *replica, int64_t duration_ns);

/* The rank's step in progress ends after `elapsed_ns`, and nothing of it counts; what was
 * counted of it when it began is put right.  All ranks of a replica fail at once. */
void lockstep_abort(struct replica *replica, int64_t elapsed_ns);

/* Whether the step in progress is one. */
static inline bool lockstep_is_dummy(const struct replica *replica)
{
    const struct lockstep *lockstep = replica->lockstep;
    return lockstep != NULL && replica->busy &&
           lockstep->parts[replica - lockstep->ranks].is_dummy;
}

/* How long the rank's last step took that was no dummy. */
int64_t lockstep_last_step_ns(const struct replica *replica);

/* Aborts if ranks are not in the same step, or in one of nobody. */
void lockstep_verify(const struct lockstep *lockstep);

/* The work of the step in progress, of its decodes alone, and of its dummy. */
struct work lockstep_work(const struct replica *replica);
struct work lockstep_decode_work(const struct replica *replica);
struct work lockstep_dummy_work(const struct replica *replica);

/* The index of the first of the ranks that step with this one, and how many they are; the
 * replica's own, and 1, if it steps alone. */
static inline int32_t lockstep_first(const struct replica *replica)
{
    const struct lockstep *lockstep = replica->lockstep;
    return lockstep != NULL ? lockstep->ranks->index : replica->index;
}

static inline int32_t lockstep_n(const struct replica *replica)
{
    return replica->lockstep != NULL ? replica->lockstep->n : 1;
}

#endif
