/* sums: the integrals of a replica, at any moment.
 *
 * Steps are booked when they end; a moment in between counts floor(q x elapsed /
 * duration) of the step in progress, and what its end adds later is the rest (rules.md
 * 15).  State (running, waiting, blocks) is integrated in nanoseconds.
 */
#ifndef SERVESIM_ENGINE_SUMS_H
#define SERVESIM_ENGINE_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/replica.h"

/* Adds the time since the last change to the integrals of running and waiting requests;
 * before either changes. */
void sums_state(struct replica *replica, int64_t now_ns);

/* The replica's sums as of `at_ns`, which is not before anything that was booked. */
void sums_at(struct replica *replica, int64_t at_ns, struct replica_sums *sums);

/* KV blocks in use as of the replica's last step boundary at or before `now_ns`, with those
 * that the step which began there has taken.  The moment must not lie behind the first
 * plan of its instant. */
int64_t sums_used_blocks(struct replica *replica, int64_t now_ns);

/* Adds what the first `elapsed_ns` of the step in progress take, of all of them or until it
 * is aborted. */
void sums_step(const struct replica *replica, int64_t elapsed_ns,
               struct replica_sums *sums);

/* The step in progress is aborted at `now_ns`, all before it being booked: what it did by
 * then is booked, though it comes to nothing.  Returns its energy. */
wide sums_abort(struct replica *replica, int64_t now_ns);

/* Whether the replica's GPUs are paid for in that state of its life. */
bool sums_is_held(const struct replica *replica, enum life_state state);

/* Adds `more` to `sum`. */
void sums_add(struct replica_sums *sum, const struct replica_sums *more);

/* Adds the time of `n_steps` steps of the span by what it is bound by.  `context` and
 * `window` are the sums of what they attend to. */
static inline void sums_bounds(wide bound_fs[N_BOUNDS], const struct replica_span *span,
                               int64_t n_steps, int64_t context, int64_t window)
{
    if (span->alone) {
        for (int i = 0; i < N_BOUNDS; i++) {
            bound_fs[i] += span->price.fs[i];
        }
        return;
    }
    const struct cost_form *form = span->form;
    for (int i = 0; i < N_BOUNDS; i++) { /* span_plan() saw to it that these fit */
        bound_fs[i] += (wide)(int64_t)form->at.fs[i] * n_steps;
    }
    int64_t more = context - form->context * n_steps;
    int64_t more_window = window - form->window * n_steps;
    bound_fs[BOUND_COMPUTE] += (wide)form->slope.compute_fs * more +
                               (wide)form->window_slope.compute_fs * more_window;
    bound_fs[BOUND_KV] += (wide)form->slope.memory_fs * more +
                          (wide)form->window_slope.memory_fs * more_window;
}

#endif
