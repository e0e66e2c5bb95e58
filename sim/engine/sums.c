#include "engine/sums.h"

#include "engine/span.h"

void sums_state(struct replica *replica, int64_t now_ns)
{
    int64_t elapsed_ns = now_ns - replica->changed_ns;
    replica->changed_ns = now_ns;
    replica->sums.running_ns += (wide)elapsed_ns * replica->running.n;
    replica->sums.waiting_ns += (wide)elapsed_ns * replica->waiting.n;
}

void sums_add(struct replica_sums *sum, const struct replica_sums *more)
{
    power_work_add(&sum->work, &more->work);
    sum->busy_ns += more->busy_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        sum->bound_fs[i] += more->bound_fs[i];
    }
    sum->prefill_tokens += more->prefill_tokens;
    sum->decode_tokens += more->decode_tokens;
    sum->token_ns += more->token_ns;
    sum->block_ns += more->block_ns;
    sum->running_ns += more->running_ns;
    sum->waiting_ns += more->waiting_ns;
}

/* floor(q x elapsed / duration): the part of the step in progress before a boundary. */
static wide part(wide q, int64_t elapsed_ns, int64_t duration_ns)
{
    return wide_div(q * elapsed_ns, duration_ns);
}

static void add_step_in_progress(const struct replica *replica, int64_t elapsed_ns,
                                 int64_t duration_ns, struct replica_sums *sums)
{
    const struct replica_span *span = &replica->span;
    const struct step_counts *counts = &span->counts;
    struct work work = power_work(counts);
    work.steps = (int64_t)part(work.steps, elapsed_ns, duration_ns);
    work.emitting_steps = (int64_t)part(work.emitting_steps, elapsed_ns, duration_ns);
    int64_t tokens = work.tokens;
    work.tokens = (int64_t)part(work.tokens, elapsed_ns, duration_ns);
    work.emissions = (int64_t)part(work.emissions, elapsed_ns, duration_ns);
    work.pairs = (int64_t)part(work.pairs, elapsed_ns, duration_ns);
    work.context = (int64_t)part(work.context, elapsed_ns, duration_ns);
    power_work_add(&sums->work, &work);
    sums->busy_ns += elapsed_ns;
    struct step_price price = span->form.at;
    int64_t more = counts->decode_context - span->form.context;
    price.fs[BOUND_COMPUTE] += (wide)span->form.compute_slope_fs * more;
    price.fs[BOUND_KV] += (wide)span->form.kv_slope_fs * more;
    for (int i = 0; i < N_BOUNDS; i++) {
        sums->bound_fs[i] += part(price.fs[i], elapsed_ns, duration_ns);
    }
    sums->prefill_tokens += part(counts->prefill_tokens, elapsed_ns, duration_ns);
    sums->decode_tokens += part(counts->n_decodes, elapsed_ns, duration_ns);
    sums->token_ns += (wide)tokens * elapsed_ns;
    sums->block_ns += (wide)replica_used_blocks(replica) * elapsed_ns;
}

void sums_at(struct replica *replica, int64_t at_ns, struct replica_sums *sums)
{
    const struct replica_span *span = &replica->span;
    sums_state(replica, at_ns);
    if (replica->busy && !replica->stepwise) {
        span_advance(replica, at_ns);
    }
    *sums = replica->sums;
    if (replica->busy && span->steps_left > 0 && span->start_ns < at_ns) {
        int64_t end_ns =
            span->alone ? span->end_ns : span->start_ns + cost_round_ns(span->fs);
        add_step_in_progress(replica, at_ns - span->start_ns, end_ns - span->start_ns,
                             sums);
    }
}
