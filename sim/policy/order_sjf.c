/* Shortest job first: by the steps that the whole request takes, the prompt at a full budget
 * and one for each token of output, as predicted. */
#include "policy/policy.h"

static int64_t key(const struct order_settings *settings, const struct order_view *view)
{
    int64_t budget = settings->max_num_batched_tokens;
    return (view->prompt_tokens + budget - 1) / budget + view->predicted_tokens;
}

const struct order_ops order_sjf = {
    .name = "sjf",
    .help = "shortest job first: by predicted steps of the whole request",
    .key = key,
    .ranks_running = true,
};
