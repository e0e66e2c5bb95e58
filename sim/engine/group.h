/* group: the sequences of a replica that decode in every step.
 *
 * Each step gives every member one token, so nothing about a member needs touching: what
 * a step adds to all of them is added to a few sums here, and a member takes its part,
 * the sum when it leaves less the sum when it joined, once.
 *
 *   n, context     how many members; the tokens they attend in the next step
 *   residue[r]     members whose computed tokens less `step` are r modulo block_tokens:
 *                  those with (r + step) % block_tokens == 0 need a block in the next step
 *   window, n_growing
 *                  the same as context within the window of window layers, and how many
 *                  members still grow there; crossings[s % window_tokens] of them stop
 *                  when `step` is s
 *   finishers      a heap of members by the step after which they are done, or, if they
 *                  still reason, after which the first token of their answer is there
 *   stalled        a step may pass the group over: the gap that the next one ends is longer
 *   decode_ns      sum of the steps' decode time
 *   paid, energy   a member's share of each step's cost: pots that are divided when the
 *                  membership changes (rules.md 12), with the remainder left in the pot
 *   gaps           a stack of (step, gap), gaps decreasing: the largest gap since a step
 *                  is the first entry at or after it
 */
#ifndef SERVESIM_ENGINE_GROUP_H
#define SERVESIM_ENGINE_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/wide.h"
#include "engine/request.h"

struct group_finisher {
    int64_t last_step; /* the member is due when `step` has reached this */
    struct request *request;
};

struct group_gap {
    int64_t step;
    int64_t gap_ns;
};

struct group {
    int64_t n;
    int64_t n_counted; /* members inside the measurement window */
    int64_t context;
    int64_t to_come;  /* tokens that members may still emit, all together */
    int64_t most_new; /* the most that one of them ever might, or more */
    int64_t step;
    int64_t block_tokens;
    int64_t *residue;
    bool reserved; /* members hold all blocks they will ever need: residues stay 0 */
    int64_t window_tokens; /* 0: no window layers */
    int64_t window;
    int64_t n_growing;
    int64_t *crossings;
    int64_t next_crossing; /* no crossing comes before this step */
    struct group_finisher *finishers;
    int64_t finisher_room;
    int64_t stalled_ns; /* steps since the last one that gave the members a token */
    int64_t decode_ns;
    wide paid_ns;
    wide energy_pj;
    wide paid_pot_ns;
    wide energy_pot_pj;
    struct group_gap *gaps;
    int64_t n_gaps;
    int64_t gap_room;
};

void group_init(struct group *group, int64_t block_tokens, int64_t window_tokens);
void group_free(struct group *group);

/* Makes a request a member from the next step on. */
void group_join(struct group *group, struct request *request);

/* Takes a member's decode time and gaps from the steps that come only: when it
 * joins, and after a step with which a recomputation ended. */
void group_settle_in(const struct group *group, struct request *request);

/* The member that is due next has got the first token of its answer. */
void group_note_answer(struct group *group, int64_t now_ns);

/* Brings the request's own counts up to date and takes it out. */
void group_leave(struct group *group, struct request *request);

/* Divides the pots among the members; before the membership changes. */
void group_divide(struct group *group);

/* A step of `duration_ns` passed the members over. */
void group_stall(struct group *group, int64_t duration_ns);

/* Takes the member's gaps from the steps that come only: it joined during a stall, or with
 * a token of its own, and the gap that has ended was its own. */
void group_settle_gaps(const struct group *group, struct request *request);

/* Takes `n_steps` steps that lasted `sum_ns` of decode time together, the longest gap of
 * which, `gap_ns`, is the last one's. */
void group_advance(struct group *group, int64_t n_steps, int64_t sum_ns,
                   int64_t gap_ns);

/* The member that is due next, or NULL. */
static inline struct request *group_next_due(const struct group *group)
{
    return group->n > 0 ? group->finishers[0].request : NULL;
}

/* Steps until then. */
static inline int64_t group_steps_left(const struct group *group)
{
    return group->finishers[0].last_step - group->step;
}

/* The first answer tokens of members that have come with the last step, at `now_ns`, are
 * noted, as long as such a member is due next: then whoever is due is done. */
static inline void group_note_answers(struct group *group, int64_t now_ns)
{
    while (group->n > 0 && group_steps_left(group) == 0 &&
           group->finishers[0].request->first_answer_ns == REQUEST_NEVER) {
        group_note_answer(group, now_ns);
    }
}

/* Steps until another member stops growing within the window, at least 1; INT64_MAX if
 * none grows. */
static inline int64_t group_steps_to_crossing(const struct group *group)
{
    return group->n_growing > 0 ? group->next_crossing - group->step : INT64_MAX;
}

/* The residue class that needs a block in the next step. */
static inline int64_t group_due_residue(const struct group *group)
{
    int64_t at = group->step % group->block_tokens;
    return at == 0 ? 0 : group->block_tokens - at;
}

/* KV blocks that the members need in the next step. */
static inline int64_t group_new_blocks(const struct group *group)
{
    return group->residue[group_due_residue(group)];
}

/* Computed and emitted tokens of any request, member or not. */
static inline int64_t group_computed(const struct group *group,
                                     const struct request *request)
{
    return request->computed_tokens +
           (request->in_group ? group->step - request->joined_step : 0);
}

#endif
