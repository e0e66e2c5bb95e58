#include "engine/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/fleet.h"
#include "engine/replica.h"
#include "engine/scaler.h"
#include "engine/sim.h"
#include "engine/sums.h"
#include "engine/transfer_net.h"
#include "engine/transfer_route.h"

void transfer_init(struct sim *sim)
{
    struct transfers *transfers = &sim->transfers;
    transfers->config = sim->config->disaggregate;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        int64_t role = sim->config->pools[i].config->role;
        transfers->prefill_pools |= (uint64_t)(role == POOL_PREFILL) << i;
        transfers->decode_pools |= (uint64_t)(role == POOL_DECODE) << i;
    }
    transfers->on = transfers->config != NULL &&
                    (transfers->prefill_pools | transfers->decode_pools) != 0;
    if (!transfers->on) {
        return;
    }
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        sim->replicas[i].moving.on = true;
        sim->replicas[i].moving.out = &transfers->out;
    }
    transfers->due = memory_new((size_t)sim->n_replicas, sizeof *transfers->due);
    transfer_net_init(sim);
}

static void free_requests(struct request_list *list)
{
    for (struct request *r = list->first; r != NULL; r = r->next) {
        free(r->transfer);
        free(r->labels);
        prefix_chain_free(r->chain);
        prefix_chain_free(r->spare_chain);
    }
}

void transfer_free(struct sim *sim)
{
    struct transfers *transfers = &sim->transfers;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        struct transfer_side *side = &sim->replicas[i].moving;
        free_requests(&side->inbound);
        free_requests(&side->pulling);
        free_requests(&side->landed);
        leave_free(&side->leaving);
    }
    free_requests(&transfers->out);
    free_requests(&transfers->unplaced);
    while (transfers->spare != NULL) {
        struct transfer *next = transfers->spare->next;
        free(transfers->spare);
        transfers->spare = next;
    }
    transfer_net_free(transfers);
    free(transfers->due);
}

/* A request counts as waiting at the replica that is to answer it, until it runs. */
static void count_in(struct sim *sim, struct replica *replica, struct request *request)
{
    sums_state(replica, sim->now_ns);
    request->replica = replica->index;
    router_sent(&sim->router, replica->index, request->prompt_tokens);
}

static void count_out(struct sim *sim, struct replica *replica,
                      const struct request *request)
{
    sums_state(replica, sim->now_ns);
    replica->view->n_waiting--;
    router_left(&sim->router, replica->index, request->prompt_tokens);
}

void transfer_mark(struct sim *sim, struct replica *replica)
{
    if (!replica->moving.is_due) {
        replica->moving.is_due = true;
        sim->transfers.due[sim->transfers.n_due++] = replica->index;
    }
}

static struct transfer *new_transfer(struct sim *sim, struct request *request)
{
    struct transfers *transfers = &sim->transfers;
    struct transfer *transfer = transfers->spare;
    if (transfer != NULL) {
        transfers->spare = transfer->next;
        memset(transfer, 0, sizeof *transfer);
    } else {
        transfer = memory_new(1, sizeof *transfer);
    }
    struct replica *from = &sim->replicas[request->replica];
    transfer->request = request;
    transfer->from = from->index;
    transfer->to = -1;
    transfer->since_ns = sim->now_ns;
    transfer->next = from->moving.first_from;
    if (transfer->next != NULL) {
        transfer->next->before = transfer;
    }
    from->moving.first_from = transfer;
    from->moving.n_from++;
    request->transfer = transfer;
    return transfer;
}

/* The replica gets its blocks back between two steps, and knows what it knows of them. */
static void give_back(struct sim *sim, struct replica *replica, struct request *request)
{
    struct prefix_chain *copy =
        request->chain != NULL ? prefix_chain_copy(request->chain) : NULL;
    sums_state(replica, sim->now_ns);
    fleet_reconsider(sim, replica);
    leave_add(&replica->moving.leaving, &replica->kv, request, true);
    request->chain = copy;
    request->held_blocks = 0;
}

void transfer_end(struct sim *sim, struct transfer *transfer)
{
    struct replica *from = &sim->replicas[transfer->from];
    struct request *request = transfer->request;
    request->transfer_ns += sim->now_ns - transfer->since_ns;
    request->transfer = NULL;
    give_back(sim, from, request);
    *(transfer->before != NULL ? &transfer->before->next : &from->moving.first_from) =
        transfer->next;
    if (transfer->next != NULL) {
        transfer->next->before = transfer->before;
    }
    from->moving.n_from--;
    timer_cancel(&sim->timers, &transfer->timer);
    transfer->next = sim->transfers.spare;
    sim->transfers.spare = transfer;
}

/* A decode replica is there for it. */
static void place(struct sim *sim, struct transfer *transfer, int32_t picked)
{
    const struct disaggregate_config *config = sim->transfers.config;
    const struct replica *from = &sim->replicas[transfer->from];
    struct request *request = transfer->request;
    struct replica *to = &sim->replicas[picked];
    CHECK(picked != transfer->from);
    transfer->to = picked;
    request->max_new_tokens = pool_max_new_tokens(to->pool, request->output_tokens);
    transfer->bytes = disaggregate_bytes(config, from->pool, request->computed_tokens);
    transfer->left_bytes =
        config->links == DISAGGREGATE_INFINITE
            ? 0
            : disaggregate_left(config, from->pool, transfer->bytes,
                                transfer->since_ns - transfer->step_began_ns);
    count_in(sim, to, request);
    scaler_sent(sim->scalers, to->pool->index);
    request_list_append(&to->moving.inbound, request);
    sim->transfers.n_inbound++;
    transfer_mark(sim, to);
}

