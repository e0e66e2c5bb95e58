/* batch: what a batching discipline sees and what it may do.
 *
 * Whenever a replica has finished a step and has work, its discipline plans the next one
 * with the verbs below: it grants tokens to running requests, preempts, admits.  Each
 * verb takes effect at once on the replica, is checked against every limit, and aborts
 * if the discipline broke one, so a policy's bug cannot corrupt a run.  A discipline
 * sees what a real server could: never how long an unfinished request's output will be.
 *
 * `plan` is the rule as the system's own scheduler has it, request by request.  It is all
 * a discipline needs.  Where most running requests decode in every step,
 * `plan_grouped` says the same thing without visiting them (the engine keeps them as one
 * group, engine/group.h), and lets steps that cannot differ be skipped over as one
 * span; `--stepwise` always uses `plan`, and a test compares the two.
 */
#ifndef SERVESIM_ENGINE_BATCH_H
#define SERVESIM_ENGINE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/request.h"

struct replica;

struct batch_ops {
    const char *name;
    const char *help; /* one sentence */
    void (*plan)(struct replica *replica, int64_t now_ns);
    void (*plan_grouped)(struct replica *replica, int64_t now_ns); /* may be NULL */
    /* After a step of decodes only was planned: whether a request that arrives now could
     * not be admitted before one of the running ones finishes. NULL: it always could. */
    bool (*newcomer_waits)(const struct replica *replica);
};

/* The limits of the replica's scheduler. */
struct batch_limits {
    int64_t max_num_seqs;
    int64_t max_num_batched_tokens;
    int64_t long_prefill_token_threshold; /* INT64_MAX: none */
    bool reserve_full_prompt;
};

const struct batch_limits *batch_limits(const struct replica *replica);

/* Tokens of the step's budget and KV blocks that are still free. */
int64_t batch_budget(const struct replica *replica);
int64_t batch_free_blocks(const struct replica *replica);

/* The running requests in the order of admission, and the first waiting one that the
 * scheduler has seen (engine/look.h), or NULL. */
int64_t batch_n_running(const struct replica *replica);
struct request *batch_first_running(const struct replica *replica);
struct request *batch_last_running(const struct replica *replica);
struct request *batch_next(const struct request *request);
struct request *batch_first_waiting(const struct replica *replica);

/* Tokens a request lacks before it emits its next one, and the free KV blocks that
 * `tokens` more of them need.  Of a waiting one's prompt, what is in the cache does not
 * lack; blocks of it that nobody holds count among those it needs. */
int64_t batch_missing(const struct replica *replica, const struct request *request);
int64_t batch_new_blocks(const struct replica *replica, const struct request *request,
                         int64_t tokens);

/* Gives a running request tokens in this step; false, and nothing done, if blocks lack. */
bool batch_grant(struct replica *replica, struct request *request, int64_t tokens,
                 int64_t now_ns);

/* Moves a waiting request to the end of the running ones and grants it tokens; false,
 * and nothing done, if blocks lack. */
bool batch_admit(struct replica *replica, struct request *request, int64_t tokens,
                 int64_t now_ns);

/* Takes a running request's KV cache and puts it at the head of the waiting ones, to
 * recompute.  Tokens that it was granted in this step go back to the budget, unless it got
 * them with batch_grant_group(): preempt first. */
void batch_preempt(struct replica *replica, struct request *request, int64_t now_ns);

/* How many have been preempted in this step. */
int64_t batch_n_preempted(const struct replica *replica);

/* Whether the first of the waiting was preempted after one token and shares its prompt:
 * all of that may be found in the cache, and then it decodes, or, once a block of it is
 * forgotten, has a prompt to compute.  Blocks that a plan takes may turn one into the
 * other, so that the next plan may admit whom this one did not. */
bool batch_may_turn(const struct replica *replica);

/* Tokens that a running or waiting request wants in this step: what it lacks, within the
 * threshold of long prompts. */
int64_t batch_serve_wanted(const struct replica *replica,
                           const struct request *request);

/* Gives all running requests what they want, in the order of admission and within the
 * budget; where KV blocks lack, the last admitted gives way, until the one that asked
 * does.  The second does the same without visiting the decoding group: for
 * plan_grouped. */
void batch_serve_each(struct replica *replica, int64_t now_ns);
void batch_serve_grouped(struct replica *replica, int64_t now_ns);

/* Whether what the request lacks is the token that it decodes next, not a prompt. */
bool batch_decodes(const struct replica *replica, const struct request *request);

/* For plan_grouped: the group that decodes in every step. */
int64_t batch_n_grouped(const struct replica *replica);
int64_t batch_group_new_blocks(const struct replica *replica); /* due in this step */
bool batch_is_due(const struct replica *replica, const struct request *request);
void batch_grant_group(struct replica *replica); /* one token to every member */

/* For plan_grouped: the running requests outside the group, in order of admission. */
int64_t batch_n_partial(const struct replica *replica);
struct request *batch_partial(const struct replica *replica, int64_t i);

#endif
