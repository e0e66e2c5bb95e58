#include "engine/sleep.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/boot.h"
#include "engine/fleet.h"
#include "engine/lockstep.h"
#include "engine/sim.h"

#define AT(member) offsetof(struct sleep_config, member)

static const struct field fields[] = {
    {"max_dwell", FIELD_TIME, AT(max_dwell_ns), "s", "30", "0", "1000000000", NULL,
     "how long a model may have GPUs that another one waits for before it drains"},
    {"sleep_ms", FIELD_TIME, AT(sleep_ns), "ms", "0", "0", "1000000000", NULL,
     "time to put a model to sleep; 0: its weights over host_bandwidth"},
    {"wake_ms", FIELD_TIME, AT(wake_ns), "ms", "0", "0", "1000000000", NULL,
     "time to wake a model; 0: its weights over host_bandwidth"},
};

const struct field_table sleep_table = {
    .name = "sleep",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

enum { NOBODY = -1 };

struct sleepers {
    struct timer dwell; /* somebody's may be over */
    int32_t *next; /* by replica of a first pool: the pool that its GPUs go to when who
                           drains there is empty; NOBODY */
};

/* The pool whose GPUs those are. */
static int32_t owner_of(const struct sim *sim, int32_t pool)
{
    int32_t other = sim->config->pools[pool].config->shares_pool;
    return other > 0 ? other - 1 : pool;
}

static bool shares(const struct sim *sim, int32_t pool)
{
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if (i != owner_of(sim, i) && (i == pool || owner_of(sim, i) == pool)) {
            return true;
        }
    }
    return false;
}

int64_t sleep_move_ns(const struct pool *pool)
{
    /* every GPU moves its part over its own link */
    int64_t bytes_per_s =
        pool->config->scheduler.host_bytes_per_s * layout_gpus(&pool->config->layout);
    return wide_narrow(
        wide_div_half_up((wide)boot_weight_bytes(pool) * 1000000000, bytes_per_s));
}

static void dwell_is_over(struct sim *sim, struct timer *timer)
{
    (void)timer;
    sim->sleep_due = true;
}

struct sleepers *sleep_new(struct sim *sim)
{
    bool any = false;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        any = any || owner_of(sim, i) != i;
    }
    if (!any) {
        return NULL;
    }
    struct sleepers *sleepers = memory_new(1, sizeof *sleepers);
    sleepers->dwell.phase = TIMER_BOOTS;
    sleepers->dwell.order = INT32_MAX;
    sleepers->dwell.fire = dwell_is_over;
    sleepers->next = memory_new((size_t)sim->n_replicas, sizeof *sleepers->next);
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        struct replica *replica = &sim->replicas[i];
        sleepers->next[i] = NOBODY;
        replica->sleeps = shares(sim, replica->pool->index);
        if (replica->sleeps &&
            owner_of(sim, replica->pool->index) != replica->pool->index) {
            replica->life.state = LIFE_ASLEEP;
        }
    }
    return sleepers;
}

void sleep_free(struct sleepers *sleepers)
{
    if (sleepers != NULL) {
        free(sleepers->next);
    }
    free(sleepers);
}

/* The index of the replica of `pool` that has the same GPUs as the `slot`th one of its
 * owner; of ranks that step together, that of the first. */
static int32_t index_of(const struct sim *sim, int32_t pool, int32_t slot)
{
    int32_t first = sim->first_of_pool[pool];
    return first + slot * lockstep_n(&sim->replicas[first]);
}

static struct replica *member(const struct sim *sim, int32_t pool, int32_t slot)
{
    return &sim->replicas[index_of(sim, pool, slot)];
}

static int32_t n_slots(const struct sim *sim, int32_t pool)
{
    int32_t first = sim->first_of_pool[pool];
    int32_t n = sim->first_of_pool[pool + 1] - first;
    return n / lockstep_n(&sim->replicas[first]);
}

/* Who of those with the owner's slot is not asleep. */
static struct replica *awake_at(struct sim *sim, int32_t owner, int32_t slot)
{
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if (owner_of(sim, i) == owner &&
            member(sim, i, slot)->life.state != LIFE_ASLEEP) {
            return member(sim, i, slot);
        }
    }
    return NULL;
}

/* The GPUs of a slot go from one to another. */
static void hand_over(struct sim *sim, struct replica *from, struct replica *to)
{
    const struct sleep_config *config = &sim->config->sleep;
    int64_t sleep_ns =
        config->sleep_ns > 0 ? config->sleep_ns : sleep_move_ns(from->pool);
    int64_t wake_ns = config->wake_ns > 0 ? config->wake_ns : sleep_move_ns(to->pool);
    sim->cause = to->pool->config->name;
    fleet_life(sim, from, LIFE_ASLEEP);
    sim->cause = "held";
    boot_start(sim, to, sleep_ns + wake_ns);
    sim->cause = "";
}

