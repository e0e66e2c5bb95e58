#include "engine/batch.h"

#include "base/check.h"
#include "base/memory.h"
#include "engine/lockstep.h"
#include "engine/replica.h"

const struct batch_limits *batch_limits(const struct replica *replica)
{
    return &replica->limits;
}

const struct pool_scheduler *batch_settings(const struct replica *replica)
{
    return &replica->pool->config->scheduler;
}

void *batch_state(const struct replica *replica)
{
    return replica->policy_state;
}

int64_t batch_n_steps(const struct replica *replica)
{
    return replica->sums.work.steps;
}

int64_t batch_last_step_ns(const struct replica *replica)
{
    return replica->lockstep != NULL
               ? lockstep_last_step_ns(replica)
               : replica->span.end_ns - replica->span.last_start_ns;
}

int64_t batch_most_tokens(const struct replica *replica)
{
    return replica->pool->most_tokens;
}

int64_t batch_spent(const struct replica *replica)
{
    return replica_full_budget(replica) - replica->budget;
}

int64_t batch_budget(const struct replica *replica)
{
    return replica->budget > 0 ? replica->budget : 0;
}

int64_t batch_free_blocks(const struct replica *replica)
{
    return replica->kv.free_blocks;
}

int64_t batch_total_blocks(const struct replica *replica)
{
    return replica->kv.total_blocks;
}

int64_t batch_watermark(const struct replica *replica)
{
    return replica->pool->watermark_blocks;
}

int64_t batch_block_tokens(const struct replica *replica)
{
    return replica->kv.block_tokens;
}

int64_t batch_n_running(const struct replica *replica)
{
    return replica->running.n;
}

struct request *batch_first_running(const struct replica *replica)
{
    return replica->running.first;
}

struct request *batch_last_running(const struct replica *replica)
{
    return replica->running.last;
}

struct request *batch_next(const struct request *request)
{
    return request->next;
}

struct request *batch_first_waiting(const struct replica *replica)
{
    return replica->moving.shuts ? NULL : queue_first(&replica->queue);
}

int64_t batch_n_waiting(const struct replica *replica)
{
    return replica->moving.shuts ? 0 : replica->queue.n;
}

int64_t batch_n_swapped(const struct replica *replica)
{
    return replica->swap.requests.n;
}

int64_t batch_n_emitted(const struct replica *replica, const struct request *request)
{
    int64_t since = request->in_group ? replica->group.step - request->joined_step : 0;
    return request->n_emitted + since;
}

/* The blocks of a waiting request's prompt that are in the cache, or are fetched into it.
 * The last token is always computed, for the next one to come out. */
static int64_t found_blocks(const struct replica *replica,
                            const struct request *request)
{
    if (request->place != REQUEST_WAITING) {
        return 0;
    }
    int64_t most = (request_missing_tokens(request) - 1) / replica->kv.block_tokens;
    prefix_find(replica->kv.prefix, request->chain, most);
    return request->chain->n_hits + request->chain->n_fetches;
}

int64_t batch_missing(const struct replica *replica, const struct request *request)
{
    int64_t missing = request->in_group ? 1 : request_missing_tokens(request);
    if (request->chain == NULL) {
        return missing;
    }
    return missing - found_blocks(replica, request) * replica->kv.block_tokens;
}

int64_t batch_new_blocks(const struct replica *replica, const struct request *request,
                         int64_t tokens)
{
    if (request->chain != NULL && found_blocks(replica, request) > 0) {
        return kv_blocks(&replica->kv, tokens) + request->chain->n_free_hits +
               request->chain->n_fetches;
    }
    if (!request->in_group) {
        int64_t n_blocks = kv_blocks(&replica->kv, request->computed_tokens + tokens);
        return n_blocks > request->held_blocks ? n_blocks - request->held_blocks : 0;
    }
    if (replica->group.reserved) {
        return 0;
    }
    int64_t computed = replica_computed(replica, request);
    return kv_blocks(&replica->kv, computed + tokens) -
           kv_blocks(&replica->kv, computed);
}

