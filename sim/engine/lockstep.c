#include "engine/lockstep.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/kv.h"
#include "engine/throttle.h"

void lockstep_init(struct lockstep *lockstep, struct replica *first, int32_t n)
{
    *lockstep =
        (struct lockstep){.ranks = first,
                          .n = n,
                          .parts = memory_new((size_t)n, sizeof *lockstep->parts)};
    for (int32_t i = 0; i < n; i++) {
        first[i].lockstep = lockstep;
        CHECK(first[i].stepwise && first[i].index == first->index + i);
    }
}

void lockstep_free(struct lockstep *lockstep)
{
    free(lockstep->parts);
}

/* One token that attends to itself, of which nobody asks what comes next. */
static struct step_counts dummy_counts(const struct cost *cost)
{
    struct step_counts counts = {0};
    cost_count_decode(cost, &counts, 0, 1);
    counts.n_emitting = 0;
    return counts;
}

/* What the rank would hold if the step were one of decodes alone. */
static struct step_counts decodes_of(const struct cost *cost,
                                     const struct stepwise_step *step)
{
    return step->decodes.n_decodes > 0 ? step->decodes : dummy_counts(cost);
}

static void add_counts(struct step_counts *sum, const struct step_counts *more)
{
    sum->n_decodes += more->n_decodes;
    sum->n_chunks += more->n_chunks;
    sum->decode_context += more->decode_context;
    sum->decode_window += more->decode_window;
    sum->prefill_tokens += more->prefill_tokens;
    sum->padding_tokens += more->padding_tokens;
    sum->prefill_pairs += more->prefill_pairs;
    sum->prefill_context += more->prefill_context;
    sum->window_pairs += more->window_pairs;
    sum->window_context += more->window_context;
    sum->n_emitting += more->n_emitting;
    sum->draft_tokens += more->draft_tokens;
    sum->draft_pairs += more->draft_pairs;
    sum->draft_window_pairs += more->draft_window_pairs;
}

static int64_t tokens_of(const struct step_counts *counts)
{
    return counts->n_decodes + counts->draft_tokens + counts->prefill_tokens;
}

/* Counts of all ranks together, and when the step is over. */
struct joint {
    struct step_counts counts;
    struct step_counts decodes;
    struct step_price price; /* as the slowest rank finds it */
    wide limited_fs;         /* what a limit of power adds to that */
    int64_t duration_ns;
    int64_t decode_ns;
};

static void count(struct lockstep *lockstep, struct joint *joint)
{
    const struct cost *cost = &lockstep->ranks->pool->cost;
    for (int32_t i = 0; i < lockstep->n; i++) {
        struct lockstep_rank *part = &lockstep->parts[i];
        if (part->is_dummy) {
            part->step = (struct stepwise_step){.counts = dummy_counts(cost)};
        } else {
            stepwise_count(&lockstep->ranks[i], &part->step);
        }
        struct step_counts decodes = decodes_of(cost, &part->step);
        add_counts(&joint->counts, &part->step.counts);
        add_counts(&joint->decodes, &decodes);
    }
}

/* The experts' bytes are shared out by tokens, so that the parts sum to the whole. */
static void share_experts(struct lockstep *lockstep, const struct joint *joint)
{
    const struct cost *cost = &lockstep->ranks->pool->cost;
    wide milli = cost_expert_milli_of(cost, &joint->counts);
    wide decode_milli = cost_expert_milli_of(cost, &joint->decodes);
    int64_t all = tokens_of(&joint->counts);
    int64_t all_decodes = tokens_of(&joint->decodes);
    int64_t before = 0;
    int64_t decodes_before = 0;
    for (int32_t i = 0; i < lockstep->n; i++) {
        struct lockstep_rank *part = &lockstep->parts[i];
        struct step_counts decodes = decodes_of(cost, &part->step);
        int64_t upto = before + tokens_of(&part->step.counts);
        int64_t decodes_upto = decodes_before + tokens_of(&decodes);
        part->expert_milli = (int64_t)(milli * upto / all - milli * before / all);
        part->decode_expert_milli =
            (int64_t)(decode_milli * decodes_upto / all_decodes -
                      decode_milli * decodes_before / all_decodes);
        before = upto;
        decodes_before = decodes_upto;
    }
}

