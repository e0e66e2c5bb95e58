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
        record->stall_ns = sojourn_ns - record->queue_ns - record->recompute_ns -
                           record->prefill_ns - record->decode_ns;
    }
    CHECK(record->prefill_ns >= 0 && record->stall_ns >= 0);
}

void record_tell(struct replica *replica, struct request *request,
                 enum request_status status, int64_t now_ns)
{
    struct probe_record record = {
        .id = request->id,
        .pool = replica->pool->index,
        .replica = replica->index,
        .status = status,
        .counted = request->counted,
        .labels = request->labels,
        .priority = request->priority,
        .tenant = request->tenant,
        .arrival_ns = request->arrival_ns,
        .prompt_tokens = request->prompt_tokens,
        .output_tokens = request->output_tokens,
        .cached_tokens = request->cached_tokens,
        .n_emitted = request->n_emitted,
        .first_scheduled_ns = request->first_scheduled_ns,
        .first_token_ns = request->first_token_ns,
        .finish_ns = now_ns,
        .max_gap_ns = request->n_emitted > 1 ? request->max_gap_ns : REQUEST_NEVER,
        .n_preemptions = request->n_preemptions,
        .paid_ns = request->paid_ns,
        .cost_usd_ns = (wide)request->paid_ns *
                       price_replica_nano(&replica->pool->price, replica->index),
        .energy_pj = request->energy_pj,
    };
    request->labels = NULL;
    fill_owners(&record, request, now_ns);
    replica->probe->finish(replica->probe->state, &record);
}
