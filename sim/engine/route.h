/* route: which replica a request goes to.
 *
 * A router sees, of every replica, the requests it was sent and has not finished, and its
 * KV cache as of the replica's last step boundary.  It answers with the index of a place
 * (a replica that is, was or may come to be there), which must be ready.  Requests that
 * the same pools can serve are a group, in which places are looked for.
 *
 * A policy with a `key` is given the place with the least one without looking at all of
 * them: engine/router.h keeps it.  What a router sees may be old: [route] staleness.
 */
#ifndef SERVESIM_ENGINE_ROUTE_H
#define SERVESIM_ENGINE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "engine/prefix_chain.h"
#include "engine/tournament.h"

struct route_view {
    int32_t n_waiting; /* routed here and not running, from the moment it is routed */
    int32_t n_running;
    int64_t prompt_tokens; /* of all these */
};

/* [route]: what policies may be told. */
struct route_config {
    const char *policy;
    const char *decode_policy;
    int64_t staleness_ns; /* 0: what is seen is of now */
    int64_t count_own;    /* flag */
    int64_t hold_timeout_ns;
    int64_t balance_abs;
    int64_t balance_rel_nano;
    int64_t cache_threshold_nano;
    int64_t prefix_index_blocks;
    int64_t prefix_block_tokens;
    int64_t w_queue_nano;
    int64_t w_kv_nano;
    int64_t w_prefix_nano;
    int64_t w_adapter_nano;
};

/* What is known of a request before it is sent. */
struct route_query {
    uint64_t session; /* 0: none */
    int32_t adapter;  /* 0: none */
    int64_t prompt_tokens;
    const struct prefix_chain *chain; /* NULL: its prompt is like no other */
};

/* Blocks in use of those of a KV cache; blocks of a prompt that are held, of its full ones.
 * `whole` is at least 1. */
struct route_share {
    int64_t part;
    int64_t whole;
};

struct router;

/* What a policy sees of the places that a request may go to; indexes are those of places.
 */
struct route_group {
    const struct route_config *config;
    const struct route_view *views; /* of all places, in the group or not */
    const bool *is_ready;           /* likewise */
    const int32_t *places;          /* of the group, ascending */
    int32_t n_places;
    int32_t *ready; /* those that are, ascending */
    int32_t n_ready;
    struct tournament least; /* positions in `places`, by the policy's key */
    struct tournament most;  /* by minus the key, where the policy wants it */
    struct rng *draws;
    struct router *router;
};

struct route_ops {
    const char *name;
    const char *help;
    size_t state_size; /* of zeroed memory that the engine provides, per group */
    void (*init)(void *state, const struct route_config *config); /* NULL: zeros do */
    void (*free)(void *state);                                    /* likewise */

    /* By what the least place is found, from what is seen of it; NULL: it is not. */
    int64_t (*key)(const struct route_view *view);
    bool wants_most;
    bool looks_at_kv; /* where it looks at old views, KV caches belong to these */

    /* A place that is ready; there is at least one. */
    int32_t (*pick)(void *state, const struct route_group *group,
                    const struct route_query *query);
};

/* Requests that a place was sent and has not finished. */
static inline int64_t route_requests(const struct route_view *view)
{
    return (int64_t)view->n_waiting + view->n_running;
}

/* The ready place with the least key of a policy that has one; the lowest index wins. */
static inline int32_t route_first(const struct route_group *group)
{
    return group->places[tournament_first(&group->least)];
}

/* One of the ready places, all equally likely; nothing is drawn if it is the only one. */
int32_t route_draw(const struct route_group *group);

/* The first ready place after `place`, which may be any number, in a circle. */
int32_t route_after(const struct route_group *group, int32_t place);

/* The KV cache of a place; the blocks of a prompt that its prefix cache holds just now,
 * however old the views are. */
struct route_share route_blocks(const struct route_group *group, int32_t place);
struct route_share route_hits(const struct route_group *group, int32_t place,
                              const struct route_query *query);

/* Whether the request's adapter is loaded there just now. */
bool route_has_adapter(const struct route_group *group, int32_t place,
                       const struct route_query *query);

#endif
