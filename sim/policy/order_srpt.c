/* Shortest remaining processing time: by the steps that are left, those for what is to be
 * computed at a full budget and one for each token of output that is predicted to come; one
 * at least, when it has come to more than was predicted. */
#include "policy/policy.h"

static int64_t key(const struct order_settings *settings, const struct order_view *view)
{
    int64_t budget = settings->max_num_batched_tokens;
    int64_t left = view->predicted_tokens - view->n_emitted;
    return (view->missing_tokens + budget - 1) / budget + (left > 1 ? left : 1);
}

const struct order_ops order_srpt = {
    .name = "srpt",
    .help = "shortest remaining processing time first: by predicted steps left",
    .key = key,
    .ranks_running = true,
    .displaces = true,
};
