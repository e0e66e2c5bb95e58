#include "engine/boot.h"

#include "base/wide.h"
#include "engine/fleet.h"
#include "engine/sim.h"

int64_t boot_length_ns(const struct scale_boot *boot, int64_t weight_bytes)
{
    const wide second_ns = 1000000000;
    int64_t read_ns = 0;
    if (boot->boot_ns > 0) {
        return boot->boot_ns;
    }
    if (boot->storage_bytes_per_s > 0) {
        read_ns = wide_narrow(
            wide_div_half_up(weight_bytes * second_ns, boot->storage_bytes_per_s));
    }
    return boot->image_ns + read_ns + boot->graph_capture_ns;
}

int64_t boot_weight_bytes(const struct pool *pool)
{
    const struct pool_config *config = pool->config;
    if (config->model_name[0] == '\0') {
        return 0;
    }
    bool drafts = config->speculative.method == SPECULATIVE_DRAFT &&
                  config->speculative.draft_model_name[0] != '\0';
    return llm_weight_bytes(&config->llm) +
           (drafts ? llm_weight_bytes(&config->speculative.draft) : 0);
}

int64_t boot_ns(const struct pool *pool)
{
    return boot_length_ns(&pool->config->scale.boot, boot_weight_bytes(pool));
}

static void is_ready(struct sim *sim, struct timer *timer)
{
    fleet_life(sim, &sim->replicas[timer->order], LIFE_READY);
}

void boot_start(struct sim *sim, struct replica *replica, int64_t length_ns)
{
    replica->boot.phase = TIMER_BOOTS;
    replica->boot.order = replica->index;
    replica->boot.fire = is_ready;
    timer_set(&sim->timers, &replica->boot, sim->now_ns + length_ns);
    fleet_life(sim, replica, LIFE_STARTING);
}

void boot_cancel(struct sim *sim, struct replica *replica)
{
    timer_cancel(&sim->timers, &replica->boot);
}