int64_t batch_drafts(const struct replica *replica, const struct request *request)
{
    return replica->ops->speculates ? draft_room(replica, request) : 0;
}

static void record_grant(struct replica *replica, struct replica_grant grant)
{
    if (replica->n_grants == replica->grant_room) {
        replica->grant_room = replica->grant_room * 2 + 16;
        replica->grants = memory_grow(replica->grants, (size_t)replica->grant_room,
                                      sizeof *replica->grants);
    }
    replica->grants[replica->n_grants++] = grant;
}

/* Books a grant whose blocks are there. */
static void grant(struct replica *replica, struct request *request, int64_t tokens,
                  int64_t n_blocks, int64_t now_ns)
{
    int64_t missing = request_missing_tokens(request);
    bool decode = request->n_emitted > 0 && missing == 1;
    CHECK(tokens >= 1 && tokens <= missing + batch_drafts(replica, request));
    CHECK(tokens <= replica->budget || (decode && replica->ops->decodes_beyond_budget));
    CHECK(request->place == REQUEST_RUNNING && !request->in_group);
    replica->budget -= tokens;
    kv_take(&replica->kv, n_blocks);
    request->held_blocks += n_blocks;
    if (!request->granted) {
        request->granted = true;
        fair_admit(&replica->fair, request);
    }
    if (request->first_scheduled_ns == REQUEST_NEVER) {
        request->first_scheduled_ns = now_ns;
    }
    if (decode && !request->decoding) {
        CHECK(replica->stepwise || replica->group_granted); /* it goes with the group */
        replica_divide_once(replica);
        replica_join(replica, request);
    }
    if (request->chain != NULL && !decode) {
        prefix_fill(replica->kv.prefix, request->chain,
                    request->computed_tokens + tokens);
    }
    record_grant(replica, (struct replica_grant){
                              .request = request, .tokens = tokens, .decode = decode});
}

bool batch_grant(struct replica *replica, struct request *request, int64_t tokens,
                 int64_t now_ns)
{
    int64_t n_blocks = batch_new_blocks(replica, request, tokens);
    if (n_blocks > replica->kv.free_blocks) {
        return false;
    }
    grant(replica, request, tokens, n_blocks, now_ns);
    return true;
}

/* Partials stand in order of admission; mostly the new one is the last. */
static void add_partial(struct replica *replica, struct request *request)
{
    if (replica->n_partials == replica->partial_room) {
        replica->partial_room = replica->partial_room * 2 + 16;
        replica->partials = memory_grow(
            replica->partials, (size_t)replica->partial_room, sizeof(struct request *));
    }
    int64_t at = replica->n_partials++;
    for (; at > 0 && replica->partials[at - 1]->admission > request->admission; at--) {
        replica->partials[at] = replica->partials[at - 1];
    }
    replica->partials[at] = request;
}

/* Takes what the cache has of the request's prompt; how many free blocks that took. */
static int64_t take_found(struct replica *replica, struct request *request)
{
    int64_t n_found = found_blocks(replica, request);
    if (n_found == 0) {
        return 0;
    }
    struct prefix_chain *chain = request->chain;
    kv_hold(&replica->kv, chain);
    request->held_blocks = chain->n_hits;
    request->computed_tokens = n_found * replica->kv.block_tokens;
    if (!request->granted && !request->migrated) {
        request->cached_tokens = request->computed_tokens;
    } else {
        replica->tally.recomputed_tokens -= request->computed_tokens;
    }
    return chain->n_free_hits;
}

int64_t batch_room(const struct replica *replica, const struct request *request)
{
    return batch_missing(replica, request) + request->max_new_tokens -
           request->n_emitted - 1;
}

/* Puts a request at the end of the running ones. */
static void run(struct replica *replica, struct request *request)
{
    request_list_append(&replica->running, request);
    request->place = REQUEST_RUNNING;
    request->admission = replica->n_admissions++;
    replica->view->n_waiting--;
    replica->view->n_running++;
    if (replica->pool->config->scheduler.preemptive_order) {
        rank_admit(replica, request);
    }
    lora_admit(replica, request);
    if (!replica->stepwise) {
        add_partial(replica, request);
    }
}

