/* replica: one copy of the model: its queue, its running batch, its KV cache, its step.
 *
 * Between events a replica is idle or has a step in progress; while the batch cannot
 * change, a run of steps, a span (engine/span.h).
 *
 * A data-parallel rank with a scheduler of its own is a replica, too: engine/lockstep.h.
 *
 * Two ways to run a step: spans with the decoding group, and `--stepwise`, which visits
 * every sequence in every step (engine/stepwise.h).  What both share is here; where they
 * differ it says `if (replica->stepwise)`.
 */
#ifndef SERVESIM_ENGINE_REPLICA_H
#define SERVESIM_ENGINE_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "engine/batch.h"
#include "engine/draft.h"
#include "engine/fair.h"
#include "engine/forecast.h"
#include "engine/frontend.h"
#include "engine/group.h"
#include "engine/kv.h"
#include "engine/late.h"
#include "engine/leave.h"
#include "engine/life.h"
#include "engine/lora.h"
#include "engine/pool.h"
#include "engine/probe.h"
#include "engine/queue.h"
#include "engine/rank.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/slow.h"
#include "engine/swap.h"
#include "engine/tier.h"
#include "engine/transfer_side.h"

/* What a step gives one request outside the decoding group. */
struct replica_grant {
    struct request *request;
    int64_t tokens;
    bool decode;  /* output exists, one token is missing; others of it are drafted */
    bool emitted; /* at the end of the step: a token came out */
};

/* What a walk over steps of a span found: their sums, and how their durations fall into
 * the buckets of the histogram of gaps. */
enum { REPLICA_MOST_RUNS = 32 };

struct replica_walk {
    int64_t n_steps;
    int64_t sum_ns;
    int64_t last_ns; /* the last step's duration */
    int64_t
        stalled_ns; /* before the first step: the gap that it ends is longer by it */
    int64_t last_blocks; /* and the KV blocks in use in it */
    wide block_ns;
    /* Of the step after the last, if the walk stopped before that one. */
    int64_t next_fs;
    int64_t next_blocks;
    int32_t n_runs;
    int32_t buckets[REPLICA_MOST_RUNS];
    int64_t firsts[REPLICA_MOST_RUNS]; /* the first step in the bucket, of the walk's */
};

/* The step in progress and those that follow it without a decision. */
struct replica_span {
    int64_t start_ns;      /* of the step in progress */
    int64_t last_start_ns; /* of the last step */
    int64_t end_ns;        /* of the last step */
    int64_t steps_left;
    int64_t fs;          /* price of the step in progress; unused if it is alone */
    int64_t fs_per_step; /* what every step adds to it */
    bool limited;        /* its steps last as long as the limit of power says ... */
    wide limited_fs;     /* ... that much longer than one that is alone would without */
    bool alone;          /* one step, of end_ns - start_ns */
    bool foreseen;       /* `walk` is of all its steps, none of which is booked yet */
    struct replica_walk walk;
    int64_t decode_ns;           /* d0 of a step that is alone */
    struct step_counts counts;   /* of the step in progress */
    struct work drafting;        /* what was drafted in a step that is alone ... */
    struct work decode_drafting; /* ... and would be for its decodes alone */
    struct work adapting;        /* the same of LoRA adapters: adapter_work() */
    struct work decode_adapting;
    struct step_price price;      /* of a step that is alone */
    const struct cost_form *form; /* of others */
    struct cost_form own_form;    /* where `form` is not one that the pool keeps */
};

/* What steps did that a failure aborted: each quantity's part by then, rounded down. */
struct replica_aborted {
    wide pj;
    wide flops;
    wide bytes;
    wide prefill_tokens;
    wide decode_tokens;
};

