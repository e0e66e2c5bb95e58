#include "policy/policy.h"

#include <string.h>

#define ADDRESS(name) &name,

const struct batch_ops *const policy_batching_all[] = {POLICY_BATCHING(ADDRESS) NULL};
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

const struct route_ops *policy_route(const char *name)
{
    for (const struct route_ops *const *at = policy_route_all; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}