/* No decode replica came for too long. */
static void stop_waiting(struct sim *sim, struct timer *timer)
{
    struct request *request = request_of_timer(timer);
    struct replica *replica = &sim->replicas[request->replica];
    transfer_drop(sim, request);
    request->reason = REASON_NO_CAPACITY;
    replica_finish(replica, request, REQUEST_FAILED, sim->now_ns);
}

static void wait(struct sim *sim, struct request *request)
{
    request_list_append(&sim->transfers.unplaced, request);
    request->timer.phase = TIMER_CLOCKS;
    request->timer.order = request->id;
    request->timer.fire = stop_waiting;
    if (sim->config->hold_timeout_ns > 0) {
        timer_set(&sim->timers, &request->timer,
                  sim->now_ns + sim->config->hold_timeout_ns);
    }
    if (sim->scalers != NULL) {
        request->wanted = request->pools & sim->transfers.decode_pools;
        scaler_held(sim, request);
    }
}

/* It runs on where it is, like one whose KV cache has come there. */
static void stay(struct sim *sim, struct request *request)
{
    struct replica *replica = &sim->replicas[request->replica];
    request->max_new_tokens =
        pool_max_new_tokens(replica->pool, request->output_tokens);
    request->place = REQUEST_LANDED;
    request->enqueued_ns = sim->now_ns;
    count_in(sim, replica, request);
    replica->limits.max_num_seqs--;
    request_list_append(&replica->moving.landed, request);
}

/* What it has paid here is told to this replica when it leaves; what an earlier attempt had
 * paid elsewhere for the same is lost there. */
static void carry_shares(struct sim *sim, struct request *request)
{
    if (request->prefill_replica >= 0) {
        struct replica_tally *tally = &sim->replicas[request->prefill_replica].tally;
        tally->lost_ns += request->carried_paid_ns;
        tally->lost_pj += request->carried_energy_pj;
    }
    request->prefill_replica = request->replica;
    request->carried_paid_ns = request->paid_ns;
    request->carried_energy_pj = request->energy_pj;
    request->paid_ns = 0;
    request->energy_pj = 0;
}

void transfer_begin(struct sim *sim)
{
    struct transfers *transfers = &sim->transfers;
    for (struct request *request; (request = transfers->out.first) != NULL;) {
        request_list_remove(&transfers->out, request);
        request->moves = false;
        int32_t picked = transfer_route_decode(sim, request);
        if (picked == TRANSFER_ROUTE_STAYS) {
            stay(sim, request);
            continue;
        }
        struct transfer *transfer = new_transfer(sim, request);
        transfer->step_began_ns = sim->replicas[request->replica].last_start_ns;
        carry_shares(sim, request);
        if (picked < 0) {
            wait(sim, request);
        } else {
            place(sim, transfer, picked);
        }
    }
}

void transfer_ready(struct sim *sim)
{
    struct request *next;
    for (struct request *r = sim->transfers.unplaced.first; r != NULL; r = next) {
        next = r->next;
        int32_t picked = transfer_route_decode(sim, r);
        if (picked >= 0) {
            request_list_remove(&sim->transfers.unplaced, r);
            timer_cancel(&sim->timers, &r->timer);
            place(sim, r->transfer, picked);
        }
    }
}

/* Takes a request from where it waits for its KV cache, or has it. */
static void leave_to(struct sim *sim, struct replica *to, struct request *request)
{
    struct transfer_side *side = &to->moving;
    const struct transfer *transfer = request->transfer;
    count_out(sim, to, request);
    if (transfer != NULL && !transfer->is_pulled) {
        request_list_remove(&side->inbound, request);
        sim->transfers.n_inbound--;
        transfer_mark(sim, to); /* the one behind it may need less */
        fleet_mark(sim, to);    /* and if it drains that may have been the last */
        return;
    }
    request_list_remove(transfer != NULL ? &side->pulling : &side->landed, request);
    to->limits.max_num_seqs++;
    if (transfer != NULL) {
        fleet_reconsider(sim, to);
        side->due_blocks -= transfer->blocks;
    } else {
        give_back(sim, to, request);
    }
    transfer_mark(sim, to);
}

void transfer_drop(struct sim *sim, struct request *request)
{
    struct transfer *transfer = request->transfer;
    CHECK(request->place == REQUEST_MOVING || request->place == REQUEST_LANDED);
    if (transfer == NULL || transfer->to >= 0) {
        leave_to(sim, &sim->replicas[request->replica], request);
    } else {
        request_list_remove(&sim->transfers.unplaced, request);
        timer_cancel(&sim->timers, &request->timer);
    }
    if (transfer != NULL) {
        if (transfer->flows) {
            link_stop(&sim->transfers.net, &transfer->flow, sim->now_ns);
        }
        transfer_end(sim, transfer);
    }
    request->place = REQUEST_MOVING;
}

struct request *transfer_first_at(struct replica *replica)
{
    struct transfer_side *side = &replica->moving;
    if (side->first_from != NULL) {
        return side->first_from->request;
    }
    return side->inbound.first != NULL   ? side->inbound.first
           : side->pulling.first != NULL ? side->pulling.first
                                         : side->landed.first;
}

void transfer_give_up(struct sim *sim, struct request *request)
{
    struct replica *replica = &sim->replicas[request->replica];
    transfer_drop(sim, request);
    replica_finish(replica, request, REQUEST_TIMED_OUT, sim->now_ns);
}
