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
 *
 * Memory: 16 bytes a request for the lengths, and what arrival_stats.h, turn_stats.h,
 * label_stats.h, reuse.h and input/sessions.h say.
 */
#ifndef SERVESIM_STUDY_TRACE_STATS_H
#define SERVESIM_STUDY_TRACE_STATS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"
#include "input/sessions.h"
#include "study/arrival_stats.h"
#include "study/label_stats.h"
#include "study/length_stats.h"
#include "study/reuse.h"
#include "study/turn_stats.h"

enum { TRACE_STATS_MOST_CACHES = 20 };

enum trace_stats_label {
    TRACE_STATS_TENANT,
    TRACE_STATS_CLASS,
    TRACE_STATS_MODEL,
    TRACE_STATS_ADAPTER,
    TRACE_STATS_PRIORITY, /* other than 0 */
    TRACE_STATS_LABELS
};

struct trace_stats_options {
    int64_t block_tokens; /* 0: as the trace has them, otherwise 16 */
    int64_t cache_blocks[TRACE_STATS_MOST_CACHES];
    int32_t n_caches;
    bool session_prefix;
    const char *format; /* of the trace; NULL: as its first line tells */
    bool skip_bad_rows;
    int64_t
        detick_ns; /* spread arrivals over such ticks: input/detick.h; 0: as they are */
    const volatile sig_atomic_t *interrupted; /* becomes 1 to stop; NULL: never */
};

struct trace_stats {
    const struct trace_stats_options *options;
    int64_t n_requests;
    int64_t n_skipped; /* rows that could not be read */
    int64_t n_failed;  /* requests that failed when the trace was taken */
    int64_t n_told;    /* whose rows tell what the prompt holds */
    bool has_arrivals; /* false: the format has lengths alone */
    wide prompt_tokens;
    struct arrival_stats arrivals;
    struct length_stats lengths;
    struct turn_stats turns;
    struct label_stats labels[TRACE_STATS_LABELS];
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

#endif
