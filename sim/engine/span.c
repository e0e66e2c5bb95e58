#include "engine/span.h"

#include "base/check.h"
#include "engine/batch_serve.h"
#include "engine/look.h"
#include "engine/promote.h"
#include "engine/replica.h"
#include "engine/slice.h"
#include "engine/sums.h"
#include "engine/throttle.h"

/* Contexts are below 2^46 tokens (pool.c bounds the KV cache), so that their sum over a
 * span fits 64 bits. */
enum { MOST_STEPS = 1 << 15 };

static const struct work nothing_drafted = {0};

/* What the step holds: the decoding group and the chunks of the plan. */
static void count_step(const struct replica *replica, struct step_counts *counts)
{
    *counts = (struct step_counts){0};
    if (replica->group_granted) {
        counts->n_decodes = replica->group.n;
        counts->decode_context = replica->group.context;
        counts->decode_window = replica->group.window;
        counts->n_emitting = replica->group.n;
    }
    int64_t padded_tokens = replica_count_padded(replica);
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        if (!grant->decode) { /* else it is a member of the group by now */
            replica_count_chunk(replica, grant, padded_tokens, counts);
        }
    }
}

/* The price of the step's decodes alone. */
static wide decodes_fs(const struct replica *replica, const struct step_counts *counts)
{
    const struct cost_form *form =
        cost_form_of(replica->forms, counts->n_decodes, counts->decode_context,
                     counts->decode_window);
    wide fs = cost_form_fs(form, counts->decode_context, counts->decode_window);
    struct step_counts decodes = {
        .n_decodes = counts->n_decodes,
        .decode_context = counts->decode_context,
        .decode_window = counts->decode_window,
        .n_emitting = counts->n_decodes,
    };
    struct step_price price = {{fs}};
    return fs + throttle_price(replica->pool, &decodes, &nothing_drafted, NULL, &price);
}

/* A step that is planned by itself: it has chunks, or the one after it must be planned. */
static void plan_alone(struct replica *replica, struct replica_span *span,
                       int64_t now_ns)
{
    const struct step_counts *counts = &span->counts;
    cost_price(replica->cost, counts, &span->price);
    span->price.fs[BOUND_NETWORK] +=
        slow_fs(replica->slow_nano, swap_fs(replica) + replica->tier.fetch_fs);
    span->limited_fs =
        throttle_price(replica->pool, counts, &nothing_drafted, NULL, &span->price);
    span->limited = span->limited_fs > 0;
    int64_t duration_ns = cost_duration_ns(cost_sum_fs(&span->price));
    span->alone = true;
    span->steps_left = 1;
    span->last_start_ns = now_ns;
    span->end_ns = now_ns + duration_ns;
    span->decode_ns = 0;
    if (counts->n_decodes > 0) {
        int64_t decode_ns = cost_duration_ns(decodes_fs(replica, counts));
        span->decode_ns = decode_ns < duration_ns ? decode_ns : duration_ns;
    }
    int64_t used = kv_used(&replica->kv);
    struct replica_walk *walk = &span->walk;
    span->foreseen = true;
    walk->n_steps = 1;
    walk->sum_ns = duration_ns;
    walk->stalled_ns = counts->n_decodes > 0 ? replica->group.stalled_ns : 0;
    walk->last_ns = duration_ns;
    walk->last_blocks = used;
    walk->block_ns = (wide)used * duration_ns;
    walk->next_blocks = used;
    walk->n_runs = 1;
    walk->buckets[0] = histogram_bucket(duration_ns + walk->stalled_ns);
    walk->firsts[0] = 0;
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
    const struct group *group = &replica->group;
    int64_t steps = least(group_steps_left(group), MOST_STEPS);
    steps = least(steps, group_steps_to_crossing(group));
    steps = least(steps, cost_form_steps(span->form, span->counts.decode_context,
                                         span->counts.decode_window, group->n,
                                         group->n_growing));
    wide last_fs = first_fs + (wide)span->fs_per_step * steps;
    if (first_fs < least_fs || last_fs > most_fs || span->form->at_fs > most_fs) {
        return 0;
    }
    return least(steps, replica->most_span_ns / cost_round_ns((int64_t)last_fs));
}

/* Where a walk ends: after `most_steps`; around the step that ends after `limit_ns`, with
 * it or without; before one for which KV blocks lack, `most_blocks` being those in use at
 * most.  Where there is no more room for buckets it ends, too, or goes on without them. */