/* Replicas that drained for another model and are empty now. */
static void finish_drains(struct sim *sim)
{
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        int32_t pool = sim->replicas[i].pool->index;
        int32_t to = sim->sleepers->next[i];
        int32_t slot = (i - sim->first_of_pool[pool]) / lockstep_n(&sim->replicas[i]);
        if (to == NOBODY) {
            continue;
        }
        struct replica *from = awake_at(sim, pool, slot);
        if (from == NULL || from->life.state != LIFE_DRAINING) {
            sim->sleepers->next[i] = NOBODY; /* it failed meanwhile */
        } else if (fleet_is_empty(from)) {
            sim->sleepers->next[i] = NOBODY;
            hand_over(sim, from, member(sim, to, slot));
        }
    }
}

/* Whether a pool has no replica that is there, or will be without anybody's help. */
static bool is_dark(struct sim *sim, int32_t pool)
{
    int32_t owner = owner_of(sim, pool);
    for (int32_t slot = 0; slot < n_slots(sim, pool); slot++) {
        enum life_state state = member(sim, pool, slot)->life.state;
        if (state == LIFE_READY || state == LIFE_STARTING ||
            sim->sleepers->next[index_of(sim, owner, slot)] == pool) {
            return false;
        }
    }
    return true;
}

/* Finds GPUs for a pool. */
static void wake(struct sim *sim, int32_t pool)
{
    int32_t owner = owner_of(sim, pool);
    int64_t earliest_ns = INT64_MAX; /* when a dwell is over */
    int32_t oldest = NOBODY;         /* the first slot whose dwell is */
    for (int32_t slot = 0; slot < n_slots(sim, pool); slot++) {
        struct replica *from = awake_at(sim, owner, slot);
        if (from == NULL || from->life.state != LIFE_READY) {
            continue;
        }
        if (fleet_is_empty(from)) {
            hand_over(sim, from, member(sim, pool, slot));
            return;
        }
        int64_t over_ns = from->life.since_ns + sim->config->sleep.max_dwell_ns;
        if (over_ns <= sim->now_ns && oldest == NOBODY) {
            oldest = slot;
        }
        earliest_ns = over_ns < earliest_ns ? over_ns : earliest_ns;
    }
    if (oldest != NOBODY) {
        sim->sleepers->next[index_of(sim, owner, oldest)] = pool;
        sim->cause = sim->config->pools[pool].config->name;
        fleet_life(sim, awake_at(sim, owner, oldest), LIFE_DRAINING);
        sim->cause = "";
    } else if (earliest_ns < INT64_MAX && (!timer_is_set(&sim->sleepers->dwell) ||
                                           earliest_ns < sim->sleepers->dwell.at_ns)) {
        timer_set(&sim->timers, &sim->sleepers->dwell, earliest_ns);
    }
}

/* Pools that share and have nobody there, as bits. */
static uint64_t dark_pools(struct sim *sim)
{
    uint64_t dark = 0;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if (shares(sim, i) && is_dark(sim, i)) {
            dark |= (uint64_t)1 << i;
        }
    }
    return dark;
}

/* Whether nobody whom the request could go to is on the way already. */
static bool is_stuck(const struct sim *sim, const struct request *request)
{
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        if ((request->pools >> replica->pool->index & 1) != 0 &&
            replica->life.state == LIFE_STARTING) {
            return false;
        }
    }
    return true;
}

void sleep_look(struct sim *sim)
{
    sim->sleep_due = false;
    finish_drains(sim);
    uint64_t dark = sim->held.n > 0 ? dark_pools(sim) : 0;
    for (const struct request *r = sim->held.first; r != NULL && dark != 0;
         r = r->next) {
        uint64_t wanted = r->pools & dark;
        for (int32_t i = 0; i < sim->config->n_pools && wanted != 0; i++) {
            if ((wanted >> i & 1) == 0) {
                continue;
            }
            dark &= ~((uint64_t)1 << i);
            if (is_stuck(sim, r)) {
                wake(sim, i);
                break;
            }
        }
    }
}

void sleep_verify(const struct sim *sim)
{
    for (int32_t i = 0; sim->sleepers != NULL && i < sim->config->n_pools; i++) {
        if (!shares(sim, i) || owner_of(sim, i) != i) {
            continue;
        }
        for (int32_t slot = 0; slot < n_slots(sim, i); slot++) {
            int32_t n_awake = 0;
            for (int32_t j = 0; j < sim->config->n_pools; j++) {
                if (owner_of(sim, j) == i) {
                    const struct replica *one = member(sim, j, slot);
                    CHECK(one->life.state != LIFE_OFF);
                    n_awake += one->life.state != LIFE_ASLEEP;
                }
            }
            CHECK(n_awake == 1);
        }
    }
}
