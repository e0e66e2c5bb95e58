#include "engine/replica.h"

static struct probe_step row_of(const struct replica *replica,
                                const struct request *request, const char *kind,
                                int64_t tokens)
{
    /* a member of the group takes blocks as it goes, unless it holds all from the start */
    bool runs = request->place == REQUEST_RUNNING;
    int64_t after = runs ? replica_computed(replica, request) + tokens : 0;
    int64_t held = kv_blocks(&replica->kv, after);
    if (held < request->held_blocks) {
        held = request->held_blocks;
    }
    return (struct probe_step){
        .step = replica->n_steps,
        .replica = replica->index,
        .start_ns = replica->span.start_ns,
        .end_ns = replica->span.end_ns,
        .id = request->id,
        .labels = request->labels,
        .kind = kind,
        .tokens = tokens,
        .context = after,
        .blocks = held,
    };
}

static void tell_row(struct replica *replica, const struct request *request,
                     const char *kind, int64_t tokens)
{
    struct probe_step row = row_of(replica, request, kind, tokens);
    replica->probe->step(replica->probe->state, &row);
}

/* Tells what was granted, of some kinds only, in the order of the running list. */
static void tell_grants(struct replica *replica, bool prompts, bool decodes)
{
    int64_t next = 0;
    for (const struct request *r = replica->running.first; r != NULL; r = r->next) {
        while (next < replica->n_grants &&
               !(replica->grants[next].decode ? decodes : prompts)) {
            next++;
        }
        if (next < replica->n_grants && replica->grants[next].request == r) {
            const struct replica_grant *grant = &replica->grants[next++];
            tell_row(replica, r, grant->decode ? "decode" : "prefill", grant->tokens);
        } else if (decodes && r->in_group && replica->group_granted) {
            tell_row(replica, r, "decode", 1);
        }
    }
}

void replica_tell_step(struct replica *replica)
{
    bool apart = replica->ops->prompts_first;
    if (apart) {
        tell_grants(replica, true, false);
    }
    tell_grants(replica, !apart, true);
    for (int64_t i = 0; i < replica->n_preempted; i++) {
        tell_row(replica, replica->victims[i], "preempt", 0);
    }
}

void replica_tell_abort(struct replica *replica, int64_t now_ns)
{
    for (const struct request *r = replica->running.first; r != NULL; r = r->next) {
        int64_t tokens = r->in_group && replica->group_granted;
        for (int64_t i = 0; i < replica->n_grants; i++) {
            if (replica->grants[i].request == r) {
                tokens = replica->grants[i].tokens;
            }
        }
        if (tokens > 0) {
            struct probe_step row = row_of(replica, r, "abort", 0);
            row.tokens = tokens;
            row.step--; /* the last one that was planned */
            row.end_ns = now_ns;
            replica->probe->step(replica->probe->state, &row);
        }
    }
}
