/* What a run consists of, from its beginning to its end. */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/fail.h"
#include "engine/fleet.h"
#include "engine/lockstep.h"
#include "engine/scaler.h"
#include "engine/sim.h"

static void init_memory(struct sim *sim, const struct sim_config *config,
                        const struct sim_source *source)
{
    *sim = (struct sim){.config = config, .source = source, .probe = *config->probe};
    sim->probe.state = sim;
    sim->probe.finish = sim_finished;
    sim->first_of_pool =
        memory_new((size_t)config->n_pools + 1, sizeof *sim->first_of_pool);
    for (int32_t i = 0; i < config->n_pools; i++) {
        sim->first_of_pool[i] = sim->n_replicas;
        sim->n_replicas += pool_places(&config->pools[i]);
    }
    sim->first_of_pool[config->n_pools] = sim->n_replicas;
    size_t n = (size_t)sim->n_replicas;
    sim->replicas = memory_new(n, sizeof *sim->replicas);
    sim->idle = memory_new(n, sizeof *sim->idle);
    sim->is_idle = memory_new(n, sizeof *sim->is_idle);
    sim->tick_at_ns = config->tick_ns > 0 ? config->tick_ns : INT64_MAX;
    foresight_init(&sim->foresight, &config->pools[0].config->scheduler, config->seed);
    admit_init(&sim->admit, config->admit);
    event_heap_init(&sim->steps, sim->n_replicas);
    histogram_init(&sim->itl);
}

/* The step probe gets the user's own state. */
static void tell_step(void *state, const struct probe_step *step)
{
    const struct probe *probe = ((struct sim *)state)->config->probe;
    probe->step(probe->state, step);
}

/* So do those of slices and loads. */
static void tell_slice(void *state, const struct replica *replica,
                       const struct probe_slice *slice)
{
    const struct probe *probe = ((struct sim *)state)->config->probe;
    probe->slice(probe->state, replica, slice);
}

static void tell_load(void *state, const struct replica *replica,
                      const struct probe_load *load)
{
    const struct probe *probe = ((struct sim *)state)->config->probe;
    probe->load(probe->state, replica, load);
}

static void reconsider(void *sim, struct replica *replica)
{
    fleet_reconsider(sim, replica);
}

static void init_router(struct sim *sim)
{
    static const struct route_config nothing = {0};
    const struct sim_config *config = sim->config;
    struct served_keys keys[SERVED_MOST_POOLS];
    int32_t faulty;
    struct err err;
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool_config *pool = config->pools[i].config;
        keys[i].model = pool->served_model != NULL ? pool->served_model : "";
        keys[i].classes = pool->classes != NULL ? pool->classes : "";
    }
    int status =
        served_init(&sim->served, keys, config->n_pools, &sim->arena, &faulty, &err);
    CHECK(status == 0); /* the reader of configurations saw to it */
    router_init(&sim->router, config->routing != NULL ? config->routing : &nothing,
                sim->replicas, sim->first_of_pool, config->n_pools,
                config->route->looks_at_kv ||
                    (config->decode_route != NULL && config->decode_route->looks_at_kv),
                config->seed);
    sim->router.state = sim;
    sim->router.reconsider = reconsider;
}

static void init_replicas(struct sim *sim)
{
    const struct sim_config *config = sim->config;
    int32_t index = 0;
    sim->probe.step = config->probe->step != NULL ? tell_step : NULL;
    sim->probe.slice = config->probe->slice != NULL ? tell_slice : NULL;
    sim->probe.load = config->probe->load != NULL ? tell_load : NULL;
    sim->forms = memory_new((size_t)config->n_pools, sizeof *sim->forms);
    for (int32_t i = 0; i < config->n_pools; i++) {
        const struct pool *pool = &config->pools[i];
        bool drafts = pool->config->speculative.method != SPECULATIVE_NONE;
        if (drafts && sim->speculation.generator == NULL) {
            rng_init(&sim->speculation, config->seed, "speculation");
        }
        cost_form_table_init(&sim->forms[i], &pool->cost,
                             pool->config->scheduler.max_num_seqs);
        for (; index < sim->first_of_pool[i + 1]; index++) {
            struct replica *replica = &sim->replicas[index];
            replica_init(replica, &config->pools[i], &config->policies[i], index,
                         config->stepwise);
            replica->probe = &sim->probe;
            replica->store = &sim->store;
            replica->sim = sim;
            replica->forms = &sim->forms[i];
            replica->pool_forms = &sim->forms[i];
            replica->alive = &sim->alive;
            replica->itl = config->want_itl ? &sim->itl : NULL;
            replica->view = &sim->router.views[index];
            replica->router = &sim->router;
            replica->draft.draws = &sim->speculation;
            replica->all = sim->replicas;
            replica->place = index - sim->first_of_pool[i];
            replica->usd_per_hour_nano =
                price_replica_nano(&pool->price, replica->place);
            bool is_there = replica->place < pool_n_schedulers(pool->config) &&
                            pool->config->shares_pool == 0;
            replica->life.state = is_there ? LIFE_READY : LIFE_OFF;
            router_set_ready(&sim->router, index, is_there);
        }
    }
}

/* Ranks of a replica that have a scheduler each step together. */
static void tie_ranks(struct sim *sim)
{
    sim->locksteps = memory_new((size_t)sim->n_replicas, sizeof *sim->locksteps);
    for (int32_t i = 0; i < sim->n_replicas;) {
        struct replica *first = &sim->replicas[i];
        int32_t n = (int32_t)layout_ranks(&first->pool->config->layout);
        if (n > 1) {
            lockstep_init(&sim->locksteps[sim->n_locksteps++], first, n);
        }
        i += n;
    }
}

void sim_init(struct sim *sim, const struct sim_config *config,
              const struct sim_source *source)
{
    init_memory(sim, config, source);
    init_router(sim);
    init_replicas(sim);
    transfer_init(sim);
    tie_ranks(sim);
    sim->cause = "";
    sim->scalers = scaler_new(sim);
    sim->sleepers = sleep_new(sim);
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct life *life = &sim->replicas[i].life;
        struct probe_life told = {
            .replica = i, .from = life->state, .to = life->state, .detail = ""};
        sim->n_on +=
            life->state == LIFE_READY && lockstep_first(&sim->replicas[i]) == i;
        if (config->probe->life != NULL) {
            config->probe->life(config->probe->state, &sim->replicas[i], &told);
        }
    }
    sim->most_on = sim->n_on;
}
