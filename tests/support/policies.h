/* policies: random schedulers for tests: every discipline, order and way to give way. */
#ifndef SERVESIM_TESTS_SUPPORT_POLICIES_H
#define SERVESIM_TESTS_SUPPORT_POLICIES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "policy/policy.h"

static inline int64_t policies_pick(struct rng *rng, const int64_t *values, int64_t n)
{
    return values[rng_below(rng, n)];
}

#define POLICIES_PICK(rng, ...)                        \
    policies_pick(rng, (const int64_t[]){__VA_ARGS__}, \
                  (int64_t)(sizeof(const int64_t[]){__VA_ARGS__} / sizeof(int64_t)))

static inline const char *policies_word(struct rng *rng, const char *a, const char *b)
{
    return rng_below(rng, 2) == 0 ? a : b;
}

/* The discipline: vLLM v1's as often as all others; BATCHING in the environment names
 * one. */
static inline const struct batch_ops *policies_batching(struct rng *rng)
{
    int64_t n = 0;
    const char *wanted = getenv("BATCHING");
    while (policy_batching_all[n] != NULL) {
        n++;
    }
    int64_t drawn = rng_below(rng, 3) == 0 ? 0 : rng_below(rng, n);
    return wanted != NULL ? policy_batching(wanted) : policy_batching_all[drawn];
}

static inline const struct order_ops *policies_order(struct rng *rng, bool may_displace)
{
    int64_t n = 0;
    while (policy_order_all[n] != NULL) {
        n++;
    }
    int64_t drawn = rng_below(rng, 3) == 0 ? 0 : rng_below(rng, n);
    bool must = policy_order_all[drawn]->tokens_left != NULL;
    return policy_order_all[must && !may_displace ? 0 : drawn];
}

/* Keys of one discipline alone. */
static inline void policies_write_own(struct rng *rng, FILE *out, const char *batching,
                                      int64_t max_num_seqs)
{
    if (strcmp(batching, "unified") == 0) {
        fprintf(out, "max_num_partial_prefills = %lld\n",
                (long long)POLICIES_PICK(rng, 0, 0, 1, 2));
    } else if (strcmp(batching, "prefill_first") == 0) {
        fprintf(out, "watermark = 0.%lld\ndecode_iterations = %lld\n",
                (long long)POLICIES_PICK(rng, 0, 0, 1, 37),
                (long long)POLICIES_PICK(rng, 0, 0, 3, 10));
    } else if (strcmp(batching, "sglang") == 0) {
        fprintf(out,
                "chunked_prefill_size = %lld\nenable_mixed_chunk = %s\n"
                "schedule_conservativeness = %lld.%lld\nclip_max_new_tokens = %lld\n",
                (long long)POLICIES_PICK(rng, 0, 1, 7, 41, 4099),
                policies_word(rng, "yes", "no"), (long long)POLICIES_PICK(rng, 0, 1),
                (long long)POLICIES_PICK(rng, 0, 37),
                (long long)POLICIES_PICK(rng, 3, 41, 4096));
    } else if (strcmp(batching, "sarathi") == 0 && rng_below(rng, 3) == 0) {
        fprintf(out, "chunk_stages = 3\nchunk_high = %lld\nchunk_low = %lld\n",
                (long long)POLICIES_PICK(rng, 41, 137),
                (long long)rng_below(rng, 37) + 1);
        fputs("max_model_len = 4099\n", out);
    } else if (strcmp(batching, "dynamic") == 0) {
        fputs("preferred_batch_sizes = ", out);
        if (rng_below(rng, 3) > 0) {
            fprintf(out, "%s%lld", policies_word(rng, "", "1, "),
                    (long long)(max_num_seqs + 1) / 2);
        }
        fprintf(out,
                "\nmax_queue_delay_us = %lld\n"
                "queue_timeout_us = %lld\nqueue_timeout_action = %s\n",
                (long long)POLICIES_PICK(rng, 0, 137, 4099, 41000),
                (long long)POLICIES_PICK(rng, 0, 0, 1370, 13700),
                policies_word(rng, "reject", "delay"));
    }
    if (strcmp(batching, "dynamic") == 0 || strcmp(batching, "static") == 0) {
        fprintf(out, "padding = %s\n", policies_word(rng, "yes", "no"));
    }
}

