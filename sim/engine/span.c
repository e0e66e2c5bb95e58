#include "engine/span.h"

#include "base/check.h"
#include "engine/replica.h"

/* Contexts are below 2^46 tokens (pool.c bounds the KV cache), so that their sum over a
 * span fits 64 bits. */
enum { MOST_STEPS = 1 << 15 };

/* What the step holds: the decoding group and the chunks of the plan. */
static struct step_counts count_step(const struct replica *replica)
{
    struct step_counts counts = {
        .n_decodes = replica->group.n,
        .decode_context = replica->group.context,
        .n_emitting = replica->group.n,
    };
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        if (grant->decode) {
            continue; /* a member of the group by now */
        }
        int64_t before = grant->request->computed_tokens;
        counts.prefill_tokens += grant->tokens;
        counts.prefill_pairs +=
            grant->tokens * before + grant->tokens * (grant->tokens + 1) / 2;
        counts.prefill_context += before + grant->tokens;
        counts.n_emitting += grant->tokens == request_missing_tokens(grant->request);
    }
    return counts;
}

/* The price of the step's decodes alone. */
static wide decodes_fs(const struct replica *replica, const struct step_counts *counts)
{
    const struct cost_form *form =
        cost_decode_form(replica->forms, counts->n_decodes, counts->decode_context);
    return cost_form_fs(form, counts->decode_context);
}

/* A step that is planned by itself: it has chunks, or the one after it must be planned. */
static void plan_alone(struct replica *replica, struct replica_span *span,
                       int64_t now_ns)
{
    const struct step_counts *counts = &span->counts;
    struct cost_form *form = &span->form;
    cost_price(&replica->pool->cost, counts, &form->at);
    form->context = counts->decode_context;
    form->compute_slope_fs = 0;
    form->kv_slope_fs = 0;
    int64_t duration_ns = cost_duration_ns(cost_sum_fs(&form->at));
    span->alone = true;
    span->steps_left = 1;
    span->last_start_ns = now_ns;
    span->end_ns = now_ns + duration_ns;
    span->decode_ns = 0;
    if (counts->n_decodes > 0) {
        int64_t decode_ns = cost_duration_ns(decodes_fs(replica, counts));
        span->decode_ns = decode_ns < duration_ns ? decode_ns : duration_ns;
    }
}

static int64_t least(int64_t a, wide b)
{
    return b < a ? (int64_t)b : a;
}

/* The most steps a span may have: nobody finishes before its end, the form holds, each
 * lasts at least 1 ns, and neither the time of all of them nor KV blocks over that time
 * leave 64 bits.  0: not even one. */
static int64_t most_steps(const struct replica *replica,
                          const struct replica_span *span, wide first_fs)
{
    const wide least_fs = 1000000;
    const wide most_fs = (wide)INT64_MAX / 4;
    int64_t n = span->counts.n_decodes;
    int64_t steps = least(group_steps_left(&replica->group), MOST_STEPS);
    if (span->form.most_context < INT64_MAX) {
        steps = least(steps,
                      (span->form.most_context - span->counts.decode_context) / n + 1);
    }
    wide last_fs = first_fs + (wide)span->fs_per_step * steps;
    if (first_fs < least_fs || last_fs > most_fs) {
        return 0;
    }
    wide block_ns = (last_fs / 1000000 + 1) * (replica->kv.total_blocks + 1);
    return least(steps, INT64_MAX / 4 / block_ns);
}

/* The residue class due one step later. */
static inline int64_t later(int64_t residue, int64_t block_tokens)
{
    return residue == 0 ? block_tokens - 1 : residue - 1;
}

/* Whether KV blocks could run out within `steps` steps: every block_tokens steps, each
 * sequence needs one. */
static bool blocks_may_lack(const struct replica *replica, int64_t steps)
{
    const struct group *group = &replica->group;
    return replica->kv.free_blocks / group->n <= steps / group->block_tokens;
}

/* Finds the last step of the span: of at most `most`, the first that ends at or after
 * `horizon_ns`, or the one before blocks lack. */
static void walk_ahead(struct replica *replica, int64_t most, int64_t horizon_ns)
{
    struct replica_span *span = &replica->span;
    const struct group *group = &replica->group;
    const int64_t *residues = group->residue;
    const int64_t block_tokens = group->block_tokens;
    const int64_t fs_per_step = span->fs_per_step;
    const bool watch_blocks = blocks_may_lack(replica, most);
    int64_t fs = span->fs;
    int64_t at_ns = span->start_ns;
    int64_t start_ns;
    int64_t steps = 0;
    int64_t free_blocks = replica->kv.free_blocks;
    int64_t residue = watch_blocks ? group_due_residue(group) : 0;
    for (;;) {
        start_ns = at_ns;
        at_ns += cost_round_ns(fs);
        steps++;
        if (steps == most || at_ns >= horizon_ns) {
            break;
        }
        fs += fs_per_step;
        if (watch_blocks) {
            residue = later(residue, block_tokens);
            free_blocks -= residues[residue];
            if (free_blocks < 0) {
                break;
            }
        }
    }
    span->last_start_ns = start_ns;
    span->steps_left = steps;
    span->end_ns = at_ns;
}

