#include "engine/fair.h"

#include <stdlib.h>

#include "base/memory.h"
#include "engine/request.h"

static const int64_t token_cost = 1000000000; /* at weight 1 */

void fair_init(struct fair *fair, bool on)
{
    *fair = (struct fair){.on = on, .last = -1};
}

void fair_free(struct fair *fair)
{
    free(fair->tenants);
}

static struct fair_tenant *tenant_of(struct fair *fair, const struct request *request)
{
    if (request->tenant >= fair->n_tenants) {
        int32_t n = request->tenant * 2 + 1;
        fair->tenants = memory_grow(fair->tenants, (size_t)n, sizeof *fair->tenants);
        for (; fair->n_tenants < n; fair->n_tenants++) {
            fair->tenants[fair->n_tenants] = (struct fair_tenant){0};
        }
    }
    struct fair_tenant *tenant = &fair->tenants[request->tenant];
    if (tenant->token_cost == 0) {
        int64_t weight = request->weight_nano;
        wide cost = ((wide)token_cost * 1000000000 * 2 + weight) / (2 * (wide)weight);
        tenant->token_cost = wide_narrow(cost);
    }
    return tenant;
}

static wide counter(const struct fair *fair, const struct fair_tenant *tenant)
{
    return tenant->counted + (wide)2 * tenant->token_cost * tenant->n_members *
                                 (fair->step - tenant->since_step);
}

wide fair_counter(const struct fair *fair, int32_t tenant)
{
    return counter(fair, &fair->tenants[tenant]);
}

/* Brings what its members got into the counter. */
static void settle(const struct fair *fair, struct fair_tenant *tenant)
{
    tenant->counted = counter(fair, tenant);
    tenant->since_step = fair->step;
}

/* Raises the tenant's counter to the least of those who wait, or, where nobody does, to
 * that of the last who did. */
static void lift(struct fair *fair, struct fair_tenant *tenant)
{
    const struct fair_tenant *least = NULL;
    if (fair->n_waiting == 0 && fair->last >= 0) {
        least = &fair->tenants[fair->last];
    }
    for (int32_t i = 0; fair->n_waiting > 0 && i < fair->n_tenants; i++) {
        const struct fair_tenant *other = &fair->tenants[i];
        if (other->n_waiting > 0 &&
            (least == NULL || counter(fair, other) < counter(fair, least))) {
            least = other;
        }
    }
    settle(fair, tenant);
    if (least != NULL && counter(fair, least) > tenant->counted) {
        tenant->counted = counter(fair, least);
    }
}

void fair_enter(struct fair *fair, const struct request *request, bool gave_way)
{
    if (!fair->on) {
        return;
    }
    struct fair_tenant *tenant = tenant_of(fair, request);
    if (!gave_way && tenant->n_waiting == 0) {
        lift(fair, tenant);
    }
    tenant->n_waiting++;
    fair->n_waiting++;
}

void fair_leave(struct fair *fair, const struct request *request)
{
    if (fair->on) {
        tenant_of(fair, request)->n_waiting--;
        fair->n_waiting--;
        fair->last = request->tenant;
    }
}

void fair_admit(struct fair *fair, const struct request *request)
{
    if (fair->on) {
        struct fair_tenant *tenant = tenant_of(fair, request);
        tenant->counted += (wide)tenant->token_cost * request->prompt_tokens;
    }
}

void fair_emit(struct fair *fair, const struct request *request)
{
    if (fair->on) {
        struct fair_tenant *tenant = tenant_of(fair, request);
        tenant->counted += (wide)2 * tenant->token_cost;
    }
}

void fair_join(struct fair *fair, const struct request *request)
{
    if (fair->on) {
        struct fair_tenant *tenant = tenant_of(fair, request);
        settle(fair, tenant);
        tenant->n_members++;
    }
}

void fair_quit(struct fair *fair, const struct request *request)
{
    if (fair->on) {
        struct fair_tenant *tenant = tenant_of(fair, request);
        settle(fair, tenant);
        tenant->n_members--;
    }
}
