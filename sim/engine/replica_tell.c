#include "engine/replica.h"

static void tell_row(struct replica *replica, const struct request *request,
                     const char *kind, int64_t tokens)
{
    int64_t after = replica_computed(replica, request) + tokens;
    int64_t n_blocks = kv_blocks(&replica->kv, after);
    if (n_blocks < request->held_blocks) {
        n_blocks = request->held_blocks; /* it holds some for what is to come */
    }
    struct probe_step row = {
        .step = replica->n_steps,
        .replica = replica->index,
        .start_ns = replica->span.start_ns,
        .end_ns = replica->span.end_ns,
        .id = request->id,
        .labels = request->labels,
        .kind = kind,
        .tokens = tokens,
        .context = after,
        .blocks = tokens > 0 ? n_blocks : 0,
    };
    replica->probe->step(replica->probe->state, &row);
}

void replica_tell_step(struct replica *replica)
{
    int64_t next = 0;
    for (const struct request *r = replica->running.first; r != NULL; r = r->next) {
        if (next < replica->n_grants && replica->grants[next].request == r) {
            const struct replica_grant *grant = &replica->grants[next++];
            tell_row(replica, r, grant->decode ? "decode" : "prefill", grant->tokens);
        } else if (r->in_group && replica->group_granted) {
            tell_row(replica, r, "decode", 1);
        }
    }
    for (int64_t i = 0; i < replica->n_preempted; i++) {
        tell_row(replica, replica->victims[i], "preempt", 0);
    }
}