/* What the rank does in the step, and would do if it were one of decodes alone. */
static struct work whole_work(const struct lockstep_rank *part)
{
    return power_work_of(&part->step.counts, 1, part->expert_milli);
}

static struct work decode_work(const struct cost *cost,
                               const struct lockstep_rank *part)
{
    struct step_counts decodes = decodes_of(cost, &part->step);
    return power_work_of(&decodes, 1, part->decode_expert_milli);
}

/* A limit of power holds the GPUs of each rank. */
static wide limit(const struct pool *pool, const struct work *work,
                  const struct work *drafting, const struct work *adapting,
                  struct step_price *price)
{
    return pool->power.limited
               ? throttle_raise_work(pool, work, drafting, adapting, price)
               : 0;
}

/* How long the rank would find a step of decodes alone. */
static wide decode_fs(const struct replica *rank, struct lockstep_rank *part,
                      const struct joint *joint)
{
    const struct pool *pool = rank->pool;
    struct step_counts decodes = decodes_of(&pool->cost, &part->step);
    struct work work = decode_work(&pool->cost, part);
    struct step_price price;
    cost_price_rank(rank->cost, &decodes, &joint->decodes, &price);
    if (!part->is_dummy) {
        stepwise_add_decode_drafts(rank, &part->step, &price);
    }
    limit(pool, &work, &part->step.decode_drafting, &part->step.decode_adapting,
          &price);
    return cost_sum_fs(&price);
}

/* Prices the step as every rank finds it: the longest counts, and what is shorter waits. */
static void price(struct lockstep *lockstep, struct joint *joint)
{
    const struct pool *pool = lockstep->ranks->pool;
    wide most_fs = 0;
    wide most_decode_fs = 0;
    for (int32_t i = 0; i < lockstep->n; i++) {
        struct replica *rank = &lockstep->ranks[i];
        struct lockstep_rank *part = &lockstep->parts[i];
        struct work work = whole_work(part);
        struct step_price own;
        wide fs = decode_fs(rank, part, joint);
        most_decode_fs = fs > most_decode_fs ? fs : most_decode_fs;
        cost_price_rank(rank->cost, &part->step.counts, &joint->counts, &own);
        if (!part->is_dummy) {
            stepwise_add_rest(rank, &part->step, &own);
        }
        wide limited_fs =
            limit(pool, &work, &part->step.drafting, &part->step.adapting, &own);
        fs = cost_sum_fs(&own);
        part->own_ns = cost_duration_ns(fs);
        if (fs > most_fs) {
            most_fs = fs;
            joint->price = own;
            joint->limited_fs = limited_fs;
        }
    }
    joint->duration_ns = cost_duration_ns(most_fs);
    joint->decode_ns = cost_duration_ns(most_decode_fs);
}

static void start(struct lockstep *lockstep, const struct joint *joint, int64_t now_ns)
{
    for (int32_t i = 0; i < lockstep->n; i++) {
        struct replica *rank = &lockstep->ranks[i];
        struct lockstep_rank *part = &lockstep->parts[i];
        part->step.limited_fs = joint->limited_fs;
        stepwise_begin(rank, &part->step, &joint->price,
                       part->step.decodes.n_decodes > 0 ? joint->decode_ns : 0, now_ns,
                       joint->duration_ns);
        if (part->is_dummy) {
            /* nobody's tokens: what it does is in lockstep_dummy_work() */
            rank->span.counts = (struct step_counts){0};
            rank->busy = true;
            rank->planned_ns = now_ns;
        } else {
            part->last_step_ns = joint->duration_ns;
            rank->tally.straggled_ns += joint->duration_ns - part->own_ns;
            replica_plan_started(rank, now_ns);
        }
    }
}

