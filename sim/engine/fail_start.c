#include "base/memory.h"
#include "engine/fail.h"
#include "engine/fail_state.h"

/* Replicas of the pool that are slow from the start are so; and paces that events give
 * them have prices. */
static int start_paces(struct sim *sim, int32_t pool_index, struct err *err)
{
    const struct pool *pool = &sim->config->pools[pool_index];
    const struct fail_events *failures = &sim->config->failures;
    int64_t own_nano[2] = {SLOW_NOT, pool->config->slow_factor_nano};
    int n_own = 1 + (pool->config->slow_share_nano > 0);
    for (int i = 0; i < n_own; i++) {
        if (slow_add(&sim->slow, pool, own_nano[i], err) != 0) {
            return -1;
        }
        for (int64_t j = 0; j < failures->n; j++) {
            const struct fail_event *event = &failures->events[j];
            if (event->kind == FAIL_SLOW && event->pool == pool_index &&
                slow_add(&sim->slow, pool, slow_times(own_nano[i], event->factor_nano),
                         err) != 0) {
                return -1;
            }
        }
    }
    int32_t first = sim->first_of_pool[pool_index];
    for (int32_t i = first; i < sim->first_of_pool[pool_index + 1] && n_own > 1; i++) {
        int32_t number = (i - first) / lockstep_n(&sim->replicas[i]);
        bool is_slow = fail_config_is_slow(pool->config, number);
        slow_set(&sim->slow, &sim->replicas[i], own_nano[is_slow]);
    }
    return 0;
}

static void add_unit(struct fail *fail, int32_t first, int32_t end, int32_t n_ranks)
{
    struct fail_unit *unit = &fail->units[fail->n_units++];
    *unit = (struct fail_unit){
        .first = first, .end = end, .n_ranks = n_ranks, .n_nodes = 1};
    for (int32_t i = first; i < end; i += n_ranks) {
        fail->places[i].unit = unit;
    }
}

static void add_units(struct sim *sim, int32_t pool)
{
    const struct pool_config *config = sim->config->pools[pool].config;
    int32_t base = sim->first_of_pool[pool];
    int32_t n_ranks = lockstep_n(&sim->replicas[base]);
    int32_t n = (sim->first_of_pool[pool + 1] - base) / n_ranks;
    int32_t first = 0;
    int32_t end = 0;
    for (int64_t node = 0; sim->fail->config->scope == FAIL_NODE || end < n; node++) {
        if (sim->fail->config->scope == FAIL_REPLICA) {
            first = end++;
        } else if (!fail_config_node(config, n, node, &first, &end)) {
            return;
        }
        struct fail_unit *unit = sim->fail->places[base + first * n_ranks].unit;
        if (unit != NULL) { /* it falls with any of its nodes */
            unit->n_nodes++;
            continue;
        }
        add_unit(sim->fail, base + first * n_ranks, base + end * n_ranks, n_ranks);
    }
}

int fail_start(struct sim *sim, struct err *err)
{
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        if (start_paces(sim, i, err) != 0) {
            return -1;
        }
    }
    if (sim->config->fail == NULL || !fail_config_any(sim->config->fail)) {
        return 0;
    }
    size_t n = (size_t)sim->n_replicas;
    sim->fail = memory_new(1, sizeof *sim->fail);
    sim->fail->config = sim->config->fail;
    sim->fail->units = memory_new(n, sizeof *sim->fail->units);
    sim->fail->places = memory_new(n, sizeof *sim->fail->places);
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        add_units(sim, i);
    }
    int32_t number = 0;
    for (int32_t i = 0; i < sim->n_replicas; i += lockstep_n(&sim->replicas[i])) {
        sim->fail->places[i].own_nano = sim->replicas[i].slow_nano;
        sim->fail->places[i].number = number++;
    }
    fail_set_timers(sim);
    return 0;
}
