#include "engine/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/replica.h"
#include "engine/span.h"

struct router_group {
    uint64_t pools;
    const struct route_ops *ops;
    void *state;
    struct route_group seen;
    int32_t *places;
    int32_t *before; /* per pool: its first place less that one's position */
};

void router_init(struct router *router, const struct route_config *config,
                 struct replica *replicas, const int32_t *first_place, int32_t n_pools,
                 bool looks_at_kv, uint64_t seed)
{
    CHECK(n_pools > 0 && n_pools <= 64);
    *router = (struct router){.config = config,
                              .replicas = replicas,
                              .n_places = first_place[n_pools],
                              .n_pools = n_pools,
                              .first_place = first_place,
                              .snapshot_ns = INT64_MAX,
                              .planned_ns = -1};
    size_t n = (size_t)router->n_places;
    router->views = memory_new(n, sizeof *router->views);
    router->is_ready = memory_new(n, sizeof *router->is_ready);
    router->scratch = memory_new((size_t)n_pools, sizeof *router->scratch);
    router->seen = router->views;
    if (config->staleness_ns > 0) {
        router->snapshot_ns = 0;
        router->seen = memory_new(n, sizeof *router->seen);
        router->seen_kv = looks_at_kv ? memory_new(n, sizeof *router->seen_kv) : NULL;
    }
    rng_init(&router->draws, seed, "route");
}

static void free_scratch(struct router *router)
{
    for (int32_t i = 0; i < router->n_pools; i++) {
        free(router->scratch[i].hashes);
        free(router->scratch[i].blocks);
        router->scratch[i] = (struct prefix_chain){0};
    }
}

void router_free(struct router *router)
{
    for (int32_t i = 0; i < router->n_groups; i++) {
        struct router_group *group = router->groups[i];
        if (group->ops->free != NULL) {
            group->ops->free(group->state);
        }
        tournament_free(&group->seen.least);
        tournament_free(&group->seen.most);
        free(group->state);
        free(group->places);
        free(group->before);
        free(group->seen.ready);
        free(group);
    }
    free(router->groups);
    if (router->seen != router->views) {
        free(router->seen);
    }
    free(router->seen_kv);
    free(router->views);
    free(router->is_ready);
    free(router->scratch);
    rng_free(&router->draws);
}

/* Position of a place in the group, or -1. */
static int32_t position(const struct router *router, const struct router_group *group,
                        int32_t place)
{
    int32_t pool = 0;
    if (router->n_pools > 1) {
        pool = router->replicas[place].pool->index;
    }
    return (group->pools >> pool & 1) != 0 ? place - group->before[pool] : -1;
}

/* What is seen of a place has changed, or whether it is ready. */
static inline void set_key(struct router *router, struct router_group *group,
                           int32_t place)
{
    if (group->ops->key == NULL) {
        return;
    }
    int32_t at = position(router, group, place);
    if (at < 0) {
        return;
    }
    bool ready = router->is_ready[place];
    int64_t key = group->ops->key(&router->seen[place]);
    tournament_set(&group->seen.least, at, ready ? key : TOURNAMENT_NONE);
    if (group->ops->wants_most) {
        tournament_set(&group->seen.most, at, ready ? -key : TOURNAMENT_NONE);
    }
}

static void find_places(struct router *router, struct router_group *group)
{
    int32_t n = 0;
    for (int32_t i = 0; i < router->n_pools; i++) {
        if ((group->pools >> i & 1) == 0) {
            continue;
        }
        group->before[i] = router->first_place[i] - n;
        for (int32_t j = router->first_place[i]; j < router->first_place[i + 1]; j++) {
            group->places[n++] = j;
        }
    }
    group->seen.places = group->places;
    group->seen.n_places = n;
}

static struct router_group *new_group(struct router *router,
                                      const struct route_ops *ops, uint64_t pools)
{
    struct router_group *group = memory_new(1, sizeof *group);
    size_t n = (size_t)router->n_places;
    group->pools = pools;
    group->ops = ops;
    group->state = memory_new(1, ops->state_size > 0 ? ops->state_size : 1);
    group->places = memory_new(n, sizeof *group->places);
    group->before = memory_new((size_t)router->n_pools, sizeof *group->before);
    find_places(router, group);
    group->seen.config = router->config;
    group->seen.views = router->seen;
    group->seen.is_ready = router->is_ready;
    group->seen.draws = &router->draws;
    group->seen.router = router;
    group->seen.ready = memory_new(n, sizeof *group->seen.ready);
    if (ops->key != NULL) {
        tournament_init(&group->seen.least, group->seen.n_places);
        if (ops->wants_most) {
            tournament_init(&group->seen.most, group->seen.n_places);
        }
    }
    for (int32_t i = 0; i < group->seen.n_places; i++) {
        int32_t place = group->places[i];
        if (router->is_ready[place]) {
            group->seen.ready[group->seen.n_ready++] = place;
            set_key(router, group, place);
        }
    }
    if (ops->init != NULL) {
        ops->init(group->state, router->config);
    }
    router->groups = memory_grow(router->groups, (size_t)router->n_groups + 1,
                                 sizeof(struct router_group *));
    router->groups[router->n_groups++] = group;
    return group;
}

