#include "engine/group.h"

#include <stdlib.h>

#include "base/memory.h"

void group_init(struct group *group, int64_t block_tokens, int64_t window_tokens)
{
    *group = (struct group){
        .block_tokens = block_tokens,
        .residue = memory_new((size_t)block_tokens, sizeof *group->residue),
        .window_tokens = window_tokens,
        .crossings = memory_new((size_t)window_tokens, sizeof *group->crossings),
    };
}

void group_free(struct group *group)
{
    free(group->residue);
    free(group->crossings);
    free(group->finishers);
    free(group->gaps);
}

static void heap_place(struct group *group, int64_t at, struct group_finisher entry)
{
    group->finishers[at] = entry;
    entry.request->heap_at = (int32_t)at;
}

static void heap_rise(struct group *group, int64_t at, struct group_finisher entry)
{
    while (at > 0) {
        int64_t parent = (at - 1) / 2;
        if (group->finishers[parent].last_step <= entry.last_step) {
            break;
        }
        heap_place(group, at, group->finishers[parent]);
        at = parent;
    }
    heap_place(group, at, entry);
}

static inline void heap_sink(struct group *group, int64_t at,
                             struct group_finisher entry)
{
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= group->n) {
            break;
        }
        if (child + 1 < group->n &&
            group->finishers[child + 1].last_step < group->finishers[child].last_step) {
            child++;
        }
        if (entry.last_step <= group->finishers[child].last_step) {
            break;
        }
        heap_place(group, at, group->finishers[child]);
        at = child;
    }
    heap_place(group, at, entry);
}

/* The class of a member with `computed` tokens: see group_due_residue(). */
static int64_t residue_of(const struct group *group, int64_t computed)
{
    int64_t residue = (computed - group->step) % group->block_tokens;
    return residue < 0 ? residue + group->block_tokens : residue;
}

/* The step at which a member with `computed` tokens attends to a full window. */
static int64_t crossing_of(const struct group *group, int64_t computed)
{
    return group->step + group->window_tokens - computed - 1;
}

static void join_window(struct group *group, int64_t computed)
{
    int64_t at = crossing_of(group, computed);
    if (at <= group->step) {
        group->window += group->window_tokens;
        return;
    }
    group->window += computed + 1;
    if (group->n_growing == 0 || at < group->next_crossing) {
        group->next_crossing = at;
    }
    group->n_growing++;
    group->crossings[at % group->window_tokens]++;
}

static void leave_window(struct group *group, int64_t computed)
{
    int64_t at = crossing_of(group, computed);
    if (at <= group->step) {
        group->window -= group->window_tokens;
        return;
    }
    group->window -= computed + 1;
    group->n_growing--;
    group->crossings[at % group->window_tokens]--;
}

/* Moves on; `step` passes no crossing but may reach one. */
static void advance_window(struct group *group, int64_t n_steps)
{
    group->window += n_steps * group->n_growing;
    if (group->n_growing == 0 || group->step < group->next_crossing) {
        return;
    }
    int64_t *crossing = &group->crossings[group->step % group->window_tokens];
    group->n_growing -= *crossing;
    *crossing = 0;
    if (group->n_growing > 0) { /* every step is looked at once */
        do {
            group->next_crossing++;
        } while (group->crossings[group->next_crossing % group->window_tokens] == 0);
    }
}

void group_settle_gaps(const struct group *group, struct request *request)
{
    request->gaps_from_step = group->step;
}

void group_settle_in(const struct group *group, struct request *request)
{
    group_settle_gaps(group, request);
    request->joined_decode_ns = group->decode_ns;
}

void group_join(struct group *group, struct request *request)
{
    if (group->n == group->finisher_room) {
        group->finisher_room = group->finisher_room * 2 + 64;
        group->finishers = memory_grow(group->finishers, (size_t)group->finisher_room,
                                       sizeof *group->finishers);
    }
    request->in_group = true;
    request->joined_step = group->step;
    request->joined_paid_ns = group->paid_ns;
    request->joined_energy_pj = group->energy_pj;
    group_settle_in(group, request);
    group->residue[residue_of(group, request->computed_tokens)] += !group->reserved;
    group->context += request->computed_tokens + 1;
    group->to_come += request->max_new_tokens - request->n_emitted;
    group->most_new = request->max_new_tokens > group->most_new || group->n == 0
                          ? request->max_new_tokens
                          : group->most_new;
    if (group->window_tokens > 0) {
        join_window(group, request->computed_tokens);
    }
    group->n_counted += request->counted;
    group->n++;
    struct group_finisher entry = {
        .last_step = group->step + request->output_tokens - request->n_emitted,
        .request = request,
    };
    if (request->first_answer_ns ==
        REQUEST_NEVER) { /* its answer begins no later than it ends */
        entry.last_step -= request->output_tokens - request->reasoning_tokens - 1;
    }
    heap_rise(group, group->n - 1, entry);
}

