/* request: one request on its way through the fleet.
 *
 * A request waits, runs (its tokens are computed chunk by chunk, then it decodes), may be
 * preempted back to waiting, and leaves.  While it decodes in step with others its counts
 * stand still here and are brought up to date when it leaves them (engine/group.h).
 *
 * Tokens: `computed` of its prompt_tokens + n_emitted have their KV in the cache.  When
 * the two are equal at the end of a step, the step emits the next output token.
 */
#ifndef SERVESIM_ENGINE_REQUEST_H
#define SERVESIM_ENGINE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/wide.h"
#include "engine/prefix_chain.h"
#include "engine/timer.h"

enum request_status {
    REQUEST_COMPLETED,
    REQUEST_REJECTED,
    REQUEST_TIMED_OUT,
    REQUEST_SHED,
    REQUEST_FAILED,
    N_REQUEST_STATUSES
};

/* "completed", "rejected", "timed_out", "shed" or "failed". */
const char *request_status_name(enum request_status status);

/* Why a request did not complete. */
enum request_reason {
    REASON_NONE,
    REASON_UNSERVABLE,     /* no replica could ever serve it */
    REASON_UNKNOWN_MODEL,  /* nobody serves the model that it names */
    REASON_CLIENT_TIMEOUT, /* its client gave up */
    REASON_QUEUE_FULL,     /* too many waited */
    REASON_QUEUE_TIMEOUT,  /* its scheduler let nobody wait that long */
    REASON_RATE_LIMIT,
    REASON_TOKEN_LIMIT,
    REASON_PRIORITY, /* others of higher priority had to be served */
    REASON_DEADLINE, /* it would have been late */
    REASON_NO_CAPACITY,
    REASON_REPLICA_FAILED,
    REASON_RECLAIMED,
    REASON_RETRIES, /* it was sent again as often as may be */
    N_REQUEST_REASONS
};

/* "", "unservable", "unknown_model" ... */
const char *request_reason_name(enum request_reason reason);

/* Swapped out: it waits with its KV cache in host memory (engine/swap.h). */
enum request_place {
    REQUEST_WAITING,
    REQUEST_RUNNING,
    REQUEST_SWAPPED,
    REQUEST_FRONTEND, /* of its replica: engine/frontend.h */
    REQUEST_HELD,     /* at the gateway: no replica could take it */
    REQUEST_AWAY,     /* it is sent again later */
    REQUEST_MOVING,   /* its KV cache goes to another replica: engine/transfer.h */
    REQUEST_LANDED,   /* it is there, and the replica's next plan has not been */
};

struct transfer;

enum { REQUEST_NEVER = -1 };

struct request {
    int32_t id; /* 0, 1, 2 ... in trace order */
    int32_t replica;
    enum request_place place;
    bool in_group; /* its counts are the group's: engine/group.h */
    bool decoding; /* in the decoding group, in either way to run a step */
    bool counted;  /* inside the measurement window */
    bool late;     /* it joined the group in a stall: its next gap is its own */
    bool given_up; /* its client timed out while a step was running */
    bool queued;   /* waiting, and in the queue: its scheduler has seen it */
    bool delayed;  /* and behind all others: queue_delay() */
    bool skipped;  /* once, because its adapter had no slot: engine/lora.h */
    bool granted;  /* something, in this attempt */
    bool retried;  /* after a failure */
    bool migrated;
    struct request *next; /* in the list where it waits or runs */
    struct request *before;
    struct request *next_alive; /* in the list of those whose clients may time out */
    struct request *before_alive;
    bool is_alive;      /* is in that list */
    char *labels;       /* of the trace row, malloc'ed; NULL if it has none */
    int64_t source_key; /* where it comes from knows it by this */

    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t reasoning_tokens; /* of these, before the answer; less than all of them */
    int64_t computed_tokens;
    int64_t n_emitted;
    int64_t held_blocks;        /* while not in the group */
    int64_t cached_tokens;      /* found in the cache at the first admission */
    struct prefix_chain *chain; /* the prompt's identity; NULL: it is like no other */
    struct prefix_chain *spare_chain; /* of no use here, but elsewhere */
    int64_t priority;
    int32_t tenant;      /* by the order in which they appeared; 0 if there are none */
    int64_t weight_nano; /* of the tenant */
    int64_t deadline_ns; /* INT64_MAX: none */
    int64_t predicted_tokens; /* of output, as somebody guessed */
    bool has_acceptance;      /* of its own, of tokens drafted for it */
    int64_t acceptance_nano;
    int64_t max_new_tokens;  /* the most output that its client lets it have */
    int64_t queue_at;        /* while in the queue: see engine/queue.c */
    int64_t queued_ns;       /* when it came into the queue, the last time */
    int64_t promoted_tokens; /* emitted before it was last promoted; -1: it never was */
    int64_t rank_key;        /* while it runs: see engine/rank.c */
    int64_t rank_last_step;
    int64_t admission; /* how many the replica had admitted before, at the last one */

