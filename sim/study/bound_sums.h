/* bound_sums: what serving requests takes at least, counted: steps, tokens, contexts.
 *
 * Sums over requests of what every run has to compute for them, whatever its policies do;
 * study/bound_price.h puts a price on them.  A request of p prompt and o output tokens
 *
 *   - has its prompt computed once, pairs p (p + 1) / 2, in one chunk or more.  If others
 *     may have left its prompt in a prefix cache, only its last token is sure to be;
 *   - emits o tokens.  For the i-th after the first some step computes a token of it that
 *     attends to p + i tokens, and holds the blocks of so many.  A step with drafted tokens
 *     emits up to k + 1 of them: its context is at least the mean of theirs, so a sum over
 *     tokens, divided by k + 1, is at most the sum over steps.
 *
 * Steps are at least: sequences in steps over `max_num_seqs`; tokens over the step's budget,
 * where the discipline has one; KV blocks held in steps over all blocks there are.  The
 * ranks of a replica in lockstep are taken together, with limits as many times as large.
 */
#ifndef SERVESIM_STUDY_BOUND_SUMS_H
#define SERVESIM_STUDY_BOUND_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/pool.h"

/* Requests that are alike. */
struct bound_length {
    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t n;
    bool shares; /* a prefix cache may hold its prompt */
};

/* What a step of a replica, all its ranks together, can hold; INFINITY: no limit. */
struct bound_limits {
    double n_ranks;
    double sequences;
    double prompt_tokens;
    double tokens;
    double blocks;
    double emitted; /* tokens that a sequence emits in a step, at most */
    int64_t block_tokens;
    int64_t window_tokens; /* 0: none */
    bool prompts;          /* the pool computes prompts; */
    bool outputs;          /* and writes outputs */
    bool caches;           /* it has a prefix cache */
};

struct bound_sums {
    double steps;
    double emitting_steps;
    double prefill_steps;
    double tokens;
    double shared_tokens; /* of all ranks: the same, but where one rank is looked at */
    double emitted;       /* tokens */
    double decodes;       /* sequences that decode, over steps */
    double sequences;     /* those with a chunk, too */
    double blocks;        /* held, over steps */
    double decode_pairs;
    double decode_context;
    double decode_window_pairs;
    double decode_window;
    double prefill_tokens;
    double prefill_pairs;
    double prefill_context;
    double window_pairs;
    double window_context;
    double n_chunks;
    double least_context; /* of a decode */
    bool shares;          /* some do */
};

struct bound_limits bound_sums_limits(const struct pool *pool);

/* Adds requests to sums that began zeroed. */
void bound_sums_add(struct bound_sums *sums, const struct bound_limits *limits,
                    const struct bound_length *length);

/* Works the steps out, once all are added. */
void bound_sums_close(struct bound_sums *sums, const struct bound_limits *limits);

/* One request, whatever `n` is, as its own rank finds it: the steps that compute its prompt, or those that
 * write its output after the first token.  Counted as often as there are ranks, which is how
 * a rank's step is priced (model/cost.h). */
void bound_sums_prompt(struct bound_sums *sums, const struct bound_limits *limits,
                       const struct bound_length *length);
void bound_sums_output(struct bound_sums *sums, const struct bound_limits *limits,
                       const struct bound_length *length);

#endif
