/* route: which replica a request goes to.
 *
 * A router sees, of every replica, the requests it was sent and has not finished, and its
 * KV cache as of the replica's last step boundary.  It answers with the index of a
 * candidate, of which there is at least one.
 */
#ifndef SERVESIM_ENGINE_ROUTE_H
#define SERVESIM_ENGINE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct route_view {
    int32_t n_waiting; /* routed here and not running, from the moment it is routed */
    int32_t n_running;
    int64_t prompt_tokens; /* of all these */
    bool is_candidate; /* it may take the request in question */
};

struct route_ops {
    const char *name;
    const char *help;
    size_t state_size; /* of zeroed memory that the engine provides */
    int32_t (*pick)(void *state, const struct route_view *views, int32_t n_views);
};

#endif
