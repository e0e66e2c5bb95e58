/* Longest prefix match, as SGLang has it: who finds most of its prompt in the cache goes
 * first, looked up anew for every plan; first come, first served while more than
 * ORDER_MOST_HITS wait.  SGLang also holds back requests that share a prefix with one that
 * waits before them; that is not here. */
#include "policy/policy.h"

static int64_t key(const struct order_settings *settings, const struct order_view *view)
{
    (void)settings;
    return -view->found_tokens;
}

const struct order_ops order_lpm = {
    .name = "lpm",
    .help = "longest prefix match first: who finds most of its prompt in the cache",
    .key = key,
    .by_hits = true,
    .unsteady = true,
};
