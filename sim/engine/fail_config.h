/* fail_config: what breaks, when, and what becomes of the requests: the section [fail].
 *
 * Failures come from three places: lifetimes drawn for every replica or node (`mtbf`),
 * lifetimes of capacity that the provider takes back (`spot_mtbf`), and a list of events.
 * Every time is drawn from the run's seed, the unit's place and how many were drawn for it
 * before: what happens elsewhere in the fleet never shifts it.
 */
#ifndef SERVESIM_ENGINE_FAIL_CONFIG_H
#define SERVESIM_ENGINE_FAIL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "engine/pool.h"

/* What fails at once: a replica, or a node with all replicas on it. */
enum fail_scope { FAIL_REPLICA, FAIL_NODE };

/* What becomes of requests whose replica fails: they start again, go on elsewhere with the
 * output they have, or fail. */
enum fail_action { FAIL_RETRY, FAIL_MIGRATE, FAIL_GIVE_UP };

enum fail_kind { FAIL_CRASH, FAIL_RECLAIM, FAIL_SLOW, N_FAIL_KINDS };

/* "fail", "reclaim" or "slow". */
const char *fail_config_kind_name(enum fail_kind kind);

/* Of an event: this lasts to the end of the run. */
enum { FAIL_FOR_EVER = -1 };

struct fail_event {
    int64_t at_ns;
    int64_t line; /* of the file */
    int32_t pool;
    int32_t first; /* replicas of the pool: the one, or those of the node */
    int32_t end;
    enum fail_kind kind;
    int64_t duration_ns; /* until repaired, replaced or fast again; or FAIL_FOR_EVER */
    int64_t notice_ns;
    int64_t factor_nano;
};

/* In order of time, those of one instant as they stand in the file. */
struct fail_events {
    const struct fail_event *events;
    int64_t n;
};

struct fail_config {
    int64_t mtbf_ns; /* 0: nothing fails by itself */
    int64_t mttr_ns;
    int64_t scope; /* enum fail_scope */
    const char *events;
    int64_t spot_mtbf_ns; /* 0: nothing is taken back */
    int64_t notice_ns;
    int64_t spot_replace_ns;
    int64_t on_failure; /* enum fail_action */
    int64_t max_retries;
    int64_t backoff_ns;
    int64_t backoff_factor_nano;
};

enum { FAIL_CONFIG_FIELDS = 11 };

extern const struct field fail_config_fields[FAIL_CONFIG_FIELDS];

/* Whether anything can fail at all. */
static inline bool fail_config_any(const struct fail_config *config)
{
    return config->mtbf_ns > 0 || config->spot_mtbf_ns > 0 || config->events[0] != '\0';
}

/* The replicas of the pool's node `node`, from *first to *end, of `n_replicas`; false if
 * the pool has no such node.  Replicas fill nodes in order; one that is larger than a node
 * has nodes of its own. */
bool fail_config_node(const struct pool_config *pool, int64_t n_replicas, int64_t node,
                      int32_t *first, int32_t *end);

/* Whether the pool's replica `i` is one of its slow ones: of the first n there are
 * slow_share x n, rounded half up, for every n. */
bool fail_config_is_slow(const struct pool_config *pool, int64_t i);

#endif
