#include "engine/stepwise.h"

#include "base/check.h"
#include "engine/lockstep.h"
#include "engine/replica.h"
#include "engine/slice.h"
#include "engine/throttle.h"

void stepwise_count(struct replica *replica, struct stepwise_step *step)
{
    const struct cost *cost = replica->cost;
    int64_t padded_tokens = replica_count_padded(replica);
    *step = (struct stepwise_step){0};
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        int64_t before = grant->request->computed_tokens;
        if (grant->decode) {
            cost_count_decode(cost, &step->decodes, before, grant->tokens);
            cost_count_decode(cost, &step->counts, before, grant->tokens);
        } else {
            replica_count_chunk(replica, grant, padded_tokens, &step->counts);
        }
    }
    CHECK(step->counts.n_decodes + step->counts.prefill_tokens > 0);
    lora_count_step(replica, &step->decode_adapters, &step->adapters);
    step->adapting = adapter_work(&step->adapters);
    step->decode_adapting = adapter_work(&step->decode_adapters);
}

/* What adapters add to a step of these counts. */
static void add_adapters(const struct replica *replica,
                         const struct step_counts *counts,
                         const struct adapter_counts *adapters,
                         struct step_price *price)
{
    struct step_price more = {0};
    adapter_price(&replica->pool->adapter, adapters,
                  cost_micro_batches(replica->cost, counts), &more);
    for (int i = 0; i < N_BOUNDS; i++) {
        price->fs[i] += slow_fs(replica->slow_nano, more.fs[i]);
    }
}

void stepwise_add_decode_drafts(const struct replica *replica,
                                struct stepwise_step *step, struct step_price *price)
{
    draft_price(replica, false, price, &step->decode_drafting);
    add_adapters(replica, &step->decodes, &step->decode_adapters, price);
}

void stepwise_add_rest(const struct replica *replica, struct stepwise_step *step,
                       struct step_price *price)
{
    draft_price(replica, true, price, &step->drafting);
    add_adapters(replica, &step->counts, &step->adapters, price);
    price->fs[BOUND_NETWORK] +=
        slow_fs(replica->slow_nano,
                swap_fs(replica) + replica->tier.fetch_fs + replica->lora.load_fs);
}

void stepwise_begin(struct replica *replica, const struct stepwise_step *step,
                    const struct step_price *price, int64_t decode_ns, int64_t now_ns,
                    int64_t duration_ns)
{
    replica->span = (struct replica_span){
        .start_ns = now_ns,
        .last_start_ns = now_ns,
        .end_ns = now_ns + duration_ns,
        .steps_left = 1,
        .alone = true,
        .limited = step->limited_fs > 0,
        .limited_fs = step->limited_fs,
        .decode_ns = decode_ns < duration_ns ? decode_ns : duration_ns,
        .counts = step->counts,
        .drafting = step->drafting,
        .decode_drafting = step->decode_drafting,
        .adapting = step->adapting,
        .decode_adapting = step->decode_adapting,
        .price = *price,
    };
    replica->tally.sequence_steps += replica->n_grants;
}

void stepwise_start(struct replica *replica, int64_t now_ns)
{
    const struct cost *cost = replica->cost;
    struct stepwise_step step;
    struct step_price price;
    stepwise_count(replica, &step);
    cost_price(cost, &step.decodes, &price);
    stepwise_add_decode_drafts(replica, &step, &price);
    throttle_price(replica->pool, &step.decodes, &step.decode_drafting,
                   &step.decode_adapting, &price);
    int64_t decode_ns =
        step.decodes.n_decodes > 0 ? cost_duration_ns(cost_sum_fs(&price)) : 0;
    cost_price(cost, &step.counts, &price);
    stepwise_add_rest(replica, &step, &price);
    step.limited_fs = throttle_price(replica->pool, &step.counts, &step.drafting,
                                     &step.adapting, &price);
    stepwise_begin(replica, &step, &price, decode_ns, now_ns,
                   cost_duration_ns(cost_sum_fs(&price)));
}

/* The work of the step's decodes, had they been alone. */
static struct work decode_work(const struct replica *replica)
{
    const struct step_counts *counts = &replica->span.counts;
    if (replica->lockstep != NULL) {
        return lockstep_decode_work(replica);
    }
    struct step_counts decodes = {
        .n_decodes = counts->n_decodes,
        .decode_context = counts->decode_context,
        .decode_window = counts->decode_window,
        .n_emitting = counts->n_decodes,
        .draft_tokens = counts->draft_tokens,
        .draft_pairs = counts->draft_pairs,
        .draft_window_pairs = counts->draft_window_pairs,
    };
    return power_work(&replica->pool->cost, &decodes);
}

