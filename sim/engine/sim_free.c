/* The end of a run: everything that it holds. */
#include <stdlib.h>

#include "engine/fail.h"
#include "engine/lockstep.h"
#include "engine/scaler.h"
#include "engine/sim.h"
#include "engine/sleep.h"
#include "engine/transfer.h"

/* What requests own; they themselves belong to the store. */
static void free_requests(const struct request_list *list)
{
    for (const struct request *r = list->first; r != NULL; r = r->next) {
        free(r->labels);
        prefix_chain_free(r->chain);
        prefix_chain_free(r->spare_chain);
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
            prefix_chain_free(r->spare_chain);
            replica_queue_leave(replica, r);
        }
        free_requests(&replica->frontend.requests);
        free_requests(&replica->arrived);
        free_requests(&replica->swap.requests);
        free_requests(&replica->running);
        replica_free(&sim->replicas[i]);
    }
    for (int32_t i = 0; i < sim->n_locksteps; i++) {
        lockstep_free(&sim->locksteps[i]);
    }
    free(sim->locksteps);
    if (sim->next_is_read) {
        free(sim->next.labels);
        free(sim->next.parts);
    }
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        cost_form_table_free(&sim->forms[i]);
    }
    scaler_free(sim->scalers, sim->config->n_pools);
    sleep_free(sim->sleepers);
    free_requests(&sim->held);
    free_requests(&sim->away);
    free(sim->forms);
    free(sim->first_of_pool);
    timer_heap_free(&sim->timers);
    fail_free(sim);
    foresight_free(&sim->foresight);
    rng_free(&sim->speculation);
    shares_free(&sim->shares);
    request_store_free(&sim->store);
    event_heap_free(&sim->steps);
    histogram_free(&sim->itl);
    free(sim->replicas);
    free(sim->idle);
    free(sim->is_idle);
    router_free(&sim->router);
    memory_arena_free(&sim->arena);
}
