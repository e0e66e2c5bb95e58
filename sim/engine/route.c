#include "engine/route.h"

#include "base/check.h"
#include "engine/batch.h"
#include "engine/replica.h"
#include "engine/router.h"
#include "engine/span.h"

int32_t route_draw(const struct route_group *group)
{
    CHECK(group->n_ready > 0);
    if (group->n_ready == 1) {
        return group->ready[0];
    }
    return group->ready[rng_below(group->draws, group->n_ready)];
}

int32_t route_after(const struct route_group *group, int32_t place)
{
    CHECK(group->n_ready > 0);
    int32_t from = 0;
    int32_t to = group->n_ready;
    while (from < to) { /* the first that is greater stands in from .. to */
        int32_t middle = from + (to - from) / 2;
        if (group->ready[middle] > place) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return group->ready[from < group->n_ready ? from : 0];
}

/* Brings a replica up to now; whether a step of its span begins in this instant that a
 * plan would not have begun yet. */
static bool is_between_steps(const struct router *router, struct replica *replica)
{
    if (!replica->busy || replica->stepwise) {
        return false;
    }
    span_advance(replica, router->now_ns);
    const struct replica_span *span = &replica->span;
    return span->steps_left > 0 && span->start_ns == router->now_ns &&
           replica->planned_ns != router->now_ns &&
           router->planned_ns != router->now_ns;
}

struct route_share route_blocks(const struct route_group *group, int32_t place)
{
    const struct router *router = group->router;
    if (router->seen_kv != NULL) {
        return router->seen_kv[place];
    }
    struct replica *replica = &router->replicas[place];
    int64_t due =
        is_between_steps(router, replica) ? batch_group_new_blocks(replica) : 0;
    return (struct route_share){.part = kv_used(&replica->kv) - due,
                                .whole = replica->kv.total_blocks};
}

struct route_share route_hits(const struct route_group *group, int32_t place,
                              const struct route_query *query)
{
    struct router *router = group->router;
    struct replica *replica = &router->replicas[place];
    struct prefix_chain *prompt = &router->scratch[replica->pool->index];
    if (query->chain == NULL || replica->kv.prefix == NULL) {
        return (struct route_share){.part = 0, .whole = 1};
    }
    if (is_between_steps(router, replica)) {
        router->reconsider(router->state, replica);
    }
    if (prompt->parts == NULL) {
        prompt->parts = query->chain->parts;
        prompt->n_parts = query->chain->n_parts;
        prompt->prompt_tokens = query->chain->prompt_tokens;
        prompt->text_tokens = query->chain->text_tokens;
        prompt->salt = query->chain->salt;
    }
    prompt->version = 0; /* of another replica's cache */
    prefix_find(replica->kv.prefix, prompt, INT64_MAX);
    return (struct route_share){.part = prompt->n_hits,
                                .whole = prompt->n_full > 0 ? prompt->n_full : 1};
}

bool route_has_adapter(const struct route_group *group, int32_t place,
                       const struct route_query *query)
{
    return lora_has(&group->router->replicas[place], query->adapter);
}
