/* admit: who is turned away at the gateway, before any replica is picked (`[admit]`).
 *
 * An arrival, or one that a client sends again, is shed for the first reason that holds:
 *   rate_limit   the bucket of requests is empty: it holds `burst` and fills at `rate_rps`
 *   token_limit  the bucket of prompt tokens holds fewer than its prompt has; a prompt that
 *                is longer than the bucket passes when that is full, and empties it
 *   queue_full   `max_queue` requests wait in the whole fleet, those in front ends and those
 *                held at the gateway among them
 *   priority     its priority is at least `low_priority` (smaller numbers are more
 *                important) and low_priority_share x max_queue wait: the tiers of gateways
 *                that shed batch work first
 *   deadline     with `shed_late`: the prompts that wait at the replica that was picked, and
 *                its own, computed in one step with nothing else while its front end works,
 *                would be done after its deadline.  That knows nothing of those who decode,
 *                nor of what is cached, nor of an order that lets some pass
 * Only what passes the first four takes from the buckets.  Integers throughout.
 */
#ifndef SERVESIM_ENGINE_ADMIT_H
#define SERVESIM_ENGINE_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "base/wide.h"
#include "engine/request.h"

struct admit_config {
    int64_t rate_nano; /* requests per second, in 10^-9; 0: no limit */
    int64_t burst;
    int64_t tokens_per_s; /* 0: no limit */
    int64_t token_burst;
    int64_t max_queue; /* 0: no limit */
    int64_t low_priority;
    int64_t low_share_nano;
    int64_t shed_late; /* flag */
};

enum { ADMIT_FIELDS = 8 };
extern const struct field admit_fields[ADMIT_FIELDS];

/* Units in a bucket; it fills by `rate` of them per ns. */
struct admit_bucket {
    wide level;
    wide full;
    int64_t rate;
    int64_t at_ns;
};

struct admit {
    const struct admit_config *config;
    struct admit_bucket requests;
    struct admit_bucket tokens;
};

/* Buckets are full.  `config` may be NULL: nobody is turned away. */
void admit_init(struct admit *admit, const struct admit_config *config);

/* Whether `n_waiting` is asked for. */
static inline bool admit_counts(const struct admit *admit)
{
    return admit->config != NULL && admit->config->max_queue > 0;
}

/* Why a request is shed that arrives while so many wait; REASON_NONE: it is not, and has
 * taken from the buckets. */
enum request_reason admit_check(struct admit *admit, const struct request *request,
                                int64_t n_waiting, int64_t now_ns);

struct replica;

/* Whether a request that is sent to the replica now would have its first token too late;
 * it visits all who wait there. */
bool admit_late(const struct replica *replica, const struct request *request,
                int64_t now_ns);

#endif
