#include "engine/jump.h"
#include "policy/policy.h"

/* Where the place that the session belongs to is not ready it is hashed again; so many
 * times not to find one is a fleet of which little is up. */
enum { MOST_ATTEMPTS = 32 };

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    (void)state;
    for (int32_t i = 0; query->session != 0 && i < MOST_ATTEMPTS; i++) {
        int32_t at = jump_bucket(jump_key(query->session, i), group->n_places);
        if (group->is_ready[group->places[at]]) {
            return group->places[at];
        }
    }
    return route_first(group);
}

const struct route_ops route_session_affinity = {
    .name = "session_affinity",
    .help = "sends a session's requests to the same replica, by a consistent hash; "
            "others as least_requests",
    .key = route_requests,
    .pick = pick,
};