/* Sums since the start of the run: everything that ends up in a file is one of these. */
struct replica_sums {
    struct work work; /* of the steps that have ended */
    struct work drafting;
    struct work dummies; /* of a rank in lockstep with others: for nobody */
    struct replica_aborted aborted;
    struct work adapting;
    wide busy_pj; /* these four follow from it: sums_at() works them out, */
    wide flops;   /* with the part of the step in progress */
    wide bytes;
    wide decode_tokens;
    wide busy_ns;
    wide bound_fs[N_BOUNDS];
    wide limited_fs; /* of these, what the limit of power added to compute */
    wide paid_ns;    /* these four of its life, likewise worked out */
    wide on_ns;
    wide starting_ns;
    wide failed_ns;
    wide held_ns; /* billed, as the terms of its price have it ... */
    wide usd_ns;  /* ... at this: ns x nano-dollars per hour */
    wide prefill_tokens;
    wide token_ns; /* tokens of the step in progress over time */
    wide block_ns; /* KV blocks in use over time */
    wide running_ns;
    wide waiting_ns;
};

/* Counts that need no time. */
struct replica_tally {
    int64_t n_preemptions;
    /* Thrown away by preemptions, less what was found again in the cache, which may be more:
     * others may have computed what a preempted request had not come to. */
    int64_t recomputed_tokens;
    int64_t discarded_tokens;  /* computed for requests that timed out */
    int64_t discarded_outputs; /* emitted to them */
    int64_t lost_tokens;       /* computed for requests that the replica failed under */
    int64_t lost_outputs;      /* emitted to them, if they start again or fail */
    int64_t broken_ns;         /* of lost_ns and lost_pj: by failures */
    wide broken_pj;
    int64_t n_failures;
    int64_t n_reclaims;
    int64_t n_lost_attempts; /* of requests that had been granted something */
    int64_t most_running;
    int64_t most_blocks;
    int64_t paid_ns;         /* replica time attributed to completed requests ... */
    int64_t lost_ns;         /* ... and to others */
    int64_t prefill_paid_ns; /* of paid_ns: computing prompts, */
    int64_t fetch_paid_ns;   /* and fetching */
    wide energy_pj;          /* the same of energy above idle */
    wide lost_pj;
    wide prefill_pj;        /* charged to tokens of prompts */
    int64_t straggled_ns;   /* busy, and waiting for a slower rank */
    int64_t dummy_ns;       /* busy with dummies */
    int64_t sequence_steps; /* stepwise only: sequences visited */
};

struct replica {
    const struct pool *pool;
    const struct batch_ops *ops;
    void *policy_state; /* of the discipline */
    const struct probe *probe;
    struct request_store *store;
    struct request_alive *alive;
    struct histogram *itl;   /* NULL: not wanted */
    const struct cost *cost; /* the pool's, or slower: engine/slow.h */
    struct cost_forms *forms;
    struct cost_forms *pool_forms;
    int64_t slow_nano;
    struct route_view *view;
    struct router *router;     /* that `view` is of */
    struct sim *sim;           /* that it belongs to */
    struct lockstep *lockstep; /* with other ranks; NULL: it steps alone */
    struct batch_limits limits;
    int32_t index;
    bool stepwise;
    struct life life;
    struct timer boot;         /* when it is ready: engine/boot.h */
    bool sleeps;               /* its GPUs serve several models: engine/sleep.h */
    int32_t place;             /* in its pool: 0, 1, 2 ... */
    int64_t usd_per_hour_nano; /* of the whole replica */
    struct replica *all;       /* of the run */

    struct frontend frontend;
    struct request_list arrived; /* and the scheduler has not seen them yet */
    struct queue queue;          /* it has seen these */
    struct order_settings order_settings;
    struct fair fair;
    bool has_hits; /* the queue's keys are hits: ORDER_MOST_HITS */
    struct rank rank;
    struct forecast forecast;
    struct swap swap;
    struct draft draft;
    struct lora lora;
    struct request_list running;
    /* Running, but not decoding with the group, in order of admission. */
    struct request **partials;
    int64_t n_partials;
    int64_t partial_room;
    /* In the group since a stall that is not over. */
    struct late_list late;
    /* Running, but their clients have left during this step. */
    struct request **given_up;
    int64_t n_given_up;
    int64_t given_up_room;
    struct group group;
    struct kv kv;
    struct tier tier; /* behind its prefix cache */
    struct leave_list leaving;
    struct transfer_side moving;
    int64_t n_admissions;
    int64_t most_span_ns; /* a span is no longer, so that blocks x ns fit 64 bits */

