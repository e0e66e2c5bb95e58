#include "engine/lockstep.h"

#include <stdlib.h>

#include "base/memory.h"

void lockstep_init(struct lockstep *lockstep, int64_t block_tokens)
{
    *lockstep = (struct lockstep){
        .block_tokens = block_tokens,
        .residue = memory_new((size_t)block_tokens, sizeof *lockstep->residue),
    };
}

void lockstep_free(struct lockstep *lockstep)
{
    free(lockstep->residue);
    free(lockstep->finishers);
    free(lockstep->gaps);
}

static void heap_place(struct lockstep *lockstep, int64_t at,
                       struct lockstep_finisher entry)
{
    lockstep->finishers[at] = entry;
    entry.request->heap_at = (int32_t)at;
}

static void heap_rise(struct lockstep *lockstep, int64_t at,
                      struct lockstep_finisher entry)
{
    while (at > 0) {
        int64_t parent = (at - 1) / 2;
        if (lockstep->finishers[parent].last_step <= entry.last_step) {
            break;
        }
        heap_place(lockstep, at, lockstep->finishers[parent]);
        at = parent;
    }
    heap_place(lockstep, at, entry);
}

static void heap_sink(struct lockstep *lockstep, int64_t at,
                      struct lockstep_finisher entry)
{
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= lockstep->n) {
            break;
        }
        if (child + 1 < lockstep->n && lockstep->finishers[child + 1].last_step <
                                           lockstep->finishers[child].last_step) {
            child++;
        }
        if (entry.last_step <= lockstep->finishers[child].last_step) {
            break;
        }
        heap_place(lockstep, at, lockstep->finishers[child]);
        at = child;
    }
    heap_place(lockstep, at, entry);
}

/* The class of a member with `computed` tokens: see lockstep_due_residue(). */
static int64_t residue_of(const struct lockstep *lockstep, int64_t computed)
{
    int64_t residue = (computed - lockstep->step) % lockstep->block_tokens;
    return residue < 0 ? residue + lockstep->block_tokens : residue;
}

void lockstep_settle_in(const struct lockstep *lockstep, struct request *request)
{
    request->gaps_from_step = lockstep->step;
    request->joined_decode_ns = lockstep->decode_ns;
}

void lockstep_join(struct lockstep *lockstep, struct request *request)
{
    if (lockstep->n == lockstep->finisher_room) {
        lockstep->finisher_room = lockstep->finisher_room * 2 + 64;
        lockstep->finishers =
            memory_grow(lockstep->finishers, (size_t)lockstep->finisher_room,
                        sizeof *lockstep->finishers);
    }
    request->in_lockstep = true;
    request->joined_step = lockstep->step;
    request->joined_paid_ns = lockstep->paid_ns;
    request->joined_energy_pj = lockstep->energy_pj;
    lockstep_settle_in(lockstep, request);
    lockstep->residue[residue_of(lockstep, request->computed_tokens)]++;
    lockstep->context += request->computed_tokens + 1;
    lockstep->n_counted += request->counted;
    lockstep->n++;
    struct lockstep_finisher entry = {
        .last_step = lockstep->step + request->output_tokens - request->n_emitted,
        .request = request,
    };
    heap_rise(lockstep, lockstep->n - 1, entry);
}

/* The largest gap of the steps from `step` on. */
static int64_t largest_gap(const struct lockstep *lockstep, int64_t step)
{
    int64_t low = 0;
    int64_t high = lockstep->n_gaps;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (lockstep->gaps[middle].step < step) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < lockstep->n_gaps ? lockstep->gaps[low].gap_ns : 0;
}

static void heap_remove(struct lockstep *lockstep, int64_t at)
{
    struct lockstep_finisher last = lockstep->finishers[lockstep->n];
    if (at == lockstep->n) {
        return;
    }
    if (at > 0 && last.last_step < lockstep->finishers[(at - 1) / 2].last_step) {
        heap_rise(lockstep, at, last);
    } else {
        heap_sink(lockstep, at, last);
    }
}

void lockstep_leave(struct lockstep *lockstep, struct request *request)
{
    int64_t steps = lockstep->step - request->joined_step;
    request->in_lockstep = false;
    request->computed_tokens += steps;
    request->n_emitted += steps;
    request->paid_ns += wide_narrow(lockstep->paid_ns - request->joined_paid_ns);
    request->energy_pj += lockstep->energy_pj - request->joined_energy_pj;
    request->decode_ns += lockstep->decode_ns - request->joined_decode_ns;
    int64_t gap_ns = largest_gap(lockstep, request->gaps_from_step);
    if (gap_ns > request->max_gap_ns) {
        request->max_gap_ns = gap_ns;
    }
    lockstep->residue[residue_of(lockstep, request->computed_tokens)]--;
    lockstep->context -= request->computed_tokens + 1;
    lockstep->n_counted -= request->counted;
    lockstep->n--;
    heap_remove(lockstep, request->heap_at);
    if (lockstep->n == 0) {
        lockstep->n_gaps = 0;
    }
}

void lockstep_divide(struct lockstep *lockstep)
{
    if (lockstep->n == 0) {
        return;
    }
    wide paid_ns = wide_div(lockstep->paid_pot_ns, lockstep->n);
    wide energy_pj = wide_div(lockstep->energy_pot_pj, lockstep->n);
    lockstep->paid_ns += paid_ns;
    lockstep->energy_pj += energy_pj;
    lockstep->paid_pot_ns -= paid_ns * lockstep->n;
    lockstep->energy_pot_pj -= energy_pj * lockstep->n;
}

static void push_gap(struct lockstep *lockstep, struct lockstep_gap gap)
{
    while (lockstep->n_gaps > 0 &&
           lockstep->gaps[lockstep->n_gaps - 1].gap_ns <= gap.gap_ns) {
        lockstep->n_gaps--;
    }
    if (lockstep->n_gaps == lockstep->gap_room) {
        lockstep->gap_room = lockstep->gap_room * 2 + 64;
        lockstep->gaps = memory_grow(lockstep->gaps, (size_t)lockstep->gap_room,
                                     sizeof *lockstep->gaps);
    }
    lockstep->gaps[lockstep->n_gaps++] = gap;
}

void lockstep_advance(struct lockstep *lockstep, int64_t n_steps, int64_t sum_ns,
                      int64_t gap_ns)
{
    lockstep->step += n_steps;
    lockstep->context += n_steps * lockstep->n;
    lockstep->decode_ns += sum_ns;
    push_gap(lockstep,
             (struct lockstep_gap){.step = lockstep->step - 1, .gap_ns = gap_ns});
}
