#include "engine/sums.h"

#include "engine/lockstep.h"
#include "engine/slice.h"
#include "engine/span.h"
#include "engine/throttle.h"

void sums_state(struct replica *replica, int64_t now_ns)
{
    int64_t elapsed_ns = now_ns - replica->changed_ns;
    if (elapsed_ns == 0) { /* as often as not */
        return;
    }
    int64_t n_waiting =
        replica_n_waiting(replica) + transfer_side_n_in(&replica->moving);
    if (replica->probe->load != NULL) {
        slice_tell_load(replica, n_waiting, now_ns);
    }
    replica->changed_ns = now_ns;
    replica->sums.running_ns += (wide)elapsed_ns * replica->running.n;
    replica->sums.waiting_ns += (wide)elapsed_ns * n_waiting;
}

void sums_add(struct replica_sums *sum, const struct replica_sums *more)
{
    power_work_add(&sum->work, &more->work);
    power_work_add(&sum->drafting, &more->drafting);
    power_work_add(&sum->dummies, &more->dummies);
    power_work_add(&sum->adapting, &more->adapting);
    sum->busy_pj += more->busy_pj;
    sum->flops += more->flops;
    sum->bytes += more->bytes;
    sum->busy_ns += more->busy_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        sum->bound_fs[i] += more->bound_fs[i];
    }
    sum->limited_fs += more->limited_fs;
    sum->paid_ns += more->paid_ns;
    sum->on_ns += more->on_ns;
    sum->starting_ns += more->starting_ns;
    sum->failed_ns += more->failed_ns;
    sum->held_ns += more->held_ns;
    sum->usd_ns += more->usd_ns;
    sum->prefill_tokens += more->prefill_tokens;
    sum->decode_tokens += more->decode_tokens;
    sum->token_ns += more->token_ns;
    sum->block_ns += more->block_ns;
    sum->running_ns += more->running_ns;
    sum->waiting_ns += more->waiting_ns;
}

bool sums_is_held(const struct replica *replica, enum life_state state)
{
    const struct price *price = &replica->pool->price;
    switch (state) {
    case LIFE_READY:
    case LIFE_DRAINING:
        return true;
    case LIFE_STARTING:
        return !price->terms.starting_free || price_is_committed(price, replica->place);
    case LIFE_FAILED:
        return !price->terms.failed_free || price_is_committed(price, replica->place);
    case LIFE_OFF:
        return price_is_committed(price, replica->place);
    case LIFE_ASLEEP: /* those who have its GPUs pay */
    case N_LIFE_STATES:
        break;
    }
    return false;
}

/* floor(q x elapsed / duration): the part of the step in progress before a boundary. */
static wide part(wide q, int64_t elapsed_ns, int64_t duration_ns)
{
    return q / duration_ns * elapsed_ns + q % duration_ns * elapsed_ns / duration_ns;
}

/* What follows from the work of the steps that have ended. */
static void derive(const struct pool *pool, struct replica_sums *sums)
{
    const struct power *drafter = &pool->speculative.power;
    const struct power *power = &pool->power;
    const struct power *adapter = &pool->adapter.power;
    sums->busy_pj = power_energy_pj(power, &sums->work, sums->busy_ns) +
                    power_sum(&power->pj, &sums->dummies) +
                    power_sum(&drafter->pj, &sums->drafting) +
                    power_sum(&adapter->pj, &sums->adapting);
    sums->flops = power_sum(&power->flops, &sums->work) +
                  power_sum(&power->flops, &sums->dummies) +
                  power_sum(&drafter->flops, &sums->drafting) +
                  power_sum(&adapter->flops, &sums->adapting);
    sums->bytes = power_sum(&power->bytes, &sums->work) +
                  power_sum(&power->bytes, &sums->dummies) +
                  power_sum(&drafter->bytes, &sums->drafting) +
                  power_sum(&adapter->bytes, &sums->adapting);
    sums->decode_tokens =
        sums->work.tokens - sums->work.padding_tokens - sums->prefill_tokens;
    const struct replica_aborted *aborted = &sums->aborted;
    sums->busy_pj += aborted->pj;
    sums->flops += aborted->flops;
    sums->bytes += aborted->bytes;
    sums->prefill_tokens += aborted->prefill_tokens;
    sums->decode_tokens += aborted->decode_tokens;
}

/* The step in progress as a whole: its work, time and energy. */
static void whole_step(const struct replica *replica, int64_t duration_ns,
                       struct replica_sums *step)
{
    const struct replica_span *span = &replica->span;
    const struct step_counts *counts = &span->counts;
    *step = (struct replica_sums){
        .drafting = span->drafting, .adapting = span->adapting, .busy_ns = duration_ns};
    if (replica->lockstep != NULL) {
        step->work = lockstep_work(replica);
        step->dummies = lockstep_dummy_work(replica);
    } else {
        step->work = power_work(&replica->pool->cost, counts);
    }
    derive(replica->pool, step);
    sums_bounds(step->bound_fs, span, 1, counts->decode_context, counts->decode_window);
    throttle_add(replica, &step->work, step);
}