struct bounds {
    int64_t most_steps;
    int64_t most_blocks;
    int64_t limit_ns;
    bool passes_limit;
    bool needs_runs;
};

/* From step `first` on durations fall in another bucket, whose edge it returns. */
static inline int64_t begin_run(struct replica_walk *walk, int32_t run, int64_t first,
                                int64_t duration_ns)
{
    int32_t bucket = histogram_bucket(duration_ns);
    walk->buckets[run] = bucket;
    walk->firsts[run] = first;
    return histogram_edge(bucket);
}

/* Walks the steps of the span from the one in progress, and books nothing. */
static void walk_steps(const struct replica *replica, const struct bounds *bounds,
                       struct replica_walk *walk)
{
    const struct replica_span *span = &replica->span;
    const struct group *group = &replica->group;
    const int64_t *residues = group->residue;
    const int64_t block_tokens = group->block_tokens;
    const struct bounds end = *bounds;
    const uint64_t fs_per_step = (uint64_t)span->fs_per_step;
    int64_t most_steps = end.most_steps;
    int64_t residue = group_due_residue(group);
    int64_t held = kv_used(&replica->kv);
    int64_t last_blocks = held;
    int64_t last_ns = 0;
    int64_t block_ns = 0;
    int64_t at_ns = span->start_ns;
    uint64_t rounding_fs = (uint64_t)span->fs + 500000; /* half up */
    int64_t edge_ns = -1; /* of the bucket that the last steps fell in */
    int64_t n_steps = 0;
    int32_t n_runs = 0;
    bool has_runs = true;
    while (held <= end.most_blocks) {
        int64_t duration_ns = (int64_t)(rounding_fs / 1000000); /* most_steps(): >= 1 */
        if (at_ns + duration_ns > end.limit_ns) {
            if (!end.passes_limit) {
                break;
            }
            most_steps = n_steps + 1;
        }
        if (duration_ns > edge_ns) {
            if (n_runs == REPLICA_MOST_RUNS) {
                if (end.needs_runs) {
                    break;
                }
                n_runs = 0;
                has_runs = false;
            }
            edge_ns = begin_run(walk, n_runs++, n_steps, duration_ns);
        }
        at_ns += duration_ns;
        block_ns += held * duration_ns;
        last_ns = duration_ns;
        last_blocks = held;
        n_steps++;
        if (n_steps == most_steps) {
            break;
        }
        rounding_fs += fs_per_step;
        residue = (residue == 0 ? block_tokens : residue) - 1; /* due a step later */
        held += residues[residue];
    }
    walk->n_steps = n_steps;
    walk->stalled_ns = 0;
    walk->sum_ns = at_ns - span->start_ns;
    walk->last_ns = last_ns;
    walk->last_blocks = last_blocks;
    walk->block_ns = block_ns;
    walk->next_fs = (int64_t)(rounding_fs - 500000);
    walk->next_blocks = held;
    walk->n_runs = has_runs ? n_runs : 0;
}

/* Somebody who waits for blocks waits on while there only become fewer.  But where what is
 * known of his prompt is forgotten, on the GPUs or in a tier, he asks for fewer himself.  (What was found for him is
 * what this plan found, or he waits for something other than blocks.) */
static int64_t most_blocks(const struct replica *replica)
{
    const struct request *waiting = batch_first_waiting(replica);
    if (waiting != NULL && waiting->chain != NULL &&
        waiting->chain->n_free_hits + waiting->chain->n_beyond > 0) {
        return kv_used(&replica->kv) + prefix_blank(replica->kv.prefix);
    }
    return replica->kv.total_blocks;
}

/* Whether the span need not end where somebody comes.  A scheduler that looks only now
 * and then has to: its last look before the next plan is what that plan sees.  And when a
 * tenant comes back its counter is set by what others have by then. */
static bool is_closed(const struct replica *replica)
{
    return replica->poll_steps <= 1 && !replica->queue.ops->by_tenant &&
           replica->ops->newcomer_waits != NULL &&
           replica->ops->newcomer_waits(replica);
}

/* Whether the order or the discipline may decide otherwise after this very step, though
 * nobody comes or leaves. */
static bool is_unsteady(struct replica *replica)
{
    if (replica->queue.n == 0) {
        return false;
    }
    const struct batch_ops *ops = replica->ops;
    bool has_room = replica->running.n < replica->limits.max_num_seqs &&
                    (ops->newcomer_waits == NULL || !ops->newcomer_waits(replica));
    return (replica->queue.ops->unsteady && has_room) || batch_serve_may_yield(replica);
}

