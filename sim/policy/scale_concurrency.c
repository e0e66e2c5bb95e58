#include "policy/policy.h"

static int64_t desired(const struct scale_view *view, const struct scale_config *config)
{
    int64_t n = scale_n_waiting(view) + scale_n_running(view);
    return scale_ceil((wide)n * 1000000000, config->target_nano);
}

const struct scale_ops scale_concurrency = {
    .name = "concurrency",
    .help = "as many replicas as leave each `target` waiting and running requests",
    .needs_target = true,
    .desired = desired,
};
