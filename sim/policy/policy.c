#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS(name) &name,

const struct batch_ops *const policy_batching_all[] = {POLICY_BATCHING(ADDRESS) NULL};
const struct order_ops *const policy_order_all[] = {POLICY_ORDER(ADDRESS) NULL};
const struct route_ops *const policy_route_all[] = {POLICY_ROUTE(ADDRESS) NULL};
const struct scale_ops *const policy_scale_all[] = {POLICY_SCALE(ADDRESS) NULL};

const struct batch_ops *policy_batching(const char *name)
{
    for (const struct batch_ops *const *at = policy_batching_all; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

const struct order_ops *policy_order(const char *name)
{
    for (const struct order_ops *const *at = policy_order_all; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

void policy_settle(struct pool_scheduler *settings)
{
    const struct batch_ops *batching = policy_batching(settings->batching);
    const struct order_ops *order = policy_order(settings->order);
    if (settings->preempt == POOL_PREEMPT_AUTO) {
        settings->preempt = batching->reserves ? POOL_NONE : POOL_RECOMPUTE;
    }
    bool may_choose = settings->preempt != POOL_NONE && !batching->own_victims;
    if (settings->victim == POOL_VICTIM_AUTO) {
        settings->victim = may_choose && order->ranks_running ? POOL_ORDER : POOL_LAST;
    }
    if (settings->preemptive_order == POOL_AUTO) {
        bool displaces = may_choose && order->displaces;
        settings->preemptive_order =
            displaces && settings->victim == POOL_ORDER ? POOL_YES : POOL_NO;
    }
    if (settings->enable_chunked_prefill == POOL_AUTO) {
        settings->enable_chunked_prefill = batching->whole_prompts ? POOL_NO : POOL_YES;
    }
}

struct batch_policy policy_of(const struct pool_scheduler *settings)
{
    return (struct batch_policy){.batching = policy_batching(settings->batching),
                                 .order = policy_order(settings->order)};
}

const struct route_ops *policy_route(const char *name)
{
    for (const struct route_ops *const *at = policy_route_all; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

const struct scale_ops *policy_scale(const char *name)
{
    for (const struct scale_ops *const *at = policy_scale_all; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

static void join(char text[POLICY_NAMES], const char *name)
{
    size_t used = strlen(text);
    snprintf(text + used, POLICY_NAMES - used, "%s%s", used > 0 ? ", " : "", name);
}

void policy_batching_names(char text[POLICY_NAMES])
{
    text[0] = '\0';
    for (const struct batch_ops *const *at = policy_batching_all; *at != NULL; at++) {
        join(text, (*at)->name);
    }
}

void policy_order_names(char text[POLICY_NAMES])
{
    text[0] = '\0';
    for (const struct order_ops *const *at = policy_order_all; *at != NULL; at++) {
        join(text, (*at)->name);
    }
}

void policy_route_names(char text[POLICY_NAMES])
{
    text[0] = '\0';
    for (const struct route_ops *const *at = policy_route_all; *at != NULL; at++) {
        join(text, (*at)->name);
    }
}

void policy_scale_names(char text[POLICY_NAMES])
{
    text[0] = '\0';
    for (const struct scale_ops *const *at = policy_scale_all; *at != NULL; at++) {
        join(text, (*at)->name);
    }
}
