/* policy: every opinion of the house, by name.
 *
 * A policy is one file with one const struct, and one line here.
 */
#ifndef SERVESIM_POLICY_POLICY_H
#define SERVESIM_POLICY_POLICY_H

#include "engine/batch.h"
#include "engine/batch_serve.h"
#include "engine/order.h"
#include "engine/route.h"
#include "engine/scale.h"

/* Batching disciplines: which requests get how many tokens in the next step. */
#define POLICY_BATCHING(X)    \
    X(batching_unified)       \
    X(batching_prefill_first) \
    X(batching_sarathi)       \
    X(batching_sglang)        \
    X(batching_static)        \
    X(batching_dynamic)       \
    X(batching_orca)

/* Orders of the queue: which of the waiting requests comes first. */
#define POLICY_ORDER(X) \
    X(order_fcfs)       \
    X(order_priority)   \
    X(order_sjf)        \
    X(order_srpt)       \
    X(order_edf)        \
    X(order_vtc)        \
    X(order_mlfq)       \
    X(order_lpm)

/* Routers: which replica a request goes to. */
#define POLICY_ROUTE(X)       \
    X(route_round_robin)      \
    X(route_random)           \
    X(route_power_of_two)     \
    X(route_least_requests)   \
    X(route_least_tokens)     \
    X(route_least_kv)         \
    X(route_session_affinity) \
    X(route_prefix_affinity)  \
    X(route_weighted)

/* Autoscalers: how many replicas a pool should have. */
#define POLICY_SCALE(X)  \
    X(scale_queue)       \
    X(scale_concurrency) \
    X(scale_kv)          \
    X(scale_rate)        \
    X(scale_slo)         \
    X(scale_schedule)    \
    X(scale_wva)

#define POLICY_DECLARE_BATCHING(name) extern const struct batch_ops name;
#define POLICY_DECLARE_ORDER(name) extern const struct order_ops name;
#define POLICY_DECLARE_ROUTE(name) extern const struct route_ops name;
#define POLICY_DECLARE_SCALE(name) extern const struct scale_ops name;
POLICY_BATCHING(POLICY_DECLARE_BATCHING)
POLICY_ORDER(POLICY_DECLARE_ORDER)
POLICY_ROUTE(POLICY_DECLARE_ROUTE)
POLICY_SCALE(POLICY_DECLARE_SCALE)

/* All of a kind, ending with NULL. */
extern const struct batch_ops *const policy_batching_all[];
extern const struct order_ops *const policy_order_all[];
extern const struct route_ops *const policy_route_all[];
extern const struct scale_ops *const policy_scale_all[];

/* The one of that name, or NULL. */
const struct batch_ops *policy_batching(const char *name);
const struct order_ops *policy_order(const char *name);
const struct route_ops *policy_route(const char *name);
const struct scale_ops *policy_scale(const char *name);

/* Decides what the settings leave to their discipline and order (`auto`), both of which
 * must be known. */
void policy_settle(struct pool_scheduler *settings);

/* The discipline and the order of a pool whose names are known to be right. */
struct batch_policy policy_of(const struct pool_scheduler *settings);

/* The names of a kind, joined by ", ", for messages; `text` has POLICY_NAMES bytes. */
enum { POLICY_NAMES = 400 };
void policy_batching_names(char text[POLICY_NAMES]);
void policy_order_names(char text[POLICY_NAMES]);
void policy_route_names(char text[POLICY_NAMES]);
void policy_scale_names(char text[POLICY_NAMES]);

#endif
