#include "engine/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/intake.h"
#include "engine/sums.h"

/* Brings the area under the number of requests in the system up to now. */
static void sum_area(struct sim *sim)
{
    sim->totals.area += (wide)sim->n_in_system * (sim->now_ns - sim->area_until_ns);
    sim->area_until_ns = sim->now_ns;
}

/* Every request passes here on its way out. */
void sim_finished(void *state, struct probe_record *record)
{
    struct sim *sim = state;
    struct sim_totals *totals = &sim->totals;
    totals->n_by_status[record->status]++;
    totals->sojourn += record->finish_ns - record->arrival_ns;
    if (record->status == REQUEST_COMPLETED) {
        totals->output_tokens_completed += record->output_tokens;
        totals->computed_tokens_completed +=
            record->prompt_tokens - record->cached_tokens + record->output_tokens - 1;
    }
    CHECK(record->first_scheduled_ns == REQUEST_NEVER ||
          record->first_scheduled_ns >= record->arrival_ns);
    CHECK(record->first_token_ns == REQUEST_NEVER ||
          (record->first_token_ns >= record->first_scheduled_ns &&
           record->first_token_ns <= record->finish_ns));
    if (record->replica >= 0) {
        bool is_done = record->status == REQUEST_COMPLETED;
        int64_t service = record->prompt_tokens + 2 * record->output_tokens;
        shares_leave(&sim->shares, record->tenant, is_done ? service : 0,
                     record->finish_ns);
        sim->left_in_plan = true;
        sum_area(sim);
        sim->n_in_system--;
    } else { /* it never got as far as a replica: its area is booked here */
        totals->area += record->finish_ns - record->arrival_ns;
    }
    if (sim->source->finished != NULL) {
        sim->source->finished(sim->source->state, record);
    }
    sim->config->probe->finish(sim->config->probe->state, record);
}

