#include "engine/rank.h"

#include "engine/replica.h"

/* The key of a running request; keys that grow with output are looked up when they may
 * have. */
static int64_t key_of(const struct replica *replica, struct request *request)
{
    if (replica->stepwise || replica->queue.ops->tokens_left == NULL) {
        return replica_order_key(replica, request);
    }
    if (replica->sums.work.steps >= request->rank_last_step) {
        request->rank_key = replica_order_key(replica, request);
        int64_t left = replica_order_left(replica, request);
        request->rank_last_step =
            left < INT64_MAX ? replica->sums.work.steps + left : INT64_MAX;
    }
    return request->rank_key;
}

/* Until when the key that was just looked up stands. */
static int64_t stands_until(const struct replica *replica,
                            const struct request *request)
{
    return replica->queue.ops->tokens_left == NULL ? INT64_MAX
                                                   : request->rank_last_step;
}

static void note(struct rank *rank, int64_t key, int64_t last_step)
{
    rank->most_key = key > rank->most_key ? key : rank->most_key;
    rank->last_step = last_step < rank->last_step ? last_step : rank->last_step;
}

void rank_admit(struct replica *replica, struct request *request)
{
    if (!replica->stepwise) {
        request->rank_last_step = 0;
        int64_t key = key_of(replica, request);
        note(&replica->rank, key, stands_until(replica, request));
    }
}

struct request *rank_last(struct replica *replica)
{
    struct request *last = NULL;
    int64_t last_key = 0;
    replica->rank = (struct rank){
        .most_key = INT64_MIN, .last_step = INT64_MAX, .next_key = INT64_MIN};
    for (struct request *r = replica->running.first; r != NULL; r = r->next) {
        int64_t key = key_of(replica, r);
        int64_t next_key = key < replica->rank.most_key ? key : replica->rank.most_key;
        if (next_key > replica->rank.next_key) {
            replica->rank.next_key = next_key;
        }
        note(&replica->rank, key, stands_until(replica, r));
        if (last == NULL || queue_precedes(last_key, last->id, key, r->id)) {
            last = r;
            last_key = key;
        }
    }
    return last;
}

/* Whether the bound still is one. */
static bool is_known(const struct replica *replica)
{
    return !replica->stepwise && replica->sums.work.steps < replica->rank.last_step;
}

struct request *rank_preceded(struct replica *replica)
{
    if (replica->queue.n == 0 || replica->running.n == 0) {
        return NULL;
    }
    const struct request *first = queue_first(&replica->queue);
    int64_t key = replica_order_key(replica, first);
    if (is_known(replica) && key >= replica->rank.most_key) {
        return NULL;
    }
    struct request *last = rank_last(replica);
    return key < replica_order_key(replica, last) ? last : NULL;
}

void rank_displaced(struct replica *replica)
{
    replica->rank.most_key = replica->rank.next_key;
}

int64_t rank_steps_left(struct replica *replica)
{
    if (replica->queue.ops->tokens_left == NULL || replica->queue.n == 0) {
        return INT64_MAX;
    }
    if (!is_known(replica)) {
        rank_last(replica);
    }
    return replica->rank.last_step - replica->sums.work.steps;
}
