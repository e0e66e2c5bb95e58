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
#include <stddef.h>
#include <stdint.h>

#include "engine/order.h"
#include "engine/pool_scheduler.h"
#include "engine/request.h"

struct replica;

/* The greatest token budget of a step: that of disciplines which have none. */
enum { BATCH_MOST_TOKENS = 1000000000 };

struct batch_ops {
    const char *name;
    const char *help; /* one sentence */
    size_t
        state_size; /* of zeroed memory that the engine keeps for it: batch_state() */
    void (*plan)(struct replica *replica, int64_t now_ns);
    void (*plan_grouped)(struct replica *replica, int64_t now_ns); /* may be NULL */
    /* After a step of decodes only was planned: whether a request that arrives now could
     * not be admitted before one of the running ones finishes. NULL: it always could. */
    bool (*newcomer_waits)(const struct replica *replica);
    /* After such a step: how many steps, this one included, may run before the rule would
     * say something else though nobody came, left or lacked blocks; and the time, at whose
     * first step boundary it would. NULL: never. */
    int64_t (*steps_left)(const struct replica *replica);
    int64_t (*changes_at)(const struct replica *replica);
    /* Tokens that the step may still give to this request's prompt, if not what is left of
     * the budget. */
    int64_t (*room)(const struct replica *replica, const struct request *request);
    bool speculates; /* its decodes may carry drafted tokens */
    /* max_num_batched_tokens does not bound a step; BATCH_MOST_TOKENS does, so that sums of
     * a step fit 64 bits */
    bool unbudgeted;
    bool decodes_beyond_budget;   /* nor its decodes, but what is added to them */
    bool blocks_go_with_the_last; /* blocks are free when nobody runs any more */
    bool reserves; /* blocks for whole outputs: preempt = none, unless somebody says */
    bool whole_prompts; /* likewise enable_chunked_prefill = no */
    bool own_victims;   /* victim and preemptive_order mean nothing to it */
    bool prompts_first; /* steps are planned, and told, prompts first */
    bool wants_spare;   /* a prompt and its output are fewer tokens than there are */
    bool chunks;        /* knows `enable_chunked_prefill` */
    bool pads;          /* knows `padding` */
    bool adapts;        /* asks for batch_walk_has_slot() before it admits */
};

/* What decides about a pool's requests. */
struct batch_policy {
    const struct batch_ops *batching;
    const struct order_ops *order;
};

/* The limits of the replica's scheduler. */
struct batch_limits {
    int64_t max_num_seqs;
    int64_t max_num_batched_tokens;
    int64_t long_prefill_token_threshold; /* INT64_MAX: none */
    bool reserve_full_prompt;
};

const struct batch_limits *batch_limits(const struct replica *replica);

/* All keys of the scheduler; the discipline's own memory; steps run so far. */
const struct pool_scheduler *batch_settings(const struct replica *replica);
void *batch_state(const struct replica *replica);
int64_t batch_n_steps(const struct replica *replica);

/* How long the last of them took, if it was planned by itself: it held a prompt. */
int64_t batch_last_step_ns(const struct replica *replica);

/* The most tokens, prompt and output, that a request may have; INT64_MAX: no bound. */
int64_t batch_most_tokens(const struct replica *replica);

/* Tokens of the step's budget that are left, and KV blocks: free ones, all there are, and
 * those that admission leaves free (`watermark`). */
int64_t batch_budget(const struct replica *replica);
int64_t batch_spent(const struct replica *replica); /* granted in this step */
int64_t batch_free_blocks(const struct replica *replica);
int64_t batch_total_blocks(const struct replica *replica);
int64_t batch_watermark(const struct replica *replica);
int64_t batch_block_tokens(const struct replica *replica);

/* The running requests in the order of admission, and the first in order of the waiting
 * ones that the scheduler has seen (engine/look.h), or NULL. */
int64_t batch_n_running(const struct replica *replica);
struct request *batch_first_running(const struct replica *replica);
struct request *batch_last_running(const struct replica *replica);
struct request *batch_next(const struct request *request);
struct request *batch_first_waiting(const struct replica *replica);
int64_t batch_n_waiting(const struct replica *replica); /* in the queue */
int64_t batch_n_swapped(const struct replica *replica);

/* When the one of them arrived who arrived first; first come, first served only. */
int64_t batch_walk_oldest_ns(const struct replica *replica);

/* Tokens a request lacks before it emits its next one, and the free KV blocks that
 * `tokens` more of them need.  Of a waiting one's prompt, what is in the cache does not
 * lack; blocks of it that nobody holds count among those it needs. */