static void init(struct sim *sim, const struct sim_config *config,
                 const struct sim_source *source)
{
    *sim = (struct sim){.config = config, .source = source, .probe = *config->probe};
    sim->probe.state = sim;
    sim->probe.finish = sim_finished;
    for (int32_t i = 0; i < config->n_pools; i++) {
        sim->n_replicas += (int32_t)config->pools[i].config->n_replicas;
    }
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
        for (int64_t j = 0; j < config->pools[i].config->n_replicas; j++, index++) {
            struct replica *replica = &sim->replicas[index];
            replica_init(replica, &config->pools[i], &config->policies[i], index,
                         config->stepwise);
            replica->probe = &sim->probe;
            replica->store = &sim->store;
            replica->forms = &sim->forms[i];
            replica->pool_forms = &sim->forms[i];
            replica->alive = &sim->alive;
            replica->itl = config->want_itl ? &sim->itl : NULL;
            replica->view = &sim->views[index];
            replica->draft.draws = &sim->speculation;
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
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        struct replica *replica = &sim->replicas[i];
        for (struct request *r; (r = queue_first(&replica->queue)) != NULL;) {
            free(r->labels);
            prefix_chain_free(r->chain);
            replica_queue_leave(replica, r);
        }
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
    free(sim->forms);
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

static void mark_idle(struct sim *sim, int32_t replica)
{
    if (!sim->is_idle[replica]) {
        sim->is_idle[replica] = true;
        sim->idle[sim->n_idle++] = replica;
    }
}

/* The replica's plans may have changed: it is idle now, or its span ends earlier. */
static void reconsider(struct sim *sim, struct replica *replica)
{
    bool was_busy = replica->busy;
    if (replica_interrupt(replica, sim->now_ns)) {
        if (was_busy) {
            event_heap_remove(&sim->steps, replica->index);
        }
        mark_idle(sim, replica->index);
    } else {
        event_heap_set(&sim->steps, replica->index, replica->span.end_ns);
    }
}

static void arrive(struct sim *sim)
{
    struct request *request = request_new(&sim->store);
    const struct sim_arrival *arrival = &sim->next;
    request->id = sim->next_id++;
    request->labels = arrival->labels;
    request->counted = arrival->counted;
    request->priority = arrival->priority;
    request->tenant = arrival->tenant;
    request->weight_nano = arrival->weight_nano > 0 ? arrival->weight_nano : 1000000000;
    request->has_acceptance = arrival->has_acceptance;
    request->acceptance_nano = arrival->acceptance_nano;
    request->deadline_ns = arrival->deadline_ns >= 0
                               ? arrival->arrival_ns + arrival->deadline_ns
                               : INT64_MAX;
    request->predicted_tokens = sim->next_predicted;
    request->prompt_tokens = arrival->prompt_tokens;
    request->output_tokens = arrival->output_tokens;
    request->arrival_ns = arrival->arrival_ns;
    request->first_scheduled_ns = REQUEST_NEVER;
    request->first_token_ns = REQUEST_NEVER;
    request->recompute_since_ns = REQUEST_NEVER;
    request->promoted_tokens = REQUEST_NEVER;
    sum_area(sim);
    sim->n_in_system++;
    sim->totals.area += sim->now_ns - arrival->arrival_ns; /* in the front end */
    if (sim->config->client_timeout_ns > 0) {
        request_alive_append(&sim->alive, request);
    }
    int32_t picked =
        sim->config->route->pick(sim->route_state, sim->views, sim->n_replicas);
    CHECK(picked >= 0 && picked < sim->n_replicas);
    struct replica *replica = &sim->replicas[picked];
    request->replica = picked;
    request->chain = intake_chain(replica->pool, arrival);
    request->max_new_tokens =
        pool_max_new_tokens(replica->pool, arrival->output_tokens);
    shares_arrive(&sim->shares, request->tenant, request->weight_nano,
                  arrival->arrival_ns);
    replica_enqueue(replica, request, sim->now_ns);
    if (!replica->busy) {
        mark_idle(sim, picked);
    } else if (!replica->closed) {
        reconsider(sim, replica);
    }
}

/* Who arrives now.  Somebody who has left in this instant may be followed by another. */
static int arrive_all(struct sim *sim, struct err *err)
{
    if (!sim->has_next && sim->source->finished != NULL && intake_next(sim, err) < 0) {
        return -1;
    }
    while (sim->has_next && sim->next_event_ns == sim->now_ns) {
        if (sim->next_is_gone) {
            intake_give_up(sim);
        } else {
            arrive(sim);
        }
        if (intake_next(sim, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Clients whose patience ends now. */
static void time_out(struct sim *sim)
{
    int64_t timeout_ns = sim->config->client_timeout_ns;
    while (sim->alive.first != NULL &&
           sim->alive.first->arrival_ns + timeout_ns == sim->now_ns) {
        struct request *request = sim->alive.first;
        struct replica *replica = &sim->replicas[request->replica];
        request_alive_remove(&sim->alive, request);
        reconsider(sim, replica);
        replica_give_up(replica, request, sim->now_ns);
    }
}

static int64_t next_timeout(const struct sim *sim)
{
    return sim->alive.first != NULL
               ? sim->alive.first->arrival_ns + sim->config->client_timeout_ns
               : INT64_MAX;
}

/* The earliest moment at which something other than a replica's own steps happens. */
static int64_t next_outside(const struct sim *sim)
{
    int64_t at_ns = sim->has_next ? sim->next_event_ns : INT64_MAX;
    int64_t timeout_ns = next_timeout(sim);
    return timeout_ns < at_ns ? timeout_ns : at_ns;
}

/* Plans every idle replica, in index order. */
static void plan_idle(struct sim *sim)
{
    /* with one replica the next arrival is its own, with many it is likely another's */
    int64_t horizon_ns = sim->n_replicas == 1 ? next_outside(sim) : INT64_MAX;
    for (int32_t i = 1; i < sim->n_idle; i++) { /* mostly one or two: insertion sort */
        int32_t replica = sim->idle[i];
        int32_t at = i;
        for (; at > 0 && sim->idle[at - 1] > replica; at--) {
            sim->idle[at] = sim->idle[at - 1];
        }
        sim->idle[at] = replica;
    }
    for (int32_t i = 0; i < sim->n_idle; i++) {
        struct replica *replica = &sim->replicas[sim->idle[i]];
        sim->is_idle[sim->idle[i]] = false;
        if (replica_plan(replica, sim->now_ns, horizon_ns)) {
            event_heap_set(&sim->steps, replica->index, replica->span.end_ns);
        } else if (replica->wake_ns > sim->now_ns) {
            event_heap_set(&sim->steps, replica->index, replica->wake_ns);
        } else {
            event_heap_remove(&sim->steps, replica->index);
        }
    }
    sim->n_idle = 0;
}

static void end_step(struct sim *sim)
{
    struct replica *replica = &sim->replicas[event_heap_pop(&sim->steps).replica];
    if (replica->busy) { /* else it only wanted to plan again now */
        replica_end(replica, sim->now_ns);
    }
    mark_idle(sim, replica->index);
}

/* Moves the clock; -1 if the run is to stop. */
static int set_clock(struct sim *sim, int64_t now_ns, struct err *err)
{
    const volatile sig_atomic_t *interrupted = sim->config->interrupted;
    CHECK(now_ns >= sim->now_ns);
    if (interrupted != NULL && *interrupted) {
        return err_set(err, "interrupted: nothing was written");
    }
    if (now_ns > SIM_MOST_NS) {
        return err_set(err,
                       "the run has come to second %" PRId64 " (%" PRId64
                       " years): it can go no further",
                       now_ns / 1000000000, now_ns / 1000000000 / 31557600);
    }
    if (sim_tick(sim, now_ns, err) != 0) {
        return -1;
    }
    sim->now_ns = now_ns;
    return 0;
}

int sim_run(struct sim *sim, const struct sim_config *config,
            const struct sim_source *source, struct err *err)
{
    init(sim, config, source);
    init_replicas(sim);
    if (intake_next(sim, err) < 0) {
        return -1;
    }
    for (;;) {
        int64_t now_ns = next_outside(sim);
        if (sim->steps.n > 0 && sim->steps.events[0].at_ns < now_ns) {
            now_ns = sim->steps.events[0].at_ns;
        }
        if (now_ns == INT64_MAX) {
            break;
        }
        if (set_clock(sim, now_ns, err) != 0) {
            return -1;
        }
        while (sim->steps.n > 0 && sim->steps.events[0].at_ns == now_ns) {
            end_step(sim);
        }
        time_out(sim);
        do { /* whoever a plan sheds may be followed by another at once */
            if (arrive_all(sim, err) < 0) {
                return -1;
            }
            sim->left_in_plan = false;
            plan_idle(sim);
        } while (sim->left_in_plan);
        if (config->verify) {
            sim_verify(sim);
        }
    }
    return sim_close(sim, err);
}

void sim_pool_sums(struct sim *sim, int32_t pool, int64_t at_ns,
                   struct replica_sums *sums)
{
    *sums = (struct replica_sums){0};
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        if (sim->replicas[i].pool->index == pool) {
            struct replica_sums one;
            sums_at(&sim->replicas[i], at_ns, &one);
            sums_add(sums, &one);
        }
    }
}
