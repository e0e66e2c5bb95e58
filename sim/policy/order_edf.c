/* Earliest deadline first: the request's own (deadline_s), else its tenant's, else the
 * bound on the whole request or on its first token in [slo]. */
#include "policy/policy.h"

static int64_t key(const struct order_settings *settings, const struct order_view *view)
{
    (void)settings;
    return view->deadline_ns;
}

const struct order_ops order_edf = {
    .name = "edf",
    .help = "earliest deadline first: deadline_s, the tenant's deadline_ms, or [slo]",
    .key = key,
    .ranks_running = true,
};