static struct router_group *group_of(struct router *router, const struct route_ops *ops,
                                     uint64_t pools)
{
    for (int32_t i = 0; i < router->n_groups; i++) {
        if (router->groups[i]->pools == pools && router->groups[i]->ops == ops) {
            return router->groups[i];
        }
    }
    return new_group(router, ops, pools);
}

/* Puts a place in its list of ready ones or takes it out: this is rare. */
static void list_ready(struct route_group *group, int32_t place, bool ready)
{
    int32_t at = 0;
    while (at < group->n_ready && group->ready[at] < place) {
        at++;
    }
    size_t behind = (size_t)(group->n_ready - at) * sizeof *group->ready;
    if (ready) {
        memmove(&group->ready[at + 1], &group->ready[at], behind);
        group->ready[at] = place;
        group->n_ready++;
    } else {
        CHECK(group->ready[at] == place);
        memmove(&group->ready[at], &group->ready[at + 1],
                behind - sizeof *group->ready);
        group->n_ready--;
    }
}

void router_set_ready(struct router *router, int32_t place, bool ready)
{
    if (router->is_ready[place] == ready) {
        return;
    }
    router->is_ready[place] = ready;
    for (int32_t i = 0; i < router->n_groups; i++) {
        struct router_group *group = router->groups[i];
        if (position(router, group, place) >= 0) {
            list_ready(&group->seen, place, ready);
            set_key(router, group, place);
        }
    }
}

int32_t router_pick(struct router *router, const struct route_ops *ops, uint64_t pools,
                    const struct route_query *query, int64_t now_ns)
{
    struct router_group *group = group_of(router, ops, pools);
    if (group->seen.n_ready == 0) {
        return -1;
    }
    router->now_ns = now_ns;
    int32_t place = ops->pick(group->state, &group->seen, query);
    CHECK(place >= 0 && place < router->n_places && router->is_ready[place]);
    CHECK(position(router, group, place) >= 0);
    if (query->chain != NULL) {
        free_scratch(router);
    }
    return place;
}

static inline void changed(struct router *router, int32_t place)
{
    for (int32_t i = 0; i < router->n_groups; i++) {
        set_key(router, router->groups[i], place);
    }
}

void router_sent(struct router *router, int32_t place, int64_t prompt_tokens)
{
    router->views[place].n_waiting++;
    router->views[place].prompt_tokens += prompt_tokens;
    if (router->seen != router->views) {
        if (router->config->count_own == 0) {
            return;
        }
        router->seen[place].n_waiting++;
        router->seen[place].prompt_tokens += prompt_tokens;
    }
    changed(router, place);
}

void router_left(struct router *router, int32_t place, int64_t prompt_tokens)
{
    router->views[place].prompt_tokens -= prompt_tokens;
    if (router->seen == router->views) {
        changed(router, place);
    }
}

int64_t router_snapshot_ns(const struct router *router, int64_t now_ns)
{
    return now_ns - now_ns % router->config->staleness_ns;
}

void router_snapshot(struct router *router, int64_t at_ns)
{
    for (int32_t i = 0; i < router->n_places; i++) {
        struct replica *replica = &router->replicas[i];
        const struct route_view *view = &router->views[i];
        if (memcmp(&router->seen[i], view, sizeof *view) != 0) {
            router->seen[i] = *view;
            changed(router, i);
        }
        if (router->seen_kv != NULL) {
            if (replica->busy && !replica->stepwise) {
                span_advance(replica, at_ns - 1);
            }
            router->seen_kv[i] = (struct route_share){
                .part = kv_used(&replica->kv), .whole = replica->kv.total_blocks};
        }
    }
    router->snapshot_ns = at_ns + router->config->staleness_ns;
}

static void verify_group(const struct router *router, const struct router_group *group)
{
    const struct route_group *seen = &group->seen;
    int32_t n_ready = 0;
    int64_t least = TOURNAMENT_NONE;
    int32_t first = -1;
    for (int32_t i = 0; i < seen->n_places; i++) {
        int32_t place = seen->places[i];
        CHECK(position(router, group, place) == i);
        if (!router->is_ready[place]) {
            CHECK(group->ops->key == NULL ||
                  tournament_key(&seen->least, i) == TOURNAMENT_NONE);
            continue;
        }
        CHECK(seen->ready[n_ready++] == place);
        if (group->ops->key == NULL) {
            continue;
        }
        int64_t key = group->ops->key(&router->seen[place]);
        CHECK(tournament_key(&seen->least, i) == key);
        CHECK(!group->ops->wants_most || tournament_key(&seen->most, i) == -key);
        if (key < least) {
            least = key;
            first = i;
        }
    }
    CHECK(n_ready == seen->n_ready);
    CHECK(group->ops->key == NULL || tournament_first(&seen->least) == first);
}

void router_verify(const struct router *router)
{
    for (int32_t i = 0; i < router->n_places; i++) { /* a prompt has a token at least */
        const struct route_view *view = &router->views[i];
        CHECK(view->prompt_tokens >= route_requests(view));
        CHECK(route_requests(view) > 0 || view->prompt_tokens == 0);
    }
    for (int32_t i = 0; i < router->n_groups; i++) {
        verify_group(router, router->groups[i]);
    }
}