    /* The scheduler's looks at what has come: engine/look.h. */
    bool async;
    int64_t poll_steps;
    int64_t visible_until_ns; /* it knows those enqueued up to here */
    int64_t looked_at_step;   /* steps run before its last look */
    int64_t last_start_ns;    /* of the last step that has ended */

    bool busy;
    bool closed;        /* a newcomer could not join the steps of this span */
    bool divided;       /* the pots were divided for this plan */
    bool group_granted; /* in this plan, the decoding group has its tokens */
    int64_t budget;     /* while planning */
    int64_t n_preempted;
    int64_t n_yielded; /* of these, to make room for others */
    int64_t wake_ns;   /* a plan gave nothing: look again at the latest then */
    bool waited;       /* the plan before this one */
    struct replica_grant *grants;
    int64_t n_grants;
    int64_t grant_room;
    struct request **victims; /* of this plan, kept for the step probe only */
    int64_t victim_room;
    struct replica_span span;
    wide prefill_pot_ns; /* what prefill tokens are still to be charged: a remainder */
    wide prefill_pot_pj;

    int64_t changed_ns; /* until when running_ns and waiting_ns have been summed */
    struct replica_sums sums;
    struct replica_tally tally;
    int64_t n_steps;    /* planned */
    int64_t planned_ns; /* when the last plan was: its first step began then */
};

void replica_init(struct replica *replica, const struct pool *pool,
                  const struct batch_policy *policy, int32_t index, bool stepwise);
void replica_free(struct replica *replica);

/* Forgets what was there before it went off: caches, counters of its policies.  It must
 * be empty. */
void replica_reset(struct replica *replica);

/* The replica has a prefix cache from now on. */
void replica_know_prompts(struct replica *replica);

/* Puts a request that is through the front end at the end of the queue. */
void replica_enqueue(struct replica *replica, struct request *request, int64_t now_ns);

/* Plans and starts the next step of an idle replica with work; false if it has none, or if
 * nobody gets anything before wake_ns.
 * Afterwards span.end_ns says when.  No event before `horizon_ns` concerns the replica. */
bool replica_plan(struct replica *replica, int64_t now_ns, int64_t horizon_ns);

/* The two halves of it that ranks do together (engine/lockstep.h): what the step holds,
 * false if nothing; and that the one in `span` has begun. */
bool replica_plan_choose(struct replica *replica, int64_t now_ns);
void replica_plan_started(struct replica *replica, int64_t now_ns);

/* The last step of the span has ended: credits its tokens, lets finished requests go. */
void replica_end(struct replica *replica, int64_t now_ns);

/* Something happened at `now_ns` that the running steps could not foresee: cuts the span
 * at its first boundary at or after that; true if that is now and the replica is idle. */
bool replica_interrupt(struct replica *replica, int64_t now_ns);

/* The client of an unfinished request gives up: it leaves now, or, if a step is running,
 * at its end. */
void replica_give_up(struct replica *replica, struct request *request, int64_t now_ns);

/* The replica breaks down at `now_ns`, or is emptied at once: steps that have ended by then
 * count, the one in progress is aborted, and the time and energy it took are lost.  All that
 * the replica knew is forgotten.  Its requests come out, as waiting ones that hold nothing
 * but still say what they had: `all` has room for all who run or wait, and gets those whose
 * clients have not given up meanwhile; returns how many.  Those in the front end stay. */
int64_t replica_fail(struct replica *replica, int64_t now_ns, struct request **all);

/* Tokens of a request whose KV is in the cache, wherever the request is. */
static inline int64_t replica_computed(const struct replica *replica,
                                       const struct request *request)
{
    return group_computed(&replica->group, request);
}