static void add_step_in_progress(const struct replica *replica, int64_t elapsed_ns,
                                 int64_t duration_ns, struct replica_sums *sums)
{
    const struct step_counts *counts = &replica->span.counts;
    struct replica_sums step;
    whole_step(replica, duration_ns, &step);
    sums->busy_pj += part(step.busy_pj, elapsed_ns, duration_ns);
    sums->flops += part(step.flops, elapsed_ns, duration_ns);
    sums->bytes += part(step.bytes, elapsed_ns, duration_ns);
    sums->busy_ns += elapsed_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        sums->bound_fs[i] += part(step.bound_fs[i], elapsed_ns, duration_ns);
    }
    sums->limited_fs += part(step.limited_fs, elapsed_ns, duration_ns);
    int64_t prompt_tokens = cost_prompt_tokens(counts);
    int64_t decode_tokens = counts->n_decodes + counts->draft_tokens;
    sums->prefill_tokens += part(prompt_tokens, elapsed_ns, duration_ns);
    sums->decode_tokens += part(decode_tokens, elapsed_ns, duration_ns);
    sums->token_ns += (wide)(decode_tokens + prompt_tokens) * elapsed_ns;
    sums->block_ns += (wide)kv_used(&replica->kv) * elapsed_ns;
}

/* When the step in progress ends. */
static int64_t step_end_ns(const struct replica_span *span)
{
    return span->alone ? span->end_ns : span->start_ns + cost_round_ns(span->fs);
}

void sums_step(const struct replica *replica, int64_t elapsed_ns,
               struct replica_sums *sums)
{
    const struct replica_span *span = &replica->span;
    add_step_in_progress(replica, elapsed_ns, step_end_ns(span) - span->start_ns, sums);
}

wide sums_abort(struct replica *replica, int64_t now_ns)
{
    const struct replica_span *span = &replica->span;
    struct replica_sums *sums = &replica->sums;
    struct replica_sums part = {0};
    add_step_in_progress(replica, now_ns - span->start_ns,
                         step_end_ns(span) - span->start_ns, &part);
    sums->busy_ns += part.busy_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        sums->bound_fs[i] += part.bound_fs[i];
    }
    sums->limited_fs += part.limited_fs;
    sums->token_ns += part.token_ns;
    sums->block_ns += part.block_ns;
    /* what being busy takes is worked out from busy_ns */
    sums->aborted.pj += part.busy_pj - replica->pool->power.busy_mw * part.busy_ns;
    sums->aborted.flops += part.flops;
    sums->aborted.bytes += part.bytes;
    sums->aborted.prefill_tokens += part.prefill_tokens;
    sums->aborted.decode_tokens += part.decode_tokens;
    return part.busy_pj;
}

void sums_at(struct replica *replica, int64_t at_ns, struct replica_sums *sums)
{
    const struct replica_span *span = &replica->span;
    sums_state(replica, at_ns);
    if (replica->busy && !replica->stepwise) {
        span_advance(replica, at_ns);
    }
    *sums = replica->sums;
    sums->paid_ns = life_paid_ns(&replica->life, at_ns);
    sums->on_ns = life_on_ns(&replica->life, at_ns);
    sums->starting_ns = life_ns(&replica->life, LIFE_STARTING, at_ns);
    sums->failed_ns = life_ns(&replica->life, LIFE_FAILED, at_ns);
    for (int i = 0; i < N_LIFE_STATES; i++) {
        if (sums_is_held(replica, (enum life_state)i)) {
            sums->held_ns += life_ns(&replica->life, (enum life_state)i, at_ns);
        }
    }
    sums->usd_ns = sums->held_ns * replica->usd_per_hour_nano;
    derive(replica->pool, sums);
    if (replica->moving.on && !replica->busy) { /* blocks may be held all the same */
        slice_tell_held(replica, at_ns);
        sums->block_ns +=
            (wide)kv_used(&replica->kv) * (at_ns - replica->moving.idle_since_ns);
    }
    if (replica->busy && span->steps_left > 0 && span->start_ns < at_ns) {
        add_step_in_progress(replica, at_ns - span->start_ns,
                             step_end_ns(span) - span->start_ns, sums);
    }
}

int64_t sums_used_blocks(struct replica *replica, int64_t now_ns)
{
    int64_t used = kv_used(&replica->kv);
    if (!replica->busy || replica->stepwise) {
        return used;
    }
    span_advance(replica, now_ns);
    used = kv_used(&replica->kv);
    /* a step of the span that would begin now is not planned yet when steps are alone */
    bool begins = replica->span.start_ns == now_ns && replica->planned_ns < now_ns;
    return begins ? used - batch_group_new_blocks(replica) : used;
}
