/* length_stats: how long the prompts and outputs of a trace are, and how the two go together.
 *
 * The definitions are those of ../shared/traces/STATS.md: cv is the population standard
 * deviation / mean; percentiles interpolate between the two nearest ranks; pearson is the
 * correlation of the lengths, pearson_log of their logarithms, spearman of their ranks, where
 * equal lengths share the mean of theirs.
 *
 * Memory: 8 bytes a request, and 8 more while it is worked out.
 */
#ifndef SERVESIM_STUDY_LENGTH_STATS_H
#define SERVESIM_STUDY_LENGTH_STATS_H

#include <stdint.h>

/* Zeroed it is empty and ready. */
struct length_stats {
    int32_t *tokens[2]; /* of prompts, of outputs, in the order of the trace */
    int64_t n;
    int64_t room;
};

/* Lengths of one kind, in ascending order. */
struct length_order {
    int32_t *tokens;
    int64_t n;
};

struct length_summary {
    double mean;
    double cv;
    double p50;
    double p90;
    double p99;
    int64_t least;
    int64_t most;
};

/* NAN where one of the two does not vary. */
struct length_relation {
    double pearson;
    double pearson_log;
    double spearman;
};

void length_stats_add(struct length_stats *stats, int64_t prompt_tokens,
                      int64_t output_tokens);

/* Prompts (0) or outputs (1) in ascending order; free() the tokens. */
struct length_order length_stats_order(const struct length_stats *stats, int kind);

/* Of one request at least. */
struct length_summary length_stats_summary(const struct length_order *order);

struct length_relation length_stats_relation(const struct length_stats *stats,
                                             const struct length_order *prompts,
                                             const struct length_order *outputs);

void length_stats_free(struct length_stats *stats);

#endif
