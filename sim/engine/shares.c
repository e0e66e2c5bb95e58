#include "engine/shares.h"

#include <stdlib.h>

#include "base/memory.h"

void shares_free(struct shares *shares)
{
    free(shares->tenants);
}

static struct shares_tenant *tenant_of(struct shares *shares, int32_t tenant)
{
    if (tenant >= shares->room) {
        int32_t room = tenant * 2 + 1;
        shares->tenants =
            memory_grow(shares->tenants, (size_t)room, sizeof *shares->tenants);
        for (; shares->room < room; shares->room++) {
            shares->tenants[shares->room] = (struct shares_tenant){0};
        }
    }
    shares->n = tenant + 1 > shares->n ? tenant + 1 : shares->n;
    return &shares->tenants[tenant];
}

void shares_arrive(struct shares *shares, int32_t tenant, int64_t weight_nano,
                   int64_t now_ns)
{
    struct shares_tenant *of = tenant_of(shares, tenant);
    of->weight_nano = weight_nano;
    if (of->n_present++ == 0) {
        of->since_ns = now_ns > of->until_ns ? now_ns : of->until_ns;
    }
}

void shares_leave(struct shares *shares, int32_t tenant, int64_t service,
                  int64_t now_ns)
{
    struct shares_tenant *of = tenant_of(shares, tenant);
    of->service += service;
    if (--of->n_present == 0) {
        of->present_ns += now_ns - of->since_ns;
        of->until_ns = now_ns;
    }
}

double shares_jain(const struct shares *shares)
{
    double sum = 0;
    double squares = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < shares->n; i++) {
        const struct shares_tenant *of = &shares->tenants[i];
        if (of->weight_nano == 0) {
            continue;
        }
        double due = (double)of->weight_nano * (double)of->present_ns;
        double rate = due > 0 ? (double)of->service / due : 0;
        sum += rate;
        squares += rate * rate;
        n++;
    }
    return squares > 0 ? sum * sum / (n * squares) : 1;
}
