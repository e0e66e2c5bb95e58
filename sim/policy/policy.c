#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS(name) &name,

const struct batch_ops *const policy_batching_all[] = {POLICY_BATCHING(ADDRESS) NULL};
const struct order_ops *const policy_order_all[] = {POLICY_ORDER(ADDRESS) NULL};
const struct route_ops *const policy_route_all[] = {POLICY_ROUTE(ADDRESS) NULL};

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