void span_plan(struct replica *replica, int64_t now_ns, int64_t horizon_ns)
{
    struct replica_span *span = &replica->span;
    span->start_ns = now_ns;
    span->counts = count_step(replica);
    CHECK(span->counts.n_decodes + span->counts.prefill_tokens > 0);
    replica->closed = false;
    if (replica->n_grants > 0 || replica->n_preempted > 0 ||
        replica->probe->step != NULL) {
        plan_alone(replica, span, now_ns);
        return;
    }
    int64_t n = span->counts.n_decodes;
    int64_t context = span->counts.decode_context;
    span->form = *cost_decode_form(replica->forms, n, context);
    wide per_step = ((wide)span->form.compute_slope_fs + span->form.kv_slope_fs) * n;
    wide first_fs = cost_form_fs(&span->form, context);
    span->fs_per_step = per_step < INT64_MAX ? (int64_t)per_step : INT64_MAX;
    int64_t most = most_steps(replica, span, first_fs);
    if (most < 1) {
        plan_alone(replica, span, now_ns);
        return;
    }
    replica->closed =
        replica->ops->newcomer_waits != NULL && replica->ops->newcomer_waits(replica);
    span->alone = false;
    span->fs = (int64_t)first_fs;
    walk_ahead(replica, most, replica->closed ? INT64_MAX : horizon_ns);
}

/* The part of a step's energy that its decodes alone would have taken in `decode_ns`. */
static wide decode_energy_pj(const struct replica *replica, wide busy_pj,
                             int64_t decode_ns)
{
    const struct step_counts *counts = &replica->span.counts;
    if (counts->prefill_tokens == 0) {
        return busy_pj;
    }
    struct step_counts decodes = {
        .n_decodes = counts->n_decodes,
        .decode_context = counts->decode_context,
        .n_emitting = counts->n_decodes,
    };
    if (decodes.n_decodes == 0) {
        return 0;
    }
    struct work alone = power_work(&decodes);
    wide pj = power_energy_pj(&replica->pool->power, &alone, decode_ns);
    return pj < busy_pj ? pj : busy_pj;
}

/* What a walk over the steps of a span found. */
struct walk {
    int64_t n_steps;
    int64_t sum_ns;
    int64_t last_ns;     /* the last step's duration */
    int64_t last_blocks; /* and the KV blocks in use in it */
    wide block_ns;
};

/* Books `walk->n_steps` steps like the one in progress, contexts growing. */
static void book(struct replica *replica, const struct walk *walk)
{
    struct replica_span *span = &replica->span;
    struct replica_sums *sums = &replica->sums;
    const struct step_counts *counts = &span->counts;
    int64_t m = walk->n_steps;
    int64_t grown = counts->n_decodes * (m * (m - 1) / 2);
    int64_t context = counts->decode_context * m + grown; /* < 2^62 */
    int64_t tokens = counts->n_decodes + counts->prefill_tokens;
    struct work work = {
        .steps = m,
        .emitting_steps = counts->n_emitting > 0 ? m : 0,
        .tokens = tokens * m,
        .emissions = counts->n_emitting * m,
        .pairs =
            context + counts->prefill_pairs, /* prefill only in a step that is alone */
        .context = context + counts->prefill_context,
    };
    power_work_add(&sums->work, &work);
    sums->busy_ns += walk->sum_ns;
    const struct cost_form *form = &span->form;
    for (int i = 0; i < N_BOUNDS; i++) {
        sums->bound_fs[i] += m > 1 ? form->at.fs[i] * m : form->at.fs[i];
    }
    int64_t more = (counts->decode_context - form->context) * m + grown;
    sums->bound_fs[BOUND_COMPUTE] += (wide)form->compute_slope_fs * more;
    sums->bound_fs[BOUND_KV] += (wide)form->kv_slope_fs * more;
    sums->prefill_tokens += counts->prefill_tokens;
    sums->decode_tokens += counts->n_decodes * m;
    sums->token_ns += (wide)tokens * walk->sum_ns;
    sums->block_ns += walk->block_ns;
    int64_t decode_ns = counts->prefill_tokens > 0 ? span->decode_ns : walk->sum_ns;
    wide busy_pj = power_energy_pj(&replica->pool->power, &work, walk->sum_ns);
    wide decode_pj = decode_energy_pj(replica, busy_pj, decode_ns);
    replica_charge_prefill(replica, walk->sum_ns - decode_ns, busy_pj - decode_pj);
    if (counts->n_decodes > 0) {
        replica->group.paid_pot_ns += decode_ns;
        replica->group.energy_pot_pj += decode_pj;
        group_advance(&replica->group, m, decode_ns, walk->last_ns);
    }
    span->counts.decode_context += counts->n_decodes * m;
}

