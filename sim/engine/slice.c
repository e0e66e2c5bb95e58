#include "engine/slice.h"

#include "engine/sums.h"

/* Tells the step that `span` has in progress. */
static void tell(const struct replica *replica, enum probe_end how, int64_t end_ns,
                 int64_t blocks)
{
    const struct probe *probe = replica->probe;
    const struct replica_span *span = &replica->span;
    const struct step_counts *counts = &span->counts;
    bool is_dummy = how == PROBE_DUMMY;
    int64_t elapsed_ns = end_ns - span->start_ns;
    if (end_ns <= probe->slices_from_ns || span->start_ns >= probe->slices_until_ns) {
        return;
    }
    struct replica_sums step = {0};
    sums_step(replica, elapsed_ns, &step);
    struct probe_slice slice = {
        .start_ns = span->start_ns,
        .end_ns = end_ns,
        .how = how,
        .n_decodes = is_dummy ? 0 : counts->n_decodes,
        .n_chunks = is_dummy ? 0 : counts->n_chunks,
        .prompt_tokens = is_dummy ? 0 : cost_prompt_tokens(counts),
        .draft_tokens = is_dummy ? 0 : counts->draft_tokens,
        .context = is_dummy ? 0 : counts->decode_context,
        .blocks = blocks,
        .pj = step.busy_pj,
    };
    for (int i = 0; i < N_BOUNDS; i++) {
        slice.bound_fs[i] = step.bound_fs[i];
    }
    probe->slice(probe->state, replica, &slice);
}

void slice_tell(struct replica *replica, enum probe_end how, int64_t now_ns)
{
    tell(replica, how, now_ns, kv_used(&replica->kv));
}

void slice_tell_walk(struct replica *replica, const struct replica_walk *walk)
{
    struct replica_span *span = &replica->span;
    if (span->start_ns >= replica->probe->slices_until_ns ||
        span->start_ns + walk->sum_ns <= replica->probe->slices_from_ns) {
        return;
    }
    if (span->alone) {
        slice_tell(replica, PROBE_DONE, span->end_ns);
        return;
    }
    const struct replica_span before = *span;
    const struct group *group = &replica->group;
    int64_t residue = group_due_residue(group);
    int64_t blocks = kv_used(&replica->kv);
    for (int64_t i = 0; i < walk->n_steps; i++) {
        int64_t end_ns = span->start_ns + cost_round_ns(span->fs);
        tell(replica, PROBE_DONE, end_ns, blocks);
        span->start_ns = end_ns;
        span->fs += span->fs_per_step;
        span->counts.decode_context += span->counts.n_decodes;
        span->counts.decode_window += group->n_growing;
        residue = (residue == 0 ? group->block_tokens : residue) - 1;
        blocks += group->residue[residue]; /* as walk_steps() of span.c has them */
    }
    *span = before;
}

void slice_tell_held(const struct replica *replica, int64_t now_ns)
{
    int64_t since_ns = replica->moving.idle_since_ns;
    if (replica->probe->load != NULL && now_ns > since_ns) {
        struct probe_load load = {.from_ns = since_ns,
                                  .until_ns = now_ns,
                                  .running = -1,
                                  .waiting = -1,
                                  .blocks = kv_used(&replica->kv)};
        replica->probe->load(replica->probe->state, replica, &load);
    }
}

void slice_tell_load(const struct replica *replica, int64_t n_waiting, int64_t now_ns)
{
    struct probe_load load = {.from_ns = replica->changed_ns,
                              .until_ns = now_ns,
                              .running = replica->running.n,
                              .waiting = n_waiting,
                              .blocks = -1};
    replica->probe->load(replica->probe->state, replica, &load);
}
