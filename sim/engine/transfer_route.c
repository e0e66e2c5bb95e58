#include "engine/transfer_route.h"

#include "engine/fleet.h"
#include "engine/intake.h"
#include "engine/replica.h"
#include "engine/sim.h"

static bool is_splitwise(const struct transfers *transfers)
{
    return transfers->config != NULL &&
           transfers->config->policy == DISAGGREGATE_SPLITWISE;
}

int64_t transfer_route_part(const struct transfers *transfers, const struct pool *pool,
                            int64_t output_tokens)
{
    bool is_part = pool->config->role == POOL_PREFILL && !is_splitwise(transfers);
    return is_part ? 1 : output_tokens;
}

uint64_t transfer_route_pools(const struct transfers *transfers, uint64_t pools)
{
    uint64_t answers = transfers->decode_pools;
    if (is_splitwise(transfers)) {
        answers |= ~transfers->prefill_pools;
    }
    return (pools & answers) != 0 ? pools : pools & ~transfers->prefill_pools;
}

/* Of the replicas that are ready the one with the fewest prompt tokens, or requests. */
static int32_t least(const struct sim *sim, uint64_t pools, bool by_tokens)
{
    int32_t best = -1;
    int64_t best_key = 0;
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        if (replica->life.state != LIFE_READY ||
            (pools >> replica->pool->index & 1) == 0) {
            continue;
        }
        const struct route_view *view = replica->view;
        int64_t key = by_tokens ? view->prompt_tokens
                                : (int64_t)view->n_waiting + view->n_running;
        if (best < 0 || key < best_key) {
            best = i;
            best_key = key;
        }
    }
    return best;
}

static int32_t splitwise_first(const struct sim *sim, const struct request *request)
{
    const struct transfers *transfers = &sim->transfers;
    uint64_t mixed =
        request->pools & ~(transfers->prefill_pools | transfers->decode_pools);
    int32_t prefill = least(sim, request->pools & transfers->prefill_pools, true);
    int32_t both = least(sim, mixed, true);
    int32_t decode = least(sim, request->pools & transfers->decode_pools, false);
    int64_t most = transfers->config->overflow_tokens;
    if (prefill >= 0 && sim->router.views[prefill].prompt_tokens <= most) {
        return prefill;
    }
    if (both >= 0 && (sim->router.views[both].prompt_tokens <= most || decode < 0)) {
        return both;
    }
    return decode >= 0 ? decode : prefill;
}

/* Those of the request's pools that could compute what it comes with. */
static uint64_t able(const struct sim *sim, const struct request *request)
{
    uint64_t pools = request->pools;
    if (request->n_emitted == 0 || is_splitwise(&sim->transfers)) {
        return pools;
    }
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((pools & sim->transfers.prefill_pools & bit) != 0 &&
            !intake_fits(sim, &sim->config->pools[i], request->prompt_tokens,
                         request->n_emitted + 1)) {
            pools &= ~bit;
        }
    }
    return pools;
}

uint64_t transfer_route_wanted(const struct sim *sim, const struct request *request)
{
    const struct transfers *transfers = &sim->transfers;
    uint64_t decode = request->pools & transfers->decode_pools;
    if (decode == 0) {
        return request->pools;
    }
    uint64_t pools = able(sim, request);
    bool is_short = request->prompt_tokens < transfers->config->min_prompt_tokens;
    if (is_short || decode == pools) {
        return decode;
    }
    return is_splitwise(transfers) ? pools : pools & ~decode;
}

int32_t transfer_route_first(struct sim *sim, struct request *request)
{
    const struct transfers *transfers = &sim->transfers;
    uint64_t wanted = transfer_route_wanted(sim, request);
    bool decodes = wanted == (request->pools & transfers->decode_pools);
    if (!decodes && is_splitwise(transfers)) {
        return splitwise_first(sim, request);
    }
    return fleet_pick(sim, request, wanted, decodes);
}

/* Whether blocks for the request are free there now, nobody being before it. */
static bool has_room(const struct replica *replica, const struct request *request)
{
    const struct transfer_side *side = &replica->moving;
    int64_t need = kv_blocks(&replica->kv, request->computed_tokens);
    return side->inbound.n == 0 && replica->running.n < replica->limits.max_num_seqs &&
           need + replica->pool->watermark_blocks <=
               replica->kv.free_blocks - side->due_blocks;
}

/* The router's choice among the pools, if that has room, or the first that has; -1: none. */
static int32_t roomy(struct sim *sim, struct request *request, uint64_t pools)
{
    int32_t picked = pools != 0 ? fleet_pick(sim, request, pools, true) : -1;
    if (picked < 0 || has_room(&sim->replicas[picked], request)) {
        return picked;
    }
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct replica *replica = &sim->replicas[i];
        if (replica->life.state == LIFE_READY &&
            (pools >> replica->pool->index & 1) != 0 && has_room(replica, request)) {
            return i;
        }
    }
    return -1;
}

/* What KV caches hold is known as of the last boundary before now: it is made now, where
 * somebody asks. */
static void look(struct sim *sim, uint64_t pools)
{
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        struct replica *replica = &sim->replicas[i];
        if ((pools >> replica->pool->index & 1) != 0) {
            transfer_pull_look(sim, replica);
        }
    }
}

int32_t transfer_route_decode(struct sim *sim, struct request *request)
{
    const struct transfers *transfers = &sim->transfers;
    uint64_t decode = request->pools & transfers->decode_pools;
    if (!is_splitwise(transfers)) {
        return fleet_pick(sim, request, decode, true);
    }
    uint64_t mixed =
        request->pools & ~(transfers->prefill_pools | transfers->decode_pools);
    const struct replica *here = &sim->replicas[request->replica];
    look(sim, decode | mixed);
    int32_t picked = roomy(sim, request, decode);
    picked = picked < 0 ? roomy(sim, request, mixed) : picked;
    if (picked >= 0) {
        return picked;
    }
    if (!here->group.reserved && here->life.state == LIFE_READY) {
        return TRANSFER_ROUTE_STAYS;
    }
    return fleet_pick(sim, request, decode != 0 ? decode : mixed, true);
}