void group_note_answer(struct group *group, int64_t now_ns)
{
    struct group_finisher entry = group->finishers[0];
    struct request *request = entry.request;
    request->first_answer_ns = now_ns;
    entry.last_step += request->output_tokens - request->reasoning_tokens - 1;
    heap_sink(group, 0, entry);
}

/* The largest gap of the steps from `step` on. */
static int64_t largest_gap(const struct group *group, int64_t step)
{
    int64_t low = 0;
    int64_t high = group->n_gaps;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (group->gaps[middle].step < step) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < group->n_gaps ? group->gaps[low].gap_ns : 0;
}

static void heap_remove(struct group *group, int64_t at)
{
    struct group_finisher last = group->finishers[group->n];
    if (at == group->n) {
        return;
    }
    if (at > 0 && last.last_step < group->finishers[(at - 1) / 2].last_step) {
        heap_rise(group, at, last);
    } else {
        heap_sink(group, at, last);
    }
}

void group_leave(struct group *group, struct request *request)
{
    int64_t steps = group->step - request->joined_step;
    request->in_group = false;
    request->computed_tokens += steps;
    request->n_emitted += steps;
    request->paid_ns += wide_narrow(group->paid_ns - request->joined_paid_ns);
    request->energy_pj += group->energy_pj - request->joined_energy_pj;
    request->decode_ns += group->decode_ns - request->joined_decode_ns;
    int64_t gap_ns = largest_gap(group, request->gaps_from_step);
    if (gap_ns > request->max_gap_ns) {
        request->max_gap_ns = gap_ns;
    }
    group->residue[residue_of(group, request->computed_tokens)] -= !group->reserved;
    group->context -= request->computed_tokens + 1;
    group->to_come -= request->max_new_tokens - request->n_emitted;
    if (group->window_tokens > 0) {
        leave_window(group, request->computed_tokens);
    }
    group->n_counted -= request->counted;
    group->n--;
    heap_remove(group, request->heap_at);
    if (group->n == 0) {
        group->n_gaps = 0;
        group->stalled_ns = 0;
    }
}

void group_divide(struct group *group)
{
    if (group->n == 0) {
        return;
    }
    wide paid_ns = wide_div(group->paid_pot_ns, group->n);
    wide energy_pj = wide_div(group->energy_pot_pj, group->n);
    group->paid_ns += paid_ns;
    group->energy_pj += energy_pj;
    group->paid_pot_ns -= paid_ns * group->n;
    group->energy_pot_pj -= energy_pj * group->n;
}

static void push_gap(struct group *group, struct group_gap gap)
{
    while (group->n_gaps > 0 && group->gaps[group->n_gaps - 1].gap_ns <= gap.gap_ns) {
        group->n_gaps--;
    }
    if (group->n_gaps == group->gap_room) {
        group->gap_room = group->gap_room * 2 + 64;
        group->gaps =
            memory_grow(group->gaps, (size_t)group->gap_room, sizeof *group->gaps);
    }
    group->gaps[group->n_gaps++] = gap;
}

void group_stall(struct group *group, int64_t duration_ns)
{
    if (group->n > 0) {
        group->stalled_ns += duration_ns;
    }
}

void group_advance(struct group *group, int64_t n_steps, int64_t sum_ns, int64_t gap_ns)
{
    group->step += n_steps;
    group->context += n_steps * group->n;
    group->to_come -= n_steps * group->n;
    if (group->window_tokens > 0) {
        advance_window(group, n_steps);
    }
    group->decode_ns += sum_ns;
    group->stalled_ns = 0;
    push_gap(group, (struct group_gap){.step = group->step - 1, .gap_ns = gap_ns});
}
