#include "policy/policy.h"

static int64_t desired(const struct scale_view *view, const struct scale_config *config)
{
    return scale_ceil((wide)scale_n_waiting(view) * 1000000000, config->target_nano);
}

const struct scale_ops scale_queue = {
    .name = "queue",
    .help = "as many replicas as leave each `target` waiting requests",
    .needs_target = true,
    .desired = desired,
};
