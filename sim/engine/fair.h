/* fair: what each tenant was given by one replica: the counters of a fair share.
 *
 * Virtual token counters (Sheng et al., "Fairness in Serving Large Language Models", OSDI
 * 2024): a token of prompt, counted when its request is first admitted, costs a tenant
 * 1 / weight, a token of output 2 / weight, in units of 10^-9.  A tenant who comes back
 * after a while does not find credit: its counter is lifted to the least of those who
 * wait.  Tokens of the decoding group are not counted one by one: each tenant has a number
 * of members, and the group's steps say how many tokens they got.
 */
#ifndef SERVESIM_ENGINE_FAIR_H
#define SERVESIM_ENGINE_FAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"

struct request;

struct fair_tenant {
    int64_t token_cost; /* of prompt; 0: not seen yet */
    wide counted;
    int64_t n_members; /* of the decoding group */
    int64_t since_step;
    int64_t n_waiting;
};

struct fair {
    bool on; /* false: nobody asks, nothing is counted */
    struct fair_tenant *tenants;
    int32_t n_tenants;
    int64_t step; /* of the decoding group */
    int64_t n_waiting;
    int32_t
        last; /* the tenant whose request was the last to leave the queue; -1: none */
};

void fair_init(struct fair *fair, bool on);
void fair_free(struct fair *fair);

/* A request came into the queue, from outside or because it gave way; or left it. */
void fair_enter(struct fair *fair, const struct request *request, bool gave_way);
void fair_leave(struct fair *fair, const struct request *request);

/* It is admitted for the first time; a token of it came out by itself. */
void fair_admit(struct fair *fair, const struct request *request);
void fair_emit(struct fair *fair, const struct request *request);

/* It joins the decoding group or leaves it; the group has made so many steps. */
void fair_join(struct fair *fair, const struct request *request);
void fair_quit(struct fair *fair, const struct request *request);
static inline void fair_advance(struct fair *fair, int64_t n_steps)
{
    fair->step += n_steps;
}

wide fair_counter(const struct fair *fair, int32_t tenant);

#endif
