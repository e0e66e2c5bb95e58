/* sim: the event loop.
 *
 * Events of an instant are applied in the order of rules.md 1: step ends by replica;
 * timers by phase (engine/timer.h): failures, boots, clients that give up, transfers,
 * requests that leave a front end; arrivals in trace order; then every idle replica with
 * work plans once, in index order.  What that makes due at once is done in the same
 * instant.  Few things lie in the future at any time: the end of one step per busy
 * replica, a timer per busy front end, the next arrival, the next timeout, the next
 * timeline boundary.
 *
 * Invariants (numbers of the design): 1, 4, 5 and 6 by sim_verify() after every instant in
 * tests; 2 and 3 wherever the clock moves and a request leaves; 7, 8, 10 at the end of
 * every run; 9 and 12 where the bill is made (output/usage.c).  Each is a CHECK.
 *   1 every request is in exactly one state     7 a drained run ends empty
 *   2 the clock never goes back                 8 area under the number of requests in the
 *   3 arrival <= scheduled <= first token         system = sum of sojourn times, with ==
 *     <= finish                                 9 busy + idle = GPU time paid for
 *   4 blocks held + free, known or not, = total   (with starting and failed)
 *   5 work means a step is pending            10 token equations
 *                                             12 attributed + lost + remainders = busy
 *   6 step limits are respected
 */
#ifndef SERVESIM_ENGINE_SIM_H
#define SERVESIM_ENGINE_SIM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/histogram.h"
#include "base/wide.h"
#include "engine/admit.h"
#include "engine/event.h"
#include "engine/fail_config.h"
#include "engine/foresight.h"
#include "engine/pool.h"
#include "engine/probe.h"
#include "engine/replica.h"
#include "engine/request.h"
#include "engine/resend.h"
#include "engine/router.h"
#include "engine/scale.h"
#include "engine/served.h"
#include "engine/shares.h"
#include "engine/sleep.h"
#include "engine/slo.h"
#include "engine/timer.h"
#include "engine/transfer.h"

/* A request's labels are one text: request id, tenant and session id, with these between;
 * labels themselves hold no control characters. */
enum { SIM_LABEL_SEPARATOR = '\n' };

/* The clock stops here (73 years), far from where sums of times would overflow. */
static const int64_t SIM_MOST_NS = INT64_MAX / 4;

/* A request before it arrives. */
struct sim_arrival {
    int64_t arrival_ns;
    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t reasoning_tokens; /* of these, before the answer; less than all of them */
    int64_t priority;
    int64_t deadline_ns; /* after its arrival; -1: none */
    int32_t tenant;      /* 0, 1, 2 ... in the order in which they appear */
    int64_t weight_nano; /* the tenant's; 0: 1 */
    bool has_acceptance; /* the tenant's, of drafted tokens */
    int64_t acceptance_nano;
    bool counted;              /* inside the measurement window */
    char *labels;              /* malloc'ed or NULL; the taker owns it */
    struct prefix_part *parts; /* of the prompt, likewise; NULL: like no other's */
    int64_t n_parts;
    uint64_t session; /* hash of its session; 0: none */
    int32_t model;    /* that it names, from 1 on; 0: none */
    int32_t klass;    /* its class, likewise */
    int32_t adapter;
    const char *model_name; /* for messages; NULL: none */
    const char *class_name;
    const char *file; /* where it stands, for messages */
    int64_t line;
    const char
        *parents;     /* for its source's wrappers (input/follow.h): ids of requests */
    int64_t think_ns; /* that it waits for, until the next one is read; NULL: none */
    int64_t copy;     /* of the trace that it belongs to */
    int64_t key;      /* its source's own; comes back when it leaves */
};

/* Where arrivals come from.  `next` gives the next one, in order of time: 1, -1 and `err`,
 * or 0, which is the end unless there is `finished`.  A source with `finished` hears of
 * every request that leaves, before the probe does, and is asked again in that instant:
 * what it gives then arrives no earlier than what has left, and may arrive at once.
 * One that may come to know of an earlier arrival than the next one it knows of has `peek`:
 * *at_ns becomes when that is (1), or nobody is known of (0), and `next` is asked only when
 * the time has come. */
struct sim_source {
    void *state;
    int (*next)(void *state, struct sim_arrival *arrival, struct err *err);
    void (*finished)(void *state, const struct probe_record *record); /* may be NULL */
    int (*peek)(void *state, int64_t *at_ns, struct err *err);        /* likewise */
};