int64_t batch_missing(const struct replica *replica, const struct request *request);
int64_t batch_new_blocks(const struct replica *replica, const struct request *request,
                         int64_t tokens);

/* Tokens that may be drafted for a running request beside the one that it decodes: to be
 * granted with it.  0: none, or it does not decode. */
int64_t batch_drafts(const struct replica *replica, const struct request *request);

/* Gives a running request tokens in this step; false, and nothing done, if blocks lack. */
bool batch_grant(struct replica *replica, struct request *request, int64_t tokens,
                 int64_t now_ns);

/* Moves a waiting request to the end of the running ones and grants it tokens; false,
 * and nothing done, if blocks lack.  Blocks are taken for `room` tokens of those it lacks,
 * at least for what it is granted: batch_missing() for the whole prompt, batch_room() for
 * its output, too.  Where nobody is ever preempted (preempt = none) it is always that. */
bool batch_admit(struct replica *replica, struct request *request, int64_t tokens,
                 int64_t room, int64_t now_ns);

/* The same for one that was swapped out, which stands at the end afterwards. */
bool batch_resume(struct replica *replica, struct request *request, int64_t tokens,
                  int64_t now_ns);

/* For the engine: a request whose KV cache has come from another replica stands at the end
 * of the running ones, and is granted nothing yet. */
void batch_land(struct replica *replica, struct request *request);

/* Tokens that a waiting request lacks up to the most that it may ever have: its missing
 * ones and max_tokens, less the last, whose KV nobody needs. */
int64_t batch_room(const struct replica *replica, const struct request *request);

/* Output tokens of the request so far, and the most that its client lets it have. */
int64_t batch_n_emitted(const struct replica *replica, const struct request *request);
static inline int64_t batch_max_new(const struct request *request)
{
    return request->max_new_tokens;
}

/* Takes a running request's KV cache.  It waits again, to recompute, or is swapped out, as
 * `preempt` says.  Tokens that it was granted in this step go back to the budget. */
void batch_preempt(struct replica *replica, struct request *request, int64_t now_ns);

/* The same, to make room for a request that the order puts first: always to recompute, as
 * in vLLM v0, and not one of batch_n_preempted(). */
void batch_preempt_for_order(struct replica *replica, struct request *request,
                             int64_t now_ns);

/* How many get prefill tokens in this step, as far as it is planned. */
int64_t batch_n_prefills(const struct replica *replica);

/* Whether the queue is first come, first served. */
bool batch_is_fcfs(const struct replica *replica);

/* How many have been preempted in this step because blocks lacked. */
int64_t batch_n_preempted(const struct replica *replica);

/* What the plan has filled so far is in the prefix cache before anybody else takes blocks. */
void batch_walk_know(struct replica *replica);

/* The step is over before it began: nobody gets anything until `at_ns` at the latest. */
void batch_wait_until(struct replica *replica, int64_t at_ns);

/* To look at those who wait behind the first, in order: sets the first aside, so that the
 * next one is it.  Before the plan ends they are to be put back, from the first on: the one
 * that was, which may then be admitted; NULL if all are. */
void batch_walk_aside(struct replica *replica);
struct request *batch_walk_back(struct replica *replica);

/* Whether the adapter of the waiting request, which is about to be admitted, may be in the
 * batch beside those that are (engine/lora.h); else it is to be set aside. */
bool batch_walk_has_slot(struct replica *replica, struct request *request);

/* From now on the waiting request stands behind all that were not delayed. */
void batch_walk_delay(struct replica *replica, struct request *request);

/* A waiting request leaves unserved. */
void batch_shed(struct replica *replica, struct request *request, int64_t now_ns);

/* A running request that decodes gets nothing in this step: it is in the group no more. */
void batch_leave_out(struct replica *replica, struct request *request, int64_t now_ns);

/* Whether the first of the waiting was preempted after one token and shares its prompt:
 * all of that may be found in the cache, and then it decodes, or, once a block of it is
 * forgotten, has a prompt to compute.  Blocks that a plan takes may turn one into the
 * other, so that the next plan may admit whom this one did not. */
bool batch_may_turn(const struct replica *replica);

/* Whether what the request lacks is the token that it decodes next, not a prompt. */
bool batch_decodes(const struct replica *replica, const struct request *request);

/* For plan_grouped: the group that decodes in every step. */
int64_t batch_n_grouped(const struct replica *replica);
int64_t batch_group_new_blocks(const struct replica *replica); /* due in this step */
void batch_grant_group(struct replica *replica); /* one token to every member */

/* For plan_grouped: the running requests outside the group, in order of admission. */
int64_t batch_n_partial(const struct replica *replica);
struct request *batch_partial(const struct replica *replica, int64_t i);

#endif