/* Adds the step to the replica's sums and charges it to its tokens. */
static void book(struct replica *replica, int64_t duration_ns)
{
    const struct replica_span *span = &replica->span;
    const struct step_counts *counts = &span->counts;
    struct replica_sums *sums = &replica->sums;
    const struct power *power = &replica->pool->power;
    int64_t used = kv_used(&replica->kv);
    struct work work = replica->lockstep != NULL
                           ? lockstep_work(replica)
                           : power_work(&replica->pool->cost, counts);
    power_work_add(&sums->work, &work);
    power_work_add(&sums->drafting, &span->drafting);
    power_work_add(&sums->adapting, &span->adapting);
    sums->busy_ns += duration_ns;
    for (int i = 0; i < N_BOUNDS; i++) {
        sums->bound_fs[i] += span->price.fs[i];
    }
    throttle_add(replica, &work, sums);
    sums->prefill_tokens += cost_prompt_tokens(counts);
    sums->token_ns += (work.tokens - work.padding_tokens) * (wide)duration_ns;
    sums->block_ns += (wide)used * duration_ns;
    if (used > replica->tally.most_blocks) {
        replica->tally.most_blocks = used;
    }
    const struct power_weights *draft_pj = &replica->pool->speculative.power.pj;
    const struct power_weights *adapter_pj = &replica->pool->adapter.power.pj;
    wide pj = power_energy_pj(power, &work, duration_ns) +
              power_sum(draft_pj, &span->drafting) +
              power_sum(adapter_pj, &span->adapting);
    wide decode_pj = 0;
    int64_t paid_ns = span->decode_ns; /* by decodes */
    if (counts->prefill_tokens == 0) { /* swaps too */
        decode_pj = pj;
        paid_ns = duration_ns;
    } else if (counts->n_decodes > 0) {
        struct work alone = decode_work(replica);
        decode_pj = power_energy_pj(power, &alone, span->decode_ns) +
                    power_sum(draft_pj, &span->decode_drafting) +
                    power_sum(adapter_pj, &span->decode_adapting);
        decode_pj = decode_pj < pj ? decode_pj : pj;
    }
    replica->group.paid_pot_ns += paid_ns;
    replica->group.energy_pot_pj += decode_pj;
    replica_charge_prefill(replica, duration_ns - paid_ns, pj - decode_pj);
}

static bool finishes(const struct request *request)
{
    return !request->given_up && request->n_emitted == request->output_tokens;
}

/* Gives every granted request its tokens; true if the decoding group changes. */
static bool credit(struct replica *replica, int64_t now_ns)
{
    bool changes = false;
    for (int64_t i = 0; i < replica->n_given_up; i++) {
        changes = changes || replica->given_up[i]->decoding;
    }
    for (int64_t i = 0; i < replica->n_grants; i++) {
        struct replica_grant *grant = &replica->grants[i];
        struct request *request = grant->request;
        bool recomputes = request->recompute_since_ns != REQUEST_NEVER;
        int64_t n_kept = grant->tokens;
        if (grant->decode) {
            n_kept = 1 + draft_accept(replica, request, grant->tokens - 1);
        }
        request->computed_tokens += n_kept;
        if (recomputes && request->computed_tokens > request->recompute_to_tokens) {
            replica_caught_up(request, now_ns);
        }
        if (grant->decode && !recomputes) {
            request->decode_ns += replica->span.decode_ns;
        }
        /* a decode emits what it computed and keeps */
        int64_t n_emitted =
            grant->decode ? n_kept : request_missing_tokens(request) == 0;
        for (int64_t j = 0; j < n_emitted; j++) {
            replica_emit(replica, request, now_ns);
        }
        grant->emitted = n_emitted > 0;
        changes = changes || replica_grant_joins(grant) ||
                  (request->decoding &&
                   (request->given_up || finishes(request) || request->moves));
    }
    return changes;
}

void stepwise_end(struct replica *replica, int64_t now_ns)
{
    bool is_dummy = lockstep_is_dummy(replica);
    if (replica->probe->slice != NULL) {
        slice_tell(replica, is_dummy ? PROBE_DUMMY : PROBE_DONE, now_ns);
    }
    if (is_dummy) {
        lockstep_book_dummy(replica, now_ns - replica->span.start_ns);
    } else {
        book(replica, now_ns - replica->span.start_ns);
        replica->last_start_ns = replica->span.start_ns;
    }
    replica->span.steps_left = 0;
    if (credit(replica, now_ns)) {
        replica_divide(replica);
    }
    replica_finish_grants(replica, now_ns);
}

void stepwise_divide(struct replica *replica)
{
    int64_t n = 0;
    for (const struct request *r = replica->running.first; r != NULL; r = r->next) {
        n += r->decoding;
    }
    if (n == 0) {
        return;
    }
    wide paid_ns = wide_div(replica->group.paid_pot_ns, n);
    wide energy_pj = wide_div(replica->group.energy_pot_pj, n);
    for (struct request *r = replica->running.first; r != NULL; r = r->next) {
        if (r->decoding) {
            r->paid_ns += wide_narrow(paid_ns);
            r->energy_pj += energy_pj;
        }
    }
    replica->group.paid_pot_ns -= paid_ns * n;
    replica->group.energy_pot_pj -= energy_pj * n;
}