bool lockstep_plan(struct lockstep *lockstep, int64_t now_ns)
{
    struct joint joint = {.duration_ns = 0};
    bool any = false;
    for (int32_t i = 0; i < lockstep->n; i++) {
        CHECK(!lockstep->ranks[i].busy);
        bool has_step = replica_plan_choose(&lockstep->ranks[i], now_ns);
        lockstep->parts[i].is_dummy = !has_step;
        any = any || has_step;
    }
    if (!any) {
        return false;
    }
    count(lockstep, &joint);
    share_experts(lockstep, &joint);
    price(lockstep, &joint);
    start(lockstep, &joint, now_ns);
    return true;
}

void lockstep_verify(const struct lockstep *lockstep)
{
    const struct replica *first = lockstep->ranks;
    int32_t n_dummies = 0;
    wide milli = 0;
    struct step_counts counts = {0};
    for (int32_t i = 0; i < lockstep->n; i++) {
        const struct replica *rank = &lockstep->ranks[i];
        CHECK(rank->lockstep == lockstep && rank->busy == first->busy);
        CHECK(rank->life.state == first->life.state);
        CHECK(!rank->busy || (rank->span.start_ns == first->span.start_ns &&
                              rank->span.end_ns == first->span.end_ns));
        n_dummies += lockstep->parts[i].is_dummy;
        milli += lockstep->parts[i].expert_milli;
        add_counts(&counts, &lockstep->parts[i].step.counts);
    }
    CHECK(!first->busy || n_dummies < lockstep->n);
    CHECK(!first->busy || milli == cost_expert_milli_of(&first->pool->cost, &counts));
}

static const struct lockstep_rank *part_of(const struct replica *replica)
{
    return &replica->lockstep->parts[replica - replica->lockstep->ranks];
}

int64_t lockstep_last_step_ns(const struct replica *replica)
{
    return part_of(replica)->last_step_ns;
}

struct work lockstep_work(const struct replica *replica)
{
    const struct lockstep_rank *part = part_of(replica);
    if (part->is_dummy) {
        return (struct work){0};
    }
    return whole_work(part);
}

struct work lockstep_decode_work(const struct replica *replica)
{
    const struct lockstep_rank *part = part_of(replica);
    return power_work_of(&part->step.decodes, 1, part->decode_expert_milli);
}

struct work lockstep_dummy_work(const struct replica *replica)
{
    const struct lockstep_rank *part = part_of(replica);
    if (!part->is_dummy) {
        return (struct work){0};
    }
    return whole_work(part);
}

void lockstep_book_dummy(struct replica *replica, int64_t duration_ns)
{
    struct replica_sums *sums = &replica->sums;
    struct replica_tally *tally = &replica->tally;
    struct work work = lockstep_dummy_work(replica);
    power_work_add(&sums->dummies, &work);
    sums->busy_ns += duration_ns;
    sums->block_ns += (wide)kv_used(&replica->kv) * duration_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        sums->bound_fs[i] += replica->span.price.fs[i];
    }
    throttle_add(replica, &work, sums);
    tally->dummy_ns += duration_ns;
    tally->lost_ns += duration_ns;
    tally->lost_pj += power_energy_pj(&replica->pool->power, &work, duration_ns);
}

void lockstep_abort(struct replica *replica, int64_t elapsed_ns)
{
    struct lockstep *lockstep = replica->lockstep;
    struct lockstep_rank *part = &lockstep->parts[replica - lockstep->ranks];
    struct replica_tally *tally = &replica->tally;
    if (part->is_dummy) {
        tally->dummy_ns += elapsed_ns;
    } else {
        int64_t waited_ns = elapsed_ns > part->own_ns ? elapsed_ns - part->own_ns : 0;
        tally->straggled_ns += waited_ns - (part->last_step_ns - part->own_ns);
    }
    part->last_step_ns = 0;
}