void batch_land(struct replica *replica, struct request *request)
{
    if (request->chain != NULL) {
        replica_know_prompts(replica);
        prefix_chain_hash(request->chain, replica->kv.block_tokens);
        prefix_fill(replica->kv.prefix, request->chain, request->computed_tokens);
    }
    run(replica, request);
}

bool batch_admit(struct replica *replica, struct request *request, int64_t tokens,
                 int64_t room, int64_t now_ns)
{
    if (replica->group.reserved) {
        room = batch_room(replica, request);
    }
    room = room > tokens ? room : tokens;
    int64_t n_blocks = batch_new_blocks(replica, request, room);
    if (n_blocks > replica->kv.free_blocks) {
        return false;
    }
    if (replica->kv.prefix != NULL) {
        prefix_settle(replica->kv.prefix);
    }
    CHECK(replica->running.n < replica->limits.max_num_seqs);
    CHECK(request->place == REQUEST_WAITING);
    if (request->chain != NULL) {
        n_blocks -= take_found(replica, request);
    }
    replica_queue_leave(replica, request);
    run(replica, request);
    grant(replica, request, tokens, n_blocks, now_ns);
    return true;
}

bool batch_resume(struct replica *replica, struct request *request, int64_t tokens,
                  int64_t now_ns)
{
    int64_t n_blocks = kv_blocks(&replica->kv, request->computed_tokens + tokens);
    CHECK(request->place == REQUEST_SWAPPED && request->held_blocks == 0);
    CHECK(replica->running.n < replica->limits.max_num_seqs);
    if (n_blocks > replica->kv.free_blocks) {
        return false;
    }
    swap_take(replica, request, true);
    run(replica, request);
    grant(replica, request, tokens, n_blocks, now_ns);
    return true;
}

void batch_leave_out(struct replica *replica, struct request *request, int64_t now_ns)
{
    if (!request->decoding) {
        return;
    }
    replica_divide_once(replica);
    replica_leave(replica, request, now_ns);
    if (!replica->stepwise) {
        add_partial(replica, request);
    }
}

void batch_wait_until(struct replica *replica, int64_t at_ns)
{
    replica->wake_ns = at_ns;
}

void batch_shed(struct replica *replica, struct request *request, int64_t now_ns)
{
    CHECK(request->place == REQUEST_WAITING);
    request->reason = REASON_QUEUE_TIMEOUT;
    replica_finish(replica, request, REQUEST_SHED, now_ns);
}

bool batch_decodes(const struct replica *replica, const struct request *request)
{
    return request->decoding ||
           (request->n_emitted > 0 && batch_missing(replica, request) == 1);
}

int64_t batch_n_prefills(const struct replica *replica)
{
    int64_t n = 0;
    for (int64_t i = 0; i < replica->n_grants; i++) {
        n += !replica->grants[i].decode;
    }
    return n;
}

bool batch_is_fcfs(const struct replica *replica)
{
    return replica->queue.ops->key == NULL && !replica->queue.ops->by_tenant;
}

int64_t batch_n_preempted(const struct replica *replica)
{
    return replica->n_preempted - replica->n_yielded;
}

bool batch_may_turn(const struct replica *replica)
{
    const struct request *first = batch_first_waiting(replica);
    return first != NULL && first->chain != NULL && first->n_emitted == 1;
}

int64_t batch_n_grouped(const struct replica *replica)
{
    return replica->group.n;
}

int64_t batch_group_new_blocks(const struct replica *replica)
{
    return group_new_blocks(&replica->group);
}

void batch_grant_group(struct replica *replica)
{
    int64_t n_blocks = batch_group_new_blocks(replica);
    CHECK(replica->group.n <= replica->budget || replica->ops->decodes_beyond_budget);
    replica->group_granted = true;
    replica->budget -= replica->group.n;
    kv_take(&replica->kv, n_blocks);
}

int64_t batch_n_partial(const struct replica *replica)
{
    return replica->n_partials;
}

struct request *batch_partial(const struct replica *replica, int64_t i)
{
    return replica->partials[i];
}
