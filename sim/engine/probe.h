/* probe: what a run tells those who watch it.
 *
 * The engine writes no files.  It hands every finished request, every timeline boundary
 * and, if somebody asks, every step to a struct of functions; outputs are such structs.
 */
#ifndef SERVESIM_ENGINE_PROBE_H
#define SERVESIM_ENGINE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"
#include "engine/life.h"
#include "engine/request.h"
#include "model/cost.h"

/* A request that left.  Times are REQUEST_NEVER where they never came.  The owners
 * (rules.md 9) sum to finish - arrival. */
struct probe_record {
    int32_t id;
    int32_t pool;
    int32_t replica; /* -1: never routed */
    enum request_status status;
    bool counted;
    char *labels; /* the taker owns them */
    int64_t priority;
    int32_t tenant;
    int64_t arrival_ns;
    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t cached_tokens;
    int64_t n_emitted;
    int64_t first_scheduled_ns;
    int64_t first_token_ns;
    int64_t finish_ns;
    int64_t queue_ns;
    int64_t prefill_ns;
    int64_t decode_ns;
    int64_t stall_ns;
    int64_t recompute_ns;
    int64_t transfer_ns;
    int64_t max_gap_ns; /* REQUEST_NEVER with fewer than two tokens */
    int64_t n_preemptions;
    int64_t paid_ns; /* on the replicas that served it */
    wide energy_pj;
    wide cost_usd_ns;    /* ns x nano-dollars per hour */
    wide carried_usd_ns; /* of it, and of the energy, on `prefill_replica` */
    wide carried_energy_pj;
    enum request_reason reason;
    int32_t attempts;
    int32_t prefill_replica; /* that computed its prompt for `replica`; -1: none */
    bool is_shared;          /* see struct request */
};

/* One request's part in one step, or its preemption in it. */
struct probe_step {
    int64_t step;
    int32_t replica;
    int64_t start_ns;
    int64_t end_ns;
    int32_t id;
    const char *labels; /* of the request: see struct probe_record */
    const char *kind;   /* "prefill", "decode", "preempt" or "abort" */
    int64_t tokens;
    int64_t context; /* tokens in the KV cache at the end of the step */
    int64_t blocks;
};

/* How a step ended. */
enum probe_end { PROBE_DONE, PROBE_ABORTED, PROBE_DUMMY };

/* A step as a whole, when it is over: the same whether steps were run one by one or as a
 * span. */
struct probe_slice {
    int64_t start_ns;
    int64_t end_ns;
    enum probe_end how; /* PROBE_DUMMY: a rank in lockstep that computed for nobody */
    int64_t n_decodes;
    int64_t n_chunks; /* of prompts */
    int64_t prompt_tokens;
    int64_t draft_tokens;
    int64_t context;         /* tokens that its decodes attend to, all together */
    int64_t blocks;          /* KV blocks in use */
    wide bound_fs[N_BOUNDS]; /* its time by what it is bound by */
    wide pj;                 /* energy of the replica in it, idle included */
};

/* Requests at a replica, from one moment to the next change of either; or, with `running`
 * and `waiting` -1, the KV blocks that are held between two steps. */
struct probe_load {
    int64_t from_ns;
    int64_t until_ns;
    int64_t running;
    int64_t waiting;
    int64_t blocks; /* -1: not told here */
};

/* A replica's life changed. */
struct probe_life {
    int64_t at_ns;
    int32_t replica;
    enum life_state from;
    enum life_state to;
    const char *detail; /* a constant: who wanted it; "" */
};

struct sim;
struct replica;

struct probe {
    void *state;
    void (*finish)(void *state, struct probe_record *record);
    /* The boundary `at_ns` of the timeline was reached (the last one is the end of the
     * run): read the sums with sim_pool_sums(). */
    void (*tick)(void *state, struct sim *sim, int64_t at_ns);
    void (*step)(void *state, const struct probe_step *step); /* NULL: no interest */
    /* A replica is in another state of life; at the start all are told, with `from` and
     * `to` alike.  NULL: no interest. */
    void (*life)(void *state, const struct replica *replica,
                 const struct probe_life *life);
    /* Both or neither: steps that begin before `slices_until_ns` and end after
     * `slices_from_ns`, of each replica in order, told some time after they are over; and
     * loads, likewise.  Spans stay spans.  NULL: no interest. */
    void (*slice)(void *state, const struct replica *replica,
                  const struct probe_slice *slice);
    void (*load)(void *state, const struct replica *replica,
                 const struct probe_load *load);
    int64_t slices_from_ns;
    int64_t slices_until_ns;
};

#endif