/* The levels of a feedback queue. */
static inline void policies_write_mlfq(struct rng *rng, FILE *out)
{
    fprintf(
        out,
        "mlfq_levels = %lld\nmlfq_quantum = %lld\nmlfq_prefill_tokens = %lld\n"
        "mlfq_promote_ms = %s\n",
        (long long)POLICIES_PICK(rng, 1, 2, 3, 4, 7),
        (long long)POLICIES_PICK(rng, 1, 2, 5, 32),
        (long long)POLICIES_PICK(rng, 1, 3, 13, 64),
        policies_word(rng, "0",
                      policies_word(rng, "0.0137", policies_word(rng, "1.37", "41"))));
}

/* Writes the keys of a scheduler whose parts go together. */
static inline void policies_write(struct rng *rng, FILE *out)
{
    const struct batch_ops *batching = policies_batching(rng);
    const char *name = batching->name;
    bool reserves = strcmp(name, "static") == 0 || strcmp(name, "dynamic") == 0 ||
                    strcmp(name, "orca") == 0 || rng_below(rng, 7) == 0;
    bool retracts = strcmp(name, "sglang") == 0;
    reserves = reserves && !retracts;
    const struct order_ops *order = policies_order(rng, !reserves && !retracts);
    fprintf(out, "batching = %s\norder = %s\n", name, order->name);
    const char *preempt = policies_word(rng, "recompute", "swap");
    fprintf(out, "preempt = %s\n",
            reserves   ? "none"
            : retracts ? "recompute"
                       : preempt);
    bool displaces = !reserves && !retracts && order->ranks_running &&
                     (rng_below(rng, 2) == 0 || order->tokens_left != NULL);
    if (!reserves) {
        static const char *const victims[] = {"last", "last", "order",
                                              "fewest_outputs"};
        fprintf(out, "victim = %s\npreemptive_order = %s\n",
                displaces  ? "order"
                : retracts ? "last"
                           : victims[rng_below(rng, 4)],
                displaces ? "yes" : "no");
    }
    bool may_look_ahead = !reserves && (strcmp(name, "unified") == 0 ||
                                        strcmp(name, "prefill_first") == 0);
    if (may_look_ahead && rng_below(rng, 4) == 0) {
        fputs("admission = forecast\n", out);
    }
    if (batching->chunks) {
        fprintf(out, "enable_chunked_prefill = %s\n", policies_word(rng, "yes", "no"));
    }
    if (strcmp(name, "prefill_first") == 0 && strcmp(order->name, "fcfs") == 0) {
        fprintf(out, "delay_factor = %lld.%lld\n",
                (long long)POLICIES_PICK(rng, 0, 0, 1),
                (long long)POLICIES_PICK(rng, 0, 37));
    }
    int64_t max_num_seqs = POLICIES_PICK(rng, 1, 2, 5, 13, 64);
    fprintf(out, "max_num_seqs = %lld\n", (long long)max_num_seqs);
    policies_write_own(rng, out, name, max_num_seqs);
    static const char *const predictors[] = {"perfect", "noisy", "bucketed", "none"};
    fprintf(out,
            "swap_blocks = %lld\nswap_block_us = %s\naging_ms = %lld\n"
            "predictor = %s\npredictor_bucket = 13\nmax_queue_size = %lld\n"
            "max_output_tokens = %lld\n",
            (long long)POLICIES_PICK(rng, 0, 3, 41), policies_word(rng, "0", "41.37"),
            (long long)POLICIES_PICK(rng, 0, 0, 3, 137), predictors[rng_below(rng, 4)],
            (long long)POLICIES_PICK(rng, 0, 0, 0, 7),
            (long long)POLICIES_PICK(rng, 0, 0, 0, 37));
    if (order->tokens_left != NULL) {
        policies_write_mlfq(rng, out);
    }
}

#endif