struct sim_config {
    const struct pool *pools;
    const struct batch_policy *policies; /* per pool */
    int32_t n_pools;
    uint64_t seed;
    const struct route_ops *route;
    const struct route_ops *decode_route; /* of those who answer only; may be NULL */
    const struct disaggregate_config *disaggregate;
    const struct scale_ops *const *scalers; /* per pool; NULL: none has one */
    struct sleep_config sleep;
    struct slo slo;
    const struct route_config *routing; /* NULL: nothing is set */
    int64_t client_timeout_ns;          /* 0: clients wait for ever */
    struct resend_config resend;
    int64_t hold_timeout_ns; /* for which the gateway holds a request; 0: for ever */
    const struct fail_config *fail; /* NULL: nothing fails */
    struct fail_events failures;
    const struct admit_config *admit; /* NULL: everybody */
    bool reject_unservable; /* false: an unservable request is the user's mistake */
    bool stepwise;
    bool want_itl;
    bool verify;     /* sim_verify() after every instant: tests */
    int64_t tick_ns; /* timeline interval; 0: none but the end */
    const volatile sig_atomic_t
        *interrupted; /* becomes 1 to stop the run; NULL: never */
    const struct probe *probe;
};

/* What a run counted, beside what the replicas did. */
struct sim_totals {
    int64_t n_injected;
    int64_t n_by_status[N_REQUEST_STATUSES];
    int64_t output_tokens_completed;
    int64_t computed_tokens_completed; /* prompt + output - 1 */
    int64_t discarded_tokens;  /* computed for requests that left while nowhere ... */
    int64_t discarded_outputs; /* ... and emitted to them */
    int64_t end_ns;            /* last event */
    wide area;    /* of the number in the system over time, in request-ns */
    wide sojourn; /* sum of finish - arrival */
    int64_t n_steps;
    int64_t sequence_steps;
    int64_t n_resent;   /* requests that a client sent again */
    int64_t n_attempts; /* how often clients did */
};

struct lockstep;

struct sim {
    const struct sim_config *config;
    const struct sim_source *source;
    struct replica *replicas;
    struct cost_forms *forms; /* per pool */
    struct router router;
    struct served served;
    struct arena arena;         /* of what `served` holds */
    int32_t n_replicas;         /* places, whether somebody is there or not */
    int32_t *first_of_pool;     /* and, behind the last pool's, n_replicas */
    struct lockstep *locksteps; /* of ranks that step together */
    int32_t n_locksteps;
    struct event_heap steps;
    struct timer_heap timers;
    struct request_store store;
    struct request_alive alive; /* with client timeouts only */
    struct timer patience;      /* of the first of these */
    struct scaler *scalers;     /* per pool; NULL: none */
    struct sleepers *sleepers;  /* NULL: no pools share GPUs */
    bool sleep_due;             /* sleep_look() is to look in this instant */
    const char *cause;          /* of the changes of lives just now; "" */
    int32_t n_on;               /* replicas that serve */
    int32_t most_on;
    int64_t n_held; /* requests, ever */
    wide held_ns;   /* time that they were */
    struct admit admit;
    struct request_list held; /* at the gateway */
    struct fail *fail;        /* NULL: nothing can fail */
    struct slow slow;         /* prices of slow replicas */
    struct request_list away; /* they are sent again later */
    struct transfers transfers;
    struct histogram itl;
    struct probe probe; /* the user's, with the bookkeeping of this file in front */
    int32_t *idle;      /* replicas to plan at this instant */
    int32_t n_idle;
    bool *is_idle;
    bool left_in_plan; /* somebody was shed by a plan of this instant */
    struct foresight foresight;
    struct rng speculation; /* its draws, if a pool speculates */
    struct shares shares;
    int32_t next_id;
    bool has_next;      /* a request is to come, at */
    int64_t next_at_ns; /* as far as is known, and */
    bool next_is_read;  /* it is */
    struct sim_arrival next;
    int64_t next_predicted; /* tokens of its output, as somebody guessed */
    uint64_t next_pools;    /* a bit for each pool that could serve it */
    int64_t now_ns;
    int64_t tick_at_ns;
    int64_t n_in_system;
    int64_t area_until_ns;
    struct sim_totals totals;
};

/* Runs the source to its end.  -1 and `err` for the source's errors and for a request
 * that can never be served.  `sim` holds sums and totals until sim_free(). */
int sim_run(struct sim *sim, const struct sim_config *config,
            const struct sim_source *source, struct err *err);
void sim_free(struct sim *sim);

/* For sim_run() and sim_free(): memory, replicas, streams. */
void sim_init(struct sim *sim, const struct sim_config *config,
              const struct sim_source *source);

/* A request enters the system. */
void sim_enter(struct sim *sim);

/* Tells the boundaries of the timeline up to `until_ns`; -1 if there are too many. */
int sim_tick(struct sim *sim, int64_t until_ns, struct err *err);

/* Sums up what the replicas know once everything is over, and aborts if anything got
 * lost. */
int sim_close(struct sim *sim, struct err *err);

/* Every request passes here on its way out; `sim` as a probe's state. */
void sim_finished(void *sim, struct probe_record *record);

/* The sums of a pool's replicas at a timeline boundary, in a tick. */
void sim_pool_sums(struct sim *sim, int32_t pool, int64_t at_ns,
                   struct replica_sums *sums);

/* Aborts if the state of now breaks an invariant; visits everything. */
void sim_verify(const struct sim *sim);

#endif
