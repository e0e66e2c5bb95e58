/* From the moment at which a decode replica pulls a request to its landing there. */
#include "engine/fleet.h"
#include "engine/replica.h"
#include "engine/sim.h"
#include "engine/span.h"
#include "engine/transfer_net.h"

/* The KV cache is there: the request runs from the next plan on. */
static void land(struct sim *sim, struct transfer *transfer)
{
    struct transfer_tally *tally = &sim->transfers.tally;
    struct request *request = transfer->request;
    struct replica *to = &sim->replicas[transfer->to];
    int64_t blocks = transfer->blocks;
    int64_t took_ns = sim->now_ns - transfer->since_ns;
    tally->n++;
    tally->bytes += transfer->bytes;
    tally->sum_ns += took_ns;
    tally->wait_ns += transfer->pulled_ns - transfer->since_ns;
    tally->most_ns = took_ns > tally->most_ns ? took_ns : tally->most_ns;
    transfer_end(sim, transfer);
    bool caches = to->pool->config->scheduler.enable_prefix_caching != 0;
    if (caches ? request->chain == NULL : request->chain != NULL) {
        struct prefix_chain *other = request->spare_chain;
        request->spare_chain = request->chain;
        request->chain = other;
    }
    request->held_blocks = blocks;
    request->place = REQUEST_LANDED;
    request->enqueued_ns = sim->now_ns;
    request_list_remove(&to->moving.pulling, request);
    request_list_append(&to->moving.landed, request);
    fleet_reconsider(sim, to);
}

static void arrive(struct sim *sim, struct timer *timer)
{
    /* the timer stands in its transfer */
    struct transfer *transfer =
        (struct transfer *)(void *)((char *)timer - offsetof(struct transfer, timer));
    if (transfer->flows) {
        transfer->flows = false;
        link_stop(&sim->transfers.net, &transfer->flow, sim->now_ns);
        land(sim, transfer);
    } else if (transfer->left_bytes > 0) { /* that was the latency */
        transfer_net_start(sim, transfer);
    } else {
        land(sim, transfer);
    }
}

static void send(struct sim *sim, struct transfer *transfer)
{
    const struct disaggregate_config *config = sim->transfers.config;
    transfer->timer.phase = TIMER_TRANSFERS;
    transfer->timer.order = transfer->request->id;
    transfer->timer.fire = arrive;
    if (config->latency_ns > 0) {
        timer_set(&sim->timers, &transfer->timer, sim->now_ns + config->latency_ns);
    } else {
        arrive(sim, &transfer->timer);
    }
}

static int64_t needed_blocks(const struct replica *replica,
                             const struct request *request)
{
    int64_t tokens = replica->group.reserved
                         ? request->prompt_tokens + request->max_new_tokens - 1
                         : request->computed_tokens;
    return kv_blocks(&replica->kv, tokens);
}

static void pull(struct sim *sim, struct replica *replica, struct request *request,
                 int64_t n_blocks)
{
    struct transfer_side *side = &replica->moving;
    struct transfer *transfer = request->transfer;
    request_list_remove(&side->inbound, request);
    request_list_append(&side->pulling, request);
    sim->transfers.n_inbound--;
    transfer->is_pulled = true;
    transfer->pulled_ns = sim->now_ns;
    transfer->blocks = n_blocks;
    side->due_blocks += n_blocks;
    replica->limits.max_num_seqs--;
    send(sim, transfer);
}

void transfer_pull_look(struct sim *sim, struct replica *replica)
{
    if (replica->busy) {
        fleet_reconsider(sim, replica);
    }
    if (replica->busy && !replica->stepwise) { /* in the last step of its span */
        span_advance(replica, sim->now_ns);
    }
}

static void pull_all(struct sim *sim, struct replica *replica)
{
    struct transfer_side *side = &replica->moving;
    struct request *first = side->inbound.first;
    if (first == NULL || replica->running.n >= replica->limits.max_num_seqs) {
        return;
    }
    transfer_pull_look(sim, replica);
    for (; first != NULL && replica->running.n < replica->limits.max_num_seqs;
         first = side->inbound.first) {
        int64_t n_blocks = needed_blocks(replica, first);
        bool is_empty = replica->running.n == 0 && !transfer_side_holds(side);
        int64_t spare = is_empty ? 0 : replica->pool->watermark_blocks;
        if (n_blocks + spare > replica->kv.free_blocks - side->due_blocks) {
            return;
        }
        pull(sim, replica, first, n_blocks);
        if (!replica->busy) {
            fleet_mark(sim, replica);
        }
    }
}

void transfer_pull_again(struct sim *sim, struct replica *replica)
{
    if (replica->moving.inbound.n > 0) {
        transfer_mark(sim, replica);
    }
}

void transfer_pull(struct sim *sim)
{
    struct transfers *transfers = &sim->transfers;
    for (int32_t i = 0; i < transfers->n_due; i++) {
        struct replica *replica = &sim->replicas[transfers->due[i]];
        replica->moving.is_due = false;
        pull_all(sim, replica);
    }
    transfers->n_due = 0;
    for (int32_t i = 0; i < sim->n_idle && transfers->n_inbound > 0; i++) {
        struct replica *replica = &sim->replicas[sim->idle[i]];
        if (!replica->busy) { /* else it is only looked at, as one that drains is */
            pull_all(sim, replica);
        }
    }
}