    int64_t arrival_ns;
    int64_t through_ns;         /* when it leaves the front end */
    int64_t enqueued_ns;        /* when a replica got it */
    int64_t first_scheduled_ns; /* REQUEST_NEVER until then */
    int64_t first_token_ns;     /* REQUEST_NEVER until then */
    int64_t last_token_ns;
    int64_t
        first_answer_ns; /* when the first token of its answer came: REQUEST_NEVER */
    int64_t max_gap_ns;
    int64_t prefill_ns;
    int64_t decode_ns;
    int64_t recompute_ns;
    int64_t recompute_since_ns;  /* REQUEST_NEVER if nothing is being recomputed */
    int64_t recompute_to_tokens; /* what had been computed before */
    int32_t n_preemptions;
    int32_t n_lost_attempts; /* to failures */
    int64_t most_computed;   /* tokens at once, in lost attempts */

    int64_t paid_ns;         /* its share of the replica's time */
    int64_t prefill_paid_ns; /* of it, computing its prompt, */
    int64_t fetch_paid_ns;   /* and fetching what other tiers of the cache had */
    wide energy_pj;
    int32_t prefill_replica; /* that computed its prompt for another one; -1: none */
    bool moves;              /* it is answered elsewhere than its prompt is computed */
    struct transfer *transfer;
    int64_t transfer_ns;
    int64_t carried_paid_ns; /* its share of that one's time ... */
    wide carried_energy_pj;  /* ... and energy */

    int32_t heap_at; /* while in group: see engine/group.c */
    int64_t joined_step;
    int64_t gaps_from_step;
    int64_t joined_decode_ns;
    wide joined_paid_ns;
    wide joined_energy_pj;

    uint64_t wanted; /* of these, any that would do, while no replica is there for it */
    uint64_t pools;  /* a bit for each pool that can serve it */
    uint64_t session; /* hash of its label; 0: none */
    int32_t model;    /* that it names, by order of appearance from 1 on; 0: none */
    int32_t klass;    /* likewise */
    int32_t adapter;
    int32_t n_resent; /* by its client */
    int32_t attempts; /* this one included */
    enum request_reason reason;
    bool is_shared;         /* counted among its tenant's: engine/shares.h */
    int64_t alive_since_ns; /* when its client began to wait, the last time */
    struct timer timer;     /* while it is held or away */
};

static inline struct request *request_of_timer(struct timer *timer)
{
    /* the timer stands in the request */
    return (struct request *)(void *)((char *)timer - offsetof(struct request, timer));
}

/* Tokens of the sequence whose KV is still to be computed. */
static inline int64_t request_missing_tokens(const struct request *request)
{
    return request->prompt_tokens + request->n_emitted - request->computed_tokens;
}

/* A doubly linked list through `next` and `before`. */
struct request_list {
    struct request *first;
    struct request *last;
    int64_t n;
};

void request_list_append(struct request_list *list, struct request *request);
void request_list_prepend(struct request_list *list, struct request *request);
void request_list_remove(struct request_list *list, struct request *request);

/* Puts a request before `next`, which is in the list; NULL: at its end. */
void request_list_insert(struct request_list *list, struct request *request,
                         struct request *next);

/* Unfinished requests by when they were sent, linked through `next_alive`: clients with
 * the same patience give up in that order. */
struct request_alive {
    struct request *first;
    struct request *last;
};

void request_alive_append(struct request_alive *alive, struct request *request);

/* Takes a request out; nothing happens if it is not in. */
void request_alive_remove(struct request_alive *alive, struct request *request);

/* Requests come from a store and go back to it: memory follows the requests in flight,
 * not the trace.  A zeroed store is empty and ready. */
struct request_block;

struct request_store {
    struct request_block *blocks;
    struct request *free;
};

/* A zeroed request. */
struct request *request_new(struct request_store *store);
void request_release(struct request_store *store, struct request *request);
void request_store_free(struct request_store *store);

#endif
