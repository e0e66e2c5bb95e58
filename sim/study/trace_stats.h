/* trace_stats: what is in a trace, and how much of its prompts a prefix cache could find.
 *
 * Where rows have hash ids these are the blocks, the last one of a prompt cut off; then the
 * figures are those that are published for such traces.  Otherwise, or where a block size is
 * given, blocks are what a server has: full ones only, and at least one token of a prompt is
 * computed.  A row that tells nothing of its prompt shares nothing and takes room; those
 * before the first that tells are not looked at.
 *
 * How much rows that tell nothing share is bounded: from below by nothing, from above by the
 * sessions that they may be (input/sessions.h).
 */
#ifndef SERVESIM_STUDY_TRACE_STATS_H
#define SERVESIM_STUDY_TRACE_STATS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/wide.h"
#include "input/sessions.h"
#include "study/reuse.h"

enum { TRACE_STATS_MOST_CACHES = 20 };

struct trace_stats_options {
    int64_t block_tokens; /* 0: as the trace has them, otherwise 16 */
    int64_t cache_blocks[TRACE_STATS_MOST_CACHES];
    int32_t n_caches;
    bool session_prefix;
    const char *format; /* of the trace; NULL: as its first line tells */
    bool skip_bad_rows;
    const volatile sig_atomic_t *interrupted; /* becomes 1 to stop; NULL: never */
};

struct trace_stats {
    const struct trace_stats_options *options;
    int64_t n_requests;
    int64_t n_skipped; /* rows that could not be read */
    int64_t n_told;    /* whose rows tell what the prompt holds */
    int64_t first_ns;
    int64_t last_ns;
    wide prompt_tokens;
    wide output_tokens;
    int64_t block_tokens;
    struct reuse reuse;
    struct sessions sessions; /* of the rows that tell nothing */
    int64_t n_continued;
    wide continued_tokens;
};

/* Reads the whole trace at `path`; -1 and `err` if it cannot be read or holds nothing.
 * Either way trace_stats_free() the figures. */
int trace_stats_read(struct trace_stats *stats, const char *path,
                     const struct trace_stats_options *options, struct err *err);
void trace_stats_free(struct trace_stats *stats);

/* As a table for people, and as "metric,value,unit". */
void trace_stats_print(const struct trace_stats *stats, FILE *out);
void trace_stats_write(const struct trace_stats *stats, FILE *out);

#endif
