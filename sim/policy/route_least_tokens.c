#include "policy/policy.h"

static int64_t prompt_tokens(const struct route_view *view)
{
    return view->prompt_tokens;
}

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    (void)state;
    (void)query;
    return route_first(group);
}

const struct route_ops route_least_tokens = {
    .name = "least_tokens",
    .help = "sends a request to the replica whose unfinished requests have the fewest "
            "prompt tokens",
    .key = prompt_tokens,
    .pick = pick,
};
