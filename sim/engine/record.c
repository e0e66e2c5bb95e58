#include "engine/record.h"

#include "base/check.h"

/* Who owned every nanosecond of the request (rules.md 9). */
static void fill_owners(struct probe_record *record, struct request *request,
                        int64_t now_ns)
{
    int64_t sojourn_ns = now_ns - request->arrival_ns;
    if (request->first_scheduled_ns == REQUEST_NEVER) {
        record->queue_ns = sojourn_ns;
        return;
    }
    if (request->recompute_since_ns != REQUEST_NEVER) {
        replica_caught_up(request, now_ns);
    }
    record->queue_ns = request->first_scheduled_ns - request->arrival_ns;
    record->recompute_ns = request->recompute_ns;
    if (request->first_token_ns == REQUEST_NEVER) {
        record->prefill_ns = sojourn_ns - record->queue_ns - record->recompute_ns;
    } else {
        record->prefill_ns = request->prefill_ns;
        record->decode_ns = request->decode_ns;
        record->transfer_ns = request->transfer_ns;
        record->stall_ns = sojourn_ns - record->queue_ns - record->recompute_ns -
                           record->prefill_ns - record->decode_ns - record->transfer_ns;
    }
    CHECK(record->prefill_ns >= 0 && record->stall_ns >= 0);
}

/* What it paid the replica that computed its prompt for this one. */
static wide carried_usd_ns(const struct replica *replica, const struct request *request)
{
    if (replica == NULL || request->prefill_replica < 0) {
        return 0;
    }
    const struct replica *prefill = replica - replica->index + request->prefill_replica;
    return (wide)request->carried_paid_ns * prefill->usd_per_hour_nano;
}

/* What it paid where, at each replica's price. */
static wide cost_usd_ns(const struct replica *replica, const struct request *request)
{
    return replica == NULL ? 0
                           : (wide)request->paid_ns * replica->usd_per_hour_nano +
                                 carried_usd_ns(replica, request);
}

void record_tell(const struct probe *probe, const struct replica *replica,
                 struct request *request, enum request_status status, int64_t now_ns)
{
    struct probe_record record = {
        .id = request->id,
        .pool = replica != NULL ? replica->pool->index : 0,
        .replica = replica != NULL ? replica->index : -1,
        .status = status,
        .reason = status == REQUEST_COMPLETED ? REASON_NONE : request->reason,
        .attempts = request->attempts,
        .prefill_replica = request->prefill_replica,
        .is_shared = request->is_shared,
        .source_key = request->source_key,
        .counted = request->counted,
        .labels = request->labels,
        .priority = request->priority,
        .tenant = request->tenant,
        .arrival_ns = request->arrival_ns,
        .prompt_tokens = request->prompt_tokens,
        .output_tokens = request->output_tokens,
        .reasoning_tokens = request->reasoning_tokens,
        .cached_tokens = request->cached_tokens,
        .n_emitted = request->n_emitted,
        .first_scheduled_ns = request->first_scheduled_ns,
        .first_token_ns = request->first_token_ns,
        .first_answer_ns = request->first_answer_ns,
        .finish_ns = now_ns,
        .max_gap_ns = request->n_emitted > 1 ? request->max_gap_ns : REQUEST_NEVER,
        .n_preemptions = request->n_preemptions,
        .paid_ns = request->paid_ns,
        .energy_pj = request->energy_pj + request->carried_energy_pj,
        .cost_usd_ns = cost_usd_ns(replica, request),
        .carried_usd_ns = carried_usd_ns(replica, request),
        .carried_energy_pj = request->carried_energy_pj,
    };
    request->labels = NULL;
    fill_owners(&record, request, now_ns);
    probe->finish(probe->state, &record);
}
