/* What a run consists of, from its beginning to its end. */
#include <stdlib.h>

#include "base/memory.h"
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
    sim->views = memory_new(n, sizeof *sim->views);
    sim->idle = memory_new(n, sizeof *sim->idle);
    sim->is_idle = memory_new(n, sizeof *sim->is_idle);
    sim->route_state = memory_new(1, config->route->state_size);
    sim->tick_at_ns = config->tick_ns > 0 ? config->tick_ns : INT64_MAX;
    foresight_init(&sim->foresight, &config->pools[0].config->scheduler, config->seed);
    event_heap_init(&sim->steps, sim->n_replicas);
    histogram_init(&sim->itl);
}

/* The step probe gets the user's own state. */
static void tell_step(void *state, const struct probe_step *step)
{
    const struct probe *probe = ((struct sim *)state)->config->probe;
    probe->step(probe->state, step);
}

static void init_replicas(struct sim *sim)
{
    const struct sim_config *config = sim->config;
    int32_t index = 0;
    sim->probe.step = config->probe->step != NULL ? tell_step : NULL;
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
            replica->forms = &sim->forms[i];
            replica->alive = &sim->alive;
            replica->itl = config->want_itl ? &sim->itl : NULL;
            replica->view = &sim->views[index];
            replica->draft.draws = &sim->speculation;
            replica->all = sim->replicas;
            replica->usd_per_hour_nano = pool_usd_per_hour_nano(pool);
            bool is_there = index - sim->first_of_pool[i] < pool->config->n_replicas;
            replica->life.state = is_there ? LIFE_READY : LIFE_OFF;
        }
    }
}

/* What requests own; they themselves belong to the store. */
static void free_requests(const struct request_list *list)
{
    for (const struct request *r = list->first; r != NULL; r = r->next) {
        free(r->labels);
        prefix_chain_free(r->chain);
    }
}

void sim_free(struct sim *sim)
{
    transfer_free(sim);
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        struct replica *replica = &sim->replicas[i];
        for (struct request *r; (r = queue_first(&replica->queue)) != NULL;) {
            free(r->labels);
            prefix_chain_free(r->chain);
            replica_queue_leave(replica, r);
        }
        free_requests(&replica->frontend.requests);
        free_requests(&replica->arrived);
        free_requests(&replica->swap.requests);
        free_requests(&replica->running);
        replica_free(&sim->replicas[i]);
    }
    if (sim->has_next) {
        free(sim->next.labels);
        free(sim->next.parts);
    }
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        cost_form_table_free(&sim->forms[i]);
    }
    free_requests(&sim->held);
    free(sim->forms);
    free(sim->first_of_pool);
    timer_heap_free(&sim->timers);
    foresight_free(&sim->foresight);
    rng_free(&sim->speculation);
    shares_free(&sim->shares);
    request_store_free(&sim->store);
    event_heap_free(&sim->steps);
    histogram_free(&sim->itl);
    free(sim->replicas);
    free(sim->views);
    free(sim->idle);
    free(sim->is_idle);
    free(sim->route_state);
}

void sim_init(struct sim *sim, const struct sim_config *config,
              const struct sim_source *source)
{
    init_memory(sim, config, source);
    init_replicas(sim);
    transfer_init(sim);
}
