#include "policy/policy.h"

static int64_t desired(const struct scale_view *view, const struct scale_config *config)
{
    wide used = 0;
    if (view->n_ready == 0) {
        return scale_current(view); /* there is nothing to look at */
    }
    for (int64_t i = 0; i < view->n_ready; i++) {
        used += view->ready[i].used_blocks;
    }
    /* replicas of a pool are alike */
    return scale_ceil(used * 1000000000,
                      (wide)view->ready[0].total_blocks * config->target_nano);
}

const struct scale_ops scale_kv = {
    .name = "kv",
    .help =
        "as many replicas as leave each `target` of its KV blocks in use (a fraction)",
    .needs_target = true,
    .is_share = true,
    .desired = desired,
};