void span_plan(struct replica *replica, int64_t now_ns, int64_t horizon_ns)
{
    struct replica_span *span = &replica->span;
    span->start_ns = now_ns;
    count_step(replica, &span->counts);
    CHECK(span->counts.n_decodes + span->counts.prefill_tokens > 0);
    replica->closed = false;
    if (replica->n_grants > 0 || replica->n_preempted > 0 ||
        replica->group.stalled_ns > 0 || replica->probe->step != NULL ||
        batch_may_turn(replica) || is_unsteady(replica)) {
        plan_alone(replica, span, now_ns);
        return;
    }
    const struct step_counts *counts = &span->counts;
    span->form = cost_form_of(replica->forms, counts->n_decodes, counts->decode_context,
                              counts->decode_window);
    if (span->form == &replica->forms->latest) { /* others will ask for theirs */
        span->own_form = *span->form;
        span->form = &span->own_form;
    }
    wide first_fs =
        cost_form_fs(span->form, counts->decode_context, counts->decode_window);
    wide per_step =
        cost_form_growth_fs(span->form, counts->n_decodes, replica->group.n_growing);
    int64_t most_alike = throttle_span(replica, span, &first_fs, &per_step);
    span->fs_per_step = per_step < INT64_MAX ? (int64_t)per_step : INT64_MAX;
    int64_t most = least(most_steps(replica, span, first_fs), most_alike);
    if (most < 1) {
        plan_alone(replica, span, now_ns);
        return;
    }
    replica->closed = is_closed(replica);
    if ((!replica->closed && look_hides(replica)) || replica->moving.landed.n > 0) {
        most = least(most, look_steps_left(replica));
    }
    most = least(most, batch_serve_steps_foreseen(replica));
    most = least(most, batch_serve_steps_in_order(replica));
    int64_t limit_ns = replica->closed ? INT64_MAX : horizon_ns - 1;
    if (replica->ops->steps_left != NULL) {
        most = least(most, replica->ops->steps_left(replica));
    }
    if (replica->ops->changes_at != NULL) {
        limit_ns = least(limit_ns, (wide)replica->ops->changes_at(replica) - 1);
    }
    limit_ns = least(limit_ns, (wide)promote_next_ns(replica) - 1);
    span->alone = false;
    span->fs = (int64_t)first_fs;
    struct bounds bounds = {
        .most_steps = most,
        .most_blocks = most_blocks(replica),
        .limit_ns = limit_ns,
        .passes_limit = true,
    };
    walk_steps(replica, &bounds, &span->walk);
    /* there is no step after the last: what the walk found for it is not taken */
    span->walk.next_blocks = span->walk.last_blocks;
    span->foreseen = span->walk.n_runs > 0;
    span->steps_left = span->walk.n_steps;
    span->end_ns = now_ns + span->walk.sum_ns;
    span->last_start_ns = span->end_ns - span->walk.last_ns;
}

void span_advance(struct replica *replica, int64_t until_ns)
{
    struct replica_span *span = &replica->span;
    struct replica_walk *walk = &span->walk;
    while (span->steps_left > 0) {
        if (until_ns < span->end_ns && span->alone) {
            return;
        }
        if (until_ns < span->end_ns || !span->foreseen) {
            struct bounds bounds = {
                .most_steps = span->steps_left,
                .most_blocks = replica->kv.total_blocks,
                .limit_ns = until_ns,
                .needs_runs = true,
            };
            walk_steps(replica, &bounds, walk);
        }
        span->foreseen = false;
        if (walk->n_steps == 0) {
            return;
        }
        if (replica->probe->slice != NULL) {
            slice_tell_walk(replica, walk);
        }
        span->steps_left -= walk->n_steps;
        span->start_ns += walk->sum_ns;
        replica->last_start_ns = span->start_ns - walk->last_ns;
        span->fs = walk->next_fs;
        if (walk->last_blocks > replica->tally.most_blocks) {
            replica->tally.most_blocks = walk->last_blocks;
        }
        kv_take_ahead(&replica->kv, walk->next_blocks - kv_used(&replica->kv));
        span_book(replica, walk);
    }
}

void span_cut(struct replica *replica)
{
    struct replica_span *span = &replica->span;
    if (!span->alone && span->steps_left > 1) {
        span->foreseen = false;
        span->steps_left = 1;
        span->last_start_ns = span->start_ns;
        span->end_ns = span->start_ns + cost_round_ns(span->fs);
    }
}
