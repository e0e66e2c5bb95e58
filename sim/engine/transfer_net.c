#include "engine/transfer_net.h"

#include <stdlib.h>

#include "base/memory.h"
#include "engine/replica.h"
#include "engine/sim.h"

/* Lines of the net: those of replicas out and in, then those of nodes. */
enum { OUT, IN, WAYS };

static int32_t replica_line(int32_t replica, int way)
{
    return replica * WAYS + way;
}

static int32_t node_line(const struct sim *sim, int32_t replica, int way)
{
    const struct pool *pool = sim->replicas[replica].pool;
    int64_t at =
        (replica - sim->first_of_pool[pool->index]) / disaggregate_per_node(pool);
    int64_t node = sim->transfers.first_node[pool->index] + at;
    return (int32_t)((sim->n_replicas + node) * WAYS + way);
}

/* When a flow is done has changed. */
static void moved(void *state, struct link_flow *flow)
{
    struct sim *sim = state;
    /* the flow stands in its transfer */
    struct transfer *transfer =
        (struct transfer *)(void *)((char *)flow - offsetof(struct transfer, flow));
    timer_set(&sim->timers, &transfer->timer, flow->done_ns);
}

static void number_nodes(struct sim *sim)
{
    struct transfers *transfers = &sim->transfers;
    for (int32_t i = 0; i < sim->config->n_pools; i++) {
        int64_t per_node = disaggregate_per_node(&sim->config->pools[i]);
        int64_t n_places = sim->first_of_pool[i + 1] - sim->first_of_pool[i];
        transfers->first_node[i] = transfers->n_nodes;
        transfers->n_nodes += (int32_t)((n_places + per_node - 1) / per_node);
    }
}

void transfer_net_init(struct sim *sim)
{
    struct transfers *transfers = &sim->transfers;
    const struct disaggregate_config *config = transfers->config;
    if (config->links == DISAGGREGATE_INFINITE) {
        return;
    }
    transfers->first_node =
        memory_new((size_t)sim->config->n_pools, sizeof *transfers->first_node);
    if (config->node_bytes_per_s > 0) {
        number_nodes(sim);
    }
    int32_t n_lines = (sim->n_replicas + transfers->n_nodes) * WAYS;
    int64_t *bytes_per_s = memory_new((size_t)n_lines, sizeof *bytes_per_s);
    for (int32_t i = 0; i < sim->n_replicas; i++) {
        const struct pool *pool = sim->replicas[i].pool;
        for (int way = 0; way < WAYS; way++) {
            bytes_per_s[replica_line(i, way)] =
                disaggregate_replica_bandwidth(config, pool);
            if (config->node_bytes_per_s > 0) {
                bytes_per_s[node_line(sim, i, way)] =
                    disaggregate_node_bandwidth(config, pool);
            }
        }
    }
    link_init(&transfers->net, bytes_per_s, n_lines, moved, sim);
    free(bytes_per_s);
}

void transfer_net_free(struct transfers *transfers)
{
    link_free(&transfers->net);
    free(transfers->first_node);
}

void transfer_net_start(struct sim *sim, struct transfer *transfer)
{
    struct link_flow *flow = &transfer->flow;
    flow->n_links = 2;
    flow->links[0] = replica_line(transfer->from, OUT);
    flow->links[1] = replica_line(transfer->to, IN);
    if (sim->transfers.config->node_bytes_per_s > 0) {
        flow->links[flow->n_links++] = node_line(sim, transfer->from, OUT);
        flow->links[flow->n_links++] = node_line(sim, transfer->to, IN);
    }
    transfer->flows = true;
    link_start(&sim->transfers.net, flow, transfer->left_bytes, sim->now_ns);
}

void transfer_net_busy(const struct sim *sim, wide *busy_ns, wide *all_ns,
                       int64_t *most_ns)
{
    const struct transfers *transfers = &sim->transfers;
    int64_t end_ns = sim->totals.end_ns;
    *busy_ns = 0;
    *all_ns = 0;
    *most_ns = 0;
    for (int32_t i = 0; i < sim->n_replicas && transfers->net.n_lines > 0; i++) {
        int32_t pool = sim->replicas[i].pool->index;
        bool sends = (transfers->prefill_pools >> pool & 1) != 0;
        bool takes = (transfers->decode_pools >> pool & 1) != 0;
        for (int way = 0; way < WAYS; way++) {
            int64_t ns = link_busy_ns(&transfers->net, replica_line(i, way), end_ns);
            *busy_ns += ns;
            *all_ns += (way == OUT ? sends : takes) ? end_ns : 0;
            *most_ns = ns > *most_ns ? ns : *most_ns;
        }
    }
}
