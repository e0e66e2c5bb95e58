/* shares: what each tenant got while it asked for something.
 *
 * A tenant's rate is the service of its completed requests, a token of prompt counting 1
 * and one of output 2 (as in engine/fair.h), over its weight and the time during which it
 * had a request in the system: with no rivals it would be higher, and how much lower it is
 * depends on the policy.  Jain's index of the rates x_1 ... x_n, (sum x)^2 / (n sum x^2)
 * (Jain, Chiu and Hawe, 1984), is 1 if all got alike and 1 / n if one got everything.
 */
#ifndef SERVESIM_ENGINE_SHARES_H
#define SERVESIM_ENGINE_SHARES_H

#include <stdint.h>

#include "base/wide.h"

struct shares_tenant {
    int64_t weight_nano; /* 0: never seen */
    int64_t n_present;
    int64_t since_ns;
    int64_t
        until_ns; /* end of the last stay: one in the front end may begin before it */
    int64_t present_ns; /* time with somebody in the system */
    int64_t service;
};

struct shares {
    struct shares_tenant *tenants;
    int32_t n;
    int32_t room;
};

void shares_free(struct shares *shares);

/* A request arrives; leaves, having got so much service. */
void shares_arrive(struct shares *shares, int32_t tenant, int64_t weight_nano,
                   int64_t now_ns);
void shares_leave(struct shares *shares, int32_t tenant, int64_t service,
                  int64_t now_ns);

/* Jain's index; 1 for a single tenant. */
double shares_jain(const struct shares *shares);

#endif
