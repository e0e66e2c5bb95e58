#include "engine/transfer_verify.h"

#include "base/check.h"
#include "engine/fleet.h"
#include "engine/replica.h"
#include "engine/sim.h"

static void verify_inbound(const struct replica *replica)
{
    const struct transfer_side *side = &replica->moving;
    int64_t n = 0;
    for (const struct request *r = side->inbound.first; r != NULL; r = r->next, n++) {
        const struct transfer *transfer = r->transfer;
        CHECK(r->place == REQUEST_MOVING && r->replica == replica->index);
        CHECK(transfer->request == r && transfer->to == replica->index);
        CHECK(!transfer->is_pulled && !transfer->flows);
        CHECK(!timer_is_set(&transfer->timer));
    }
    CHECK(n == side->inbound.n);
    if (n == 0 || replica->busy || replica->running.n >= replica->limits.max_num_seqs) {
        return; /* of a busy one the KV cache may not be up to date */
    }
    const struct request *first = side->inbound.first;
    CHECK(kv_blocks(&replica->kv, first->prompt_tokens + first->max_new_tokens - 1) +
              replica->pool->watermark_blocks >
          replica->kv.free_blocks);
}

static void verify_pulling(const struct replica *replica, int64_t *held_blocks)
{
    const struct transfer_side *side = &replica->moving;
    int64_t n = 0;
    for (const struct request *r = side->pulling.first; r != NULL; r = r->next, n++) {
        const struct transfer *transfer = r->transfer;
        CHECK(r->place == REQUEST_MOVING && r->replica == replica->index);
        CHECK(transfer->request == r && transfer->to == replica->index);
        CHECK(transfer->is_pulled && timer_is_set(&transfer->timer));
        CHECK(!transfer->flows || transfer->timer.at_ns == transfer->flow.done_ns);
        CHECK(transfer->blocks >= kv_blocks(&replica->kv, r->computed_tokens));
        *held_blocks += transfer->blocks;
    }
    CHECK(n == side->pulling.n);
    n = 0;
    for (const struct request *r = side->landed.first; r != NULL; r = r->next, n++) {
        CHECK(r->place == REQUEST_LANDED && r->replica == replica->index);
        CHECK(r->transfer == NULL && !r->decoding && r->n_emitted > 0);
        CHECK(request_missing_tokens(r) == 1);
        *held_blocks += r->held_blocks;
    }
    CHECK(n == side->landed.n);
}

void transfer_verify_replica(const struct replica *replica, int64_t *held_blocks,
                             int64_t *n_shares)
{
    const struct transfer_side *side = &replica->moving;
    int64_t n = 0;
    CHECK(side->on || transfer_side_n_in(side) + side->n_from + side->leaving.n == 0);
    verify_inbound(replica);
    verify_pulling(replica, held_blocks);
    *held_blocks -= side->due_blocks;
    for (const struct transfer *t = side->first_from; t != NULL; t = t->next, n++) {
        const struct request *r = t->request;
        CHECK(r->transfer == t && t->from == replica->index);
        CHECK(t->before != NULL ? t->before->next == t : t == side->first_from);
        CHECK(r->held_blocks >= kv_blocks(&replica->kv, r->computed_tokens));
        *held_blocks += r->held_blocks;
        *n_shares += r->chain != NULL ? prefix_chain_shares(r->chain) : 0;
    }
    CHECK(n == side->n_from);
    for (int64_t i = 0; i < side->leaving.n; i++) { /* when the step ends */
        const struct leave_entry *left = &side->leaving.entries[i];
        CHECK(replica->busy);
        *held_blocks += left->held_blocks;
        *n_shares += left->chain != NULL ? prefix_chain_shares(left->chain) : 0;
    }
    for (const struct request *r = side->landed.first; r != NULL; r = r->next) {
        *n_shares += r->chain != NULL ? prefix_chain_shares(r->chain) : 0;
    }
    CHECK(replica->busy || side->due_blocks == 0);
    CHECK(replica->limits.max_num_seqs + side->pulling.n + side->landed.n ==
          replica->pool->config->scheduler.max_num_seqs);
}

void transfer_verify_run(const struct sim *sim)
{
    const struct transfers *transfers = &sim->transfers;
    int64_t n_inbound = 0;
    int64_t n_from = 0;
    int64_t n_in = transfers->unplaced.n;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        const struct transfer_side *side = &replica->moving;
        n_inbound += side->inbound.n;
        n_in += side->inbound.n + side->pulling.n;
        n_from += side->n_from;
        bool answers = (transfers->decode_pools >> replica->pool->index & 1) != 0;
        CHECK(!fleet_is_empty(replica) || replica->view->prompt_tokens == 0);
        CHECK(transfers->unplaced.n == 0 || !answers ||
              replica->life.state != LIFE_READY);
    }
    CHECK(n_inbound == transfers->n_inbound && n_from == n_in);
    CHECK(transfers->out.n == 0 && transfers->n_due == 0);
    for (const struct request *r = transfers->unplaced.first; r != NULL; r = r->next) {
        CHECK(r->place == REQUEST_MOVING && r->transfer->to < 0);
    }
    link_verify(&transfers->net);
}
