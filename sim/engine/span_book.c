#include "engine/replica.h"
#include "engine/span.h"
#include "engine/sums.h"
#include "engine/throttle.h"

/* The energy of `n_steps` steps in progress whose counts sum to `counts`. */
static wide energy_pj(const struct replica *replica, const struct step_counts *counts,
                      int64_t n_steps, int64_t expert_milli, int64_t busy_ns)
{
    struct work work = power_work_of(counts, n_steps, expert_milli);
    return power_energy_pj(&replica->pool->power, &work, busy_ns);
}

/* The part of a step's energy that its decodes alone would have taken in `decode_ns`. */
static wide decode_energy_pj(const struct replica *replica, wide busy_pj,
                             int64_t decode_ns)
{
    const struct step_counts *counts = &replica->span.counts;
    if (counts->n_decodes == 0) {
        return 0;
    }
    struct step_counts decodes = {
        .n_decodes = counts->n_decodes,
        .decode_context = counts->decode_context,
        .decode_window = counts->decode_window,
        .n_emitting = counts->n_decodes,
    };
    int64_t expert_milli = cost_expert_milli(&replica->pool->cost, &decodes);
    wide pj = energy_pj(replica, &decodes, 1, expert_milli, decode_ns);
    return pj < busy_pj ? pj : busy_pj;
}

/* Books `walk->n_steps` steps like the one in progress, contexts growing. */
static void book_work(struct replica *replica, const struct replica_walk *walk)
{
    struct replica_span *span = &replica->span;
    struct replica_sums *sums = &replica->sums;
    const struct step_counts *counts = &span->counts;
    int64_t m = walk->n_steps;
    int64_t n_growing = replica->group.n_growing;
    int64_t grown = counts->n_decodes * (m * (m - 1) / 2);
    int64_t window_grown = n_growing * (m * (m - 1) / 2);
    int64_t prompt_tokens = cost_prompt_tokens(counts);
    int64_t expert_milli = cost_expert_milli(&replica->pool->cost, counts) * m;
    struct step_counts all = *counts; /* prefill is only in a step that is alone */
    all.n_decodes *= m;
    all.n_emitting *= m;
    all.decode_context = counts->decode_context * m + grown; /* < 2^62 */
    all.decode_window = counts->decode_window * m + window_grown;
    struct work work = power_work_of(&all, m, expert_milli);
    power_work_add(&sums->work, &work);
    sums->busy_ns += walk->sum_ns;
    sums_bounds(sums->bound_fs, span, m, all.decode_context, all.decode_window);
    throttle_add(replica, &work, sums);
    sums->prefill_tokens += prompt_tokens;
    sums->token_ns += (wide)(counts->n_decodes + prompt_tokens) * walk->sum_ns;
    sums->block_ns += walk->block_ns;
    wide busy_pj = energy_pj(replica, &all, m, expert_milli, walk->sum_ns);
    int64_t decode_ns = span->alone ? span->decode_ns : walk->sum_ns;
    int64_t paid_ns =
        walk->sum_ns; /* by decodes: all of it, swaps too, if nobody else is */
    wide decode_pj = busy_pj;
    if (counts->prefill_tokens > 0) {
        paid_ns = decode_ns;
        decode_pj = decode_energy_pj(replica, busy_pj, decode_ns);
        replica_charge_prefill(replica, walk->sum_ns - decode_ns, busy_pj - decode_pj);
    }
    if (counts->n_decodes > 0) {
        replica->group.paid_pot_ns += paid_ns;
        replica->group.energy_pot_pj += decode_pj;
        group_advance(&replica->group, m, decode_ns, walk->last_ns + walk->stalled_ns);
        fair_advance(&replica->fair, m);
    } else {
        group_stall(&replica->group, walk->sum_ns);
    }
    span->counts.decode_context += counts->n_decodes * m;
    span->counts.decode_window += n_growing * m;
}

/* Gaps of the group in one step: not of members whose gap is their own. */
static int64_t n_regular_gaps(const struct replica *replica)
{
    int64_t n = replica->span.counts.n_decodes > 0 ? replica->group.n_counted : 0;
    for (int64_t i = 0; n > 0 && i < replica->late.n; i++) {
        n -= replica->late.requests[i]->counted;
    }
    for (int64_t i = 0; i < replica->n_grants; i++) {
        n -= replica->grants[i].decode && replica->grants[i].request->counted;
    }
    return n;
}

static void book_gaps(struct replica *replica, const struct replica_walk *walk)
{
    int64_t n = n_regular_gaps(replica);
    if (replica->itl == NULL || n == 0) {
        return;
    }
    for (int32_t i = 0; i < walk->n_runs; i++) {
        int64_t end = i + 1 < walk->n_runs ? walk->firsts[i + 1] : walk->n_steps;
        replica->itl->counts[walk->buckets[i]] += (end - walk->firsts[i]) * n;
    }
    histogram_note(replica->itl, walk->n_steps * n,
                   (wide)(walk->sum_ns + walk->stalled_ns) * n,
                   walk->last_ns + walk->stalled_ns);
}

void span_book(struct replica *replica, const struct replica_walk *walk)
{
    book_gaps(replica, walk);
    book_work(replica, walk);
}