/* Tokens that a step may hold. */
static inline int64_t replica_full_budget(const struct replica *replica)
{
    return replica->ops->unbudgeted ? BATCH_MOST_TOKENS
                                    : replica->limits.max_num_batched_tokens;
}

/* Requests that have arrived and do not run. */
static inline int64_t replica_n_waiting(const struct replica *replica)
{
    return replica->arrived.n + replica->queue.n + replica->swap.requests.n;
}

/* Puts a request in the queue, from outside or because it gave way; takes it out. */
void replica_queue(struct replica *replica, struct request *request, bool gave_way,
                   int64_t now_ns);
void replica_queue_leave(struct replica *replica, struct request *request);

/* The key of a request, waiting or running, in the queue's order. */
int64_t replica_order_key(const struct replica *replica, const struct request *request);

/* How many more tokens it may emit before that key grows. */
int64_t replica_order_left(const struct replica *replica,
                           const struct request *request);

/* Shared by the two ways to run a step. */

/* Tells the probe of the planned step, in the order of planning: what was granted in the
 * order of the running list (with `prompts_first` prompts, then decodes), then who was
 * preempted. */
void replica_tell_step(struct replica *replica);

/* Tells that the step in progress came to nothing at `now_ns`: rows of those it granted
 * something, with the tokens that were not computed. */
void replica_tell_abort(struct replica *replica, int64_t now_ns);

/* Divides the group's pots, once per plan at most while planning. */
void replica_divide(struct replica *replica);
void replica_divide_once(struct replica *replica);

/* A token comes out at `now_ns`: the first, or one after a gap of its own. */
void replica_emit(struct replica *replica, struct request *request, int64_t now_ns);

/* Closes a recomputation that has caught up. */
void replica_caught_up(struct request *request, int64_t now_ns);

/* With `padding`, tokens of the step's longest prompt, as which all are counted; else 0.
 * Counts a prompt of the step; padding adds up to no more than BATCH_MOST_TOKENS. */
int64_t replica_count_padded(const struct replica *replica);
void replica_count_chunk(const struct replica *replica,
                         const struct replica_grant *grant, int64_t padded_tokens,
                         struct step_counts *counts);

/* Charges the part of a step that its decodes do not explain to its prefill tokens. */
void replica_charge_prefill(struct replica *replica, int64_t rest_ns, wide rest_pj);

/* The running request leaves at `now_ns`: its blocks are free, its record is told. */
void replica_finish(struct replica *replica, struct request *request,
                    enum request_status status, int64_t now_ns);

/* Takes a request out of the queue or of those who run, with what it holds; its KV blocks
 * are free after replica_finish_blocks(), but for a batch whose blocks go together. */
void replica_finish_take_out(struct replica *replica, struct request *request,
                             int64_t now_ns);
void replica_finish_blocks(struct replica *replica);

/* At the end of a step: who was granted something decodes on, goes on elsewhere, or leaves
 * with all it asked for, but for members of the group; those whose client gave up leave. */
void replica_finish_grants(struct replica *replica, int64_t now_ns);

/* Whether the request, which has got its token of this step, is to get others here and is
 * made a member of the decoding group; or gets them from a replica that it is sent to.
 * Who came from another replica with its output may have been a member for the step. */
static inline bool replica_grant_joins(const struct replica_grant *grant)
{
    const struct request *request = grant->request;
    return grant->emitted && !request->decoding && !request->given_up &&
           request->n_emitted < request->output_tokens && !request->moves;
}

static inline bool replica_grant_moves(const struct replica *replica,
                                       const struct replica_grant *grant)
{
    const struct request *request = grant->request;
    return (grant->emitted || grant->decode) && !request->given_up &&
           batch_n_emitted(replica, request) < request->output_tokens && request->moves;
}

/* The decoding group, in either way. */
void replica_join(struct replica *replica, struct request *request);
void replica_leave(struct replica *replica, struct request *request, int64_t now_ns);

#endif
