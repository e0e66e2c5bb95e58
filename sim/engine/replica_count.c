#include "engine/replica.h"

/* What the longest prompt of the step comes to, where the others are padded to it. */
int64_t replica_count_padded(const struct replica *replica)
{
    int64_t most = 0;
    if (replica->pool->config->scheduler.padding == 0) {
        return most;
    }
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        int64_t tokens = grant->request->computed_tokens + grant->tokens;
        most = tokens > most && !grant->decode ? tokens : most;
    }
    return most;
}

void replica_count_chunk(const struct replica *replica,
                         const struct replica_grant *grant, int64_t padded_tokens,
                         struct step_counts *counts)
{
    int64_t before = grant->request->computed_tokens;
    int64_t padding = padded_tokens - before - grant->tokens;
    int64_t room = BATCH_MOST_TOKENS - counts->prefill_tokens;
    padding = padding < room ? padding : room;
    padding = padding > 0 ? padding : 0;
    cost_count_chunk(&replica->pool->cost, counts, before, grant->tokens + padding);
    counts->padding_tokens += padding;
    counts->n_emitting += grant->tokens == request_missing_tokens(grant->request);
}
