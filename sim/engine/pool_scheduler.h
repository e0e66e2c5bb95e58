/* pool_scheduler: the keys of a pool's scheduler: what a file in configs/policies may set. */
#ifndef SERVESIM_ENGINE_POOL_SCHEDULER_H
#define SERVESIM_ENGINE_POOL_SCHEDULER_H

#include <stdint.h>

#include "base/field.h"

/* A choice that may be left to the discipline and the order: policy_settle(). */
enum pool_switch { POOL_NO, POOL_YES, POOL_AUTO };

/* What becomes of the KV cache of a sequence that gives way; none: nobody ever does, for
 * blocks are kept for whole outputs. */
enum pool_preempt { POOL_RECOMPUTE, POOL_SWAP, POOL_NONE, POOL_PREEMPT_AUTO };

/* Who gives way: the last admitted, the last in the queue's order, or who has the fewest
 * tokens of output. */
enum pool_victim { POOL_LAST, POOL_ORDER, POOL_FEWEST_OUTPUTS, POOL_VICTIM_AUTO };

/* Who may come in: whom the batching discipline has room for, or whose future fits, too. */
enum pool_admission { POOL_FITS, POOL_FORECAST };

enum pool_timeout { POOL_REJECT, POOL_DELAY };

enum pool_predictor { POOL_PERFECT, POOL_NOISY, POOL_BUCKETED, POOL_UNKNOWN };

/* The scheduler's own keys: what a policy preset in configs/policies/ may set. */
struct pool_scheduler {
    const char *batching;     /* the name of a batching discipline: policy/policy.h */
    const char *order;        /* likewise of an order of the queue */
    int64_t preempt;          /* enum pool_preempt */
    int64_t victim;           /* enum pool_victim */
    int64_t preemptive_order; /* enum pool_switch */
    int64_t admission;        /* enum pool_admission */
    int64_t max_num_seqs;
    int64_t max_num_batched_tokens;
    int64_t long_prefill_token_threshold; /* 0: none */
    int64_t reserve_full_prompt;          /* 1: admit only if the whole prompt fits */
    int64_t enable_prefix_caching;        /* 1: blocks of equal prompts are shared */
    int64_t enable_chunked_prefill;       /* enum pool_switch */
    int64_t max_num_partial_prefills;     /* 0: no limit */
    int64_t watermark_nano;
    int64_t delay_factor_nano;
    int64_t decode_iterations;
    int64_t max_output_tokens; /* 0: every request's own output length */
    int64_t padding;
    const char *preferred_batch_sizes;
    int64_t max_queue_delay_ns;
    int64_t max_queue_size;
    int64_t queue_timeout_ns;
    int64_t queue_timeout_action; /* enum pool_timeout */
    int64_t chunked_prefill_size;
    int64_t enable_mixed_chunk;
    int64_t conservativeness_nano;
    int64_t clip_max_new_tokens;
    int64_t chunk_stages;
    int64_t chunk_high;
    int64_t chunk_low;
    int64_t aging_ns;
    int64_t mlfq_levels;
    int64_t mlfq_quantum;
    int64_t mlfq_prefill_tokens;
    int64_t mlfq_promote_ns;
    int64_t predictor; /* enum pool_predictor */
    int64_t predictor_error_nano;
    int64_t predictor_bucket;
    int64_t swap_blocks; /* 0: no limit */
    int64_t swap_block_fs;
    int64_t host_bytes_per_s;
    const char *source;
};

extern const struct field_table pool_scheduler_table;

/* The next number of a list such as "4 8" or "4, 8", from `*at` on, which it moves behind it;
 * 0 at the end of the list, -1 if something else stands there. */
int64_t pool_scheduler_next_size(const char **at);

#endif
