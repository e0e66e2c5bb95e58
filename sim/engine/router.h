/* router: the gateway's books: who is ready, what is seen of whom, who has least.
 *
 * Groups (engine/route.h) are made when the first request comes that just these pools can
 * serve.  The ready places of each stand in order in a list, and, where the policy has a
 * key, in a tournament: a request costs a policy with a key log2(places) whatever the
 * size of the fleet, and one without a key nothing here.
 *
 * With [route] staleness a snapshot of all views is taken at its multiples, of the state
 * just before, in which nothing of that instant has happened; what the router has sent
 * since counts as well if `count_own` says so.  Who is ready is never old: a connection
 * that is refused is noticed at once.
 */
#ifndef SERVESIM_ENGINE_ROUTER_H
#define SERVESIM_ENGINE_ROUTER_H

#include "engine/route.h"

struct replica;
struct router_group;

struct router {
    const struct route_config *config;
    struct replica *replicas;
    int32_t n_places;
    int32_t n_pools;
    const int32_t *first_place;  /* per pool, and behind the last */
    struct route_view *views;    /* as it is */
    struct route_view *seen;     /* the same, or copies with staleness */
    struct route_share *seen_kv; /* with staleness, if a policy looks; else NULL */
    bool *is_ready;
    struct router_group **groups; /* per (pools, policy) */
    int32_t n_groups;
    int64_t snapshot_ns; /* when the next one is due; INT64_MAX: never */
    int64_t now_ns;      /* of the pick */
    int64_t planned_ns;  /* when idle replicas last planned, set from outside */
    struct prefix_chain *scratch; /* per pool: the prompt of the pick in its blocks */
    struct rng draws;

    /* A step boundary of a replica is at hand of which nothing is known yet: `state` is to
     * bring it about. */
    void *state;
    void (*reconsider)(void *state, struct replica *replica);
};

/* `replicas` are those of the run by pools; first_place[i] is the first of pool i, and
 * behind the last one's the number of all.  Nobody is ready yet.  With `looks_at_kv` some
 * policy that will be asked does so. */
void router_init(struct router *router, const struct route_config *config,
                 struct replica *replicas, const int32_t *first_place, int32_t n_pools,
                 bool looks_at_kv, uint64_t seed);
void router_free(struct router *router);

/* A place has become ready, or is no longer. */
void router_set_ready(struct router *router, int32_t place, bool ready);

/* The place for a request that the pools of the mask can serve; -1 if none is ready. */
int32_t router_pick(struct router *router, const struct route_ops *ops, uint64_t pools,
                    const struct route_query *query, int64_t now_ns);

/* A place was sent a request: it waits there from now on. */
void router_sent(struct router *router, int32_t place, int64_t prompt_tokens);

/* A request has left a place, whose view counts it no longer. */
void router_left(struct router *router, int32_t place, int64_t prompt_tokens);

/* Before anything of `now_ns` happens, if snapshot_ns <= now_ns: the last multiple of the
 * staleness up to then, and the snapshot of just before it. */
int64_t router_snapshot_ns(const struct router *router, int64_t now_ns);
void router_snapshot(struct router *router, int64_t at_ns);

/* Aborts unless lists and tournaments are what the views say. */
void router_verify(const struct router *router);

#endif
