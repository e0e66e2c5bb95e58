#include "policy/policy.h"

static int64_t desired(const struct scale_view *view, const struct scale_config *config)
{
    const int64_t second_ns = 1000000000;
    return scale_ceil((wide)(view->n_sent + view->n_held) * second_ns * 1000000000,
                      (wide)view->window_ns * config->target_nano);
}

const struct scale_ops scale_rate = {
    .name = "rate",
    .help = "as many replicas as get `target` requests per second each",
    .needs_target = true,
    .has_window = true,
    .desired = desired,
};
