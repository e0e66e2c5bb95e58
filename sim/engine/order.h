/* order: which of the waiting requests comes first; the struct of such a policy.
 *
 * An order gives every request a key, the least of which is first.  It sees what a real
 * server could: lengths of outputs only as a predictor guessed them.  Keys of waiting
 * requests stand while they wait, so that the queue is a heap and costs the logarithm of
 * its length; an order whose choice moves by itself says so (`unsteady`), and steps are
 * then planned one by one while somebody waits for whom there might be room.
 */
#ifndef SERVESIM_ENGINE_ORDER_H
#define SERVESIM_ENGINE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct order_view {
    int32_t id; /* requests are numbered as they arrive */
    int64_t priority;
    int64_t arrival_ns;
    int64_t deadline_ns; /* INT64_MAX: none */
    int64_t prompt_tokens;
    int64_t missing_tokens; /* of its prompt and output so far, to be computed */
    int64_t n_emitted;
    int64_t promoted_tokens; /* emitted before it was last promoted; -1: it never was */
    int64_t predicted_tokens; /* of its output, all in all */
    int64_t found_tokens;     /* that the prefix cache has; only with `by_hits` */
};

/* What an order is told beside requests. */
struct order_settings {
    int64_t max_num_batched_tokens;
    int64_t aging_ns; /* of waiting outweigh one level of priority; 0: none do */
    int64_t mlfq_levels;
    int64_t mlfq_quantum; /* tokens of output in the first level */
    int64_t mlfq_prefill_tokens;
    int64_t mlfq_promote_ns; /* 0: nobody is promoted */
};

struct order_ops {
    const char *name;
    const char *help; /* one sentence */
    /* NULL: in order of arrival, those who gave way in front.  Requests with equal keys
     * go by their ids. */
    int64_t (*key)(const struct order_settings *settings,
                   const struct order_view *view);
    /* Where a running request's key grows with its output: after how many more tokens it
     * next does, INT64_MAX if never.  Waiting ones are promoted then (engine/promote.h).
     * NULL: keys grow with nothing. */
    int64_t (*tokens_left)(const struct order_settings *settings,
                           const struct order_view *view);
    bool by_tenant; /* first the tenant who got least (engine/fair.h), then its queue */
    bool by_hits;   /* keys are looked up anew for every plan */
    bool unsteady;  /* another may be first though nobody came or left */
    bool ranks_running; /* keys tell running requests from waiting ones */
    bool levels;        /* keys are levels; who was delayed is the last of his */
    bool displaces;     /* `preemptive_order` unless somebody says no */
};

/* More requests than this are not looked up for every plan: they go by their ids, as in
 * SGLang. */
enum { ORDER_MOST_HITS = 128 };

#endif
