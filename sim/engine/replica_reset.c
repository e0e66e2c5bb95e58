#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "engine/replica.h"

/* What the tier counted stays. */
static void forget_tier(struct replica *replica)
{
    struct tier before = replica->tier;
    tier_free(&replica->tier);
    tier_init(&replica->tier, &replica->pool->tiers, &replica->pool->cost,
              replica->pool->config->block_tokens);
    memcpy(replica->tier.n_fetched, before.n_fetched, sizeof before.n_fetched);
    replica->tier.n_offloaded = before.n_offloaded;
    replica->tier.n_spilled = before.n_spilled;
}

void replica_reset(struct replica *replica)
{
    CHECK(replica->running.n + replica_n_waiting(replica) == 0);
    CHECK(!replica->busy && kv_used(&replica->kv) == 0);
    prefix_free(replica->kv.prefix);
    replica->kv.prefix = NULL;
    forget_tier(replica);
    lora_forget(replica);
    fair_free(&replica->fair);
    fair_init(&replica->fair, replica->fair.on);
    if (replica->ops->state_size > 0) {
        memset(replica->policy_state, 0, replica->ops->state_size);
    }
    replica->wake_ns = REQUEST_NEVER;
    replica->frontend.free_ns = 0;
}