/* Gaps of the group in one step or several equal ones; a member whose gap is its own is
 * not in it. */
static int64_t n_regular_gaps(const struct replica *replica)
{
    int64_t n = replica->group.n_counted;
    for (int64_t i = 0; i < replica->n_grants; i++) {
        n -= replica->grants[i].decode && replica->grants[i].request->counted;
    }
    return n;
}

static void note_blocks(struct replica *replica, int64_t used_blocks)
{
    if (used_blocks > replica->tally.most_blocks) {
        replica->tally.most_blocks = used_blocks;
    }
}

static void advance_alone(struct replica *replica)
{
    struct replica_span *span = &replica->span;
    int64_t duration_ns = span->end_ns - span->start_ns;
    int64_t used = kv_used(&replica->kv);
    if (replica->itl != NULL && span->counts.n_decodes > 0) {
        histogram_add(replica->itl, duration_ns, n_regular_gaps(replica));
    }
    note_blocks(replica, used);
    struct walk walk = {
        .n_steps = 1,
        .sum_ns = duration_ns,
        .last_ns = duration_ns,
        .block_ns = (wide)used * duration_ns,
    };
    book(replica, &walk);
    span->start_ns = span->end_ns;
    span->steps_left = 0;
}

/* Walks the steps that end at or before `until_ns` and books their gaps; `used` is the KV
 * blocks of the step in progress, before and after. */
static struct walk walk_along(struct replica *replica, int64_t until_ns, int64_t *used)
{
    struct replica_span *span = &replica->span;
    const struct group *group = &replica->group;
    const int64_t *residues = group->residue;
    const int64_t block_tokens = group->block_tokens;
    const int64_t fs_per_step = span->fs_per_step;
    const int64_t n_gaps = replica->itl != NULL ? group->n_counted : 0;
    int64_t *buckets = n_gaps > 0 ? replica->itl->counts : NULL;
    struct walk walk = {0};
    int64_t block_ns = 0;
    int64_t held = *used;
    int64_t left = span->steps_left;
    int64_t residue = group_due_residue(group);
    int64_t at_ns = span->start_ns;
    int64_t fs = span->fs;
    bool more = left > 0;
    while (more) { /* once for every histogram bucket that the durations pass through */
        int32_t bucket = histogram_bucket(cost_round_ns(fs));
        int64_t edge_ns = histogram_edge(bucket);
        int64_t left_before = left;
        for (;;) {
            int64_t duration_ns = cost_round_ns(fs);
            more = left > 0 && at_ns + duration_ns <= until_ns;
            if (!more || duration_ns > edge_ns) {
                break;
            }
            at_ns += duration_ns;
            block_ns += held * duration_ns;
            walk.last_ns = duration_ns;
            walk.last_blocks = held;
            if (--left > 0) {
                fs += fs_per_step;
                residue = later(residue, block_tokens);
                held += residues[residue];
            }
        }
        if (buckets != NULL) {
            buckets[bucket] += (left_before - left) * n_gaps;
        }
    }
    walk.n_steps = span->steps_left - left;
    walk.sum_ns = at_ns - span->start_ns;
    walk.block_ns = block_ns;
    if (n_gaps > 0) {
        histogram_note(replica->itl, walk.n_steps * n_gaps, (wide)walk.sum_ns * n_gaps,
                       walk.last_ns);
    }
    span->steps_left = left;
    span->fs = fs;
    span->start_ns = at_ns;
    *used = held;
    return walk;
}

void span_advance(struct replica *replica, int64_t until_ns)
{
    struct replica_span *span = &replica->span;
    if (span->alone) {
        if (span->steps_left > 0 && span->end_ns <= until_ns) {
            advance_alone(replica);
        }
        return;
    }
    int64_t used = kv_used(&replica->kv);
    struct walk walk = walk_along(replica, until_ns, &used);
    if (walk.n_steps > 0) {
        note_blocks(replica, walk.last_blocks);
        kv_take(&replica->kv, used - kv_used(&replica->kv));
        book(replica, &walk);
    }
}

void span_cut(struct replica *replica)
{
    struct replica_span *span = &replica->span;
    if (!span->alone && span->steps_left > 1) {
        span->steps_left = 1;
        span->last_start_ns = span->start_ns;
        span->end_ns = span->start_ns + cost_round_ns(span->fs);
    }
}
