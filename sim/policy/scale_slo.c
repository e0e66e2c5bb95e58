/* More replicas while too few requests meet [slo], fewer while all is well.
 *
 * One is taken away only if nobody waits and those that are left would have at most 80 %
 * of their KV blocks in use: attainment alone does not tell how close the edge is.  While
 * nothing has finished in the window nothing is known, unless nobody is there at all.
 */
#include "policy/policy.h"

enum { MOST_USED_PERCENT = 80 };

static bool can_spare_one(const struct scale_view *view)
{
    wide used = 0;
    wide left = 0; /* blocks of all but one */
    for (int64_t i = 0; i < view->n_ready; i++) {
        used += view->ready[i].used_blocks;
        left += i > 0 ? view->ready[i].total_blocks : 0;
    }
    return scale_n_waiting(view) == 0 && view->n_starting == 0 &&
           used * 100 <= left * MOST_USED_PERCENT;
}

static int64_t desired(const struct scale_view *view, const struct scale_config *config)
{
    int64_t current = scale_current(view);
    if (view->n_finished > 0 &&
        (wide)view->n_met * 1000000000 < (wide)view->n_finished * config->target_nano) {
        return current + (config->up_step > 0 ? config->up_step : 1);
    }
    bool is_known = view->n_finished > 0 || scale_n_running(view) == 0;
    if (is_known && can_spare_one(view)) {
        return current - (config->down_step > 0 ? config->down_step : 1);
    }
    return current;
}

const struct scale_ops scale_slo = {
    .name = "slo",
    .help =
        "more replicas while less than `target` of the requests meet the SLO, fewer "
        "while all is well",
    .needs_slo = true,
    .is_share = true,
    .has_window = true,
    .desired = desired,
};
