/* Skip-join multi-level feedback queue: FastServe (Wu et al., arXiv 2305.05920, 2023; the
 * rule of class MLFQ in fastserve/scheduler.py at commit 6da4b75e).
 *
 * Each level has a quantum, twice that of the level above.  A request joins the first level
 * whose quantum its prompt does not exceed, skipping those it would leave at once; when it
 * has used up its quantum it sinks by one, to start there with nothing used.  The prompt
 * counts towards the first quantum.  Who waits too long is promoted to the first level.
 *
 * Read with these liberties.  FastServe counts milliseconds that it measured in advance; here
 * service is counted in tokens of output, `mlfq_prefill_tokens` of prompt weighing as much as
 * one, so that a level does not depend on who else runs.  FastServe puts who has been running
 * back in front of his level, newcomers behind: here a level goes by arrival.  FastServe has
 * as many levels as it needs and looks for who starves every 1000 steps, here at every plan.
 * And it keeps the KV cache of those who give way while there is room on the GPU or the host;
 * here they recompute it, so quanta of few tokens cost more.  Recomputing is no service.
 */
#include "policy/policy.h"

/* Where a request is: its level, and what is left of its quantum there. */
struct place {
    int64_t level;
    int64_t left_tokens;
};

static struct place place_of(const struct order_settings *settings,
                             const struct order_view *view)
{
    int64_t last = settings->mlfq_levels - 1;
    int64_t worth = (view->prompt_tokens - 1) / settings->mlfq_prefill_tokens + 1;
    int64_t quantum = settings->mlfq_quantum;
    int64_t used = view->n_emitted - view->promoted_tokens;
    int64_t level = 0;
    if (view->promoted_tokens < 0) {
        for (; level < last && quantum < worth; level++) {
            quantum *= 2;
        }
        used = worth + view->n_emitted - 1; /* the prompt's with the first token */
    }
    for (; level < last && used >= quantum; level++) {
        used -= quantum;
        quantum *= 2;
    }
    return (struct place){.level = level,
                          .left_tokens = level < last ? quantum - used : INT64_MAX};
}

static int64_t key(const struct order_settings *settings, const struct order_view *view)
{
    return place_of(settings, view).level;
}

static int64_t tokens_left(const struct order_settings *settings,
                           const struct order_view *view)
{
    return place_of(settings, view).left_tokens;
}

const struct order_ops order_mlfq = {
    .name = "mlfq",
    .help = "feedback queue: whoever has used up its quantum gives way (FastServe)",
    .key = key,
    .tokens_left = tokens_left,
    .ranks_running = true,
    .displaces = true,
};
