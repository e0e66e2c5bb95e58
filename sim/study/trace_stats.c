#include "study/trace_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/prefix_chain.h"
#include "input/detick.h"
#include "input/prompt_text.h"
#include "input/trace.h"

enum { STANDARD_BLOCK_TOKENS = 16 };

static void add_hashed(struct trace_stats *stats, const struct trace_row *row)
{
    uint64_t *blocks = memory_new((size_t)row->n_hash_ids, sizeof *blocks);
    for (int64_t i = 0; i < row->n_hash_ids; i++) {
        blocks[i] = (uint64_t)row->hash_ids[i];
    }
    reuse_add(&stats->reuse, &(struct reuse_prompt){
                                 .blocks = blocks,
                                 .n_blocks = row->n_hash_ids,
                                 .block_tokens = row->hash_tokens,
                                 .prompt_tokens = row->prompt_tokens,
                                 .most_hits = row->n_hash_ids,
                             });
    free(blocks);
}

/* A prompt as the engine cuts it into blocks. */
static void add_parts(struct trace_stats *stats, struct prefix_part *parts,
                      int64_t n_parts, int64_t prompt_tokens)
{
    struct prefix_chain *chain = prefix_chain_new(parts, n_parts, prompt_tokens);
    prefix_chain_hash(chain, stats->block_tokens);
    reuse_add(&stats->reuse, &(struct reuse_prompt){
                                 .blocks = chain->hashes,
                                 .n_blocks = chain->n_full,
                                 .block_tokens = stats->block_tokens,
                                 .prompt_tokens = prompt_tokens,
                                 .most_hits = (prompt_tokens - 1) / stats->block_tokens,
                             });
    prefix_chain_free(chain);
}

/* A row that does not tell may be a turn of a session; its blocks are like no other's. */
static void add_untold(struct trace_stats *stats, const struct trace_row *row)
{
    int64_t continued_tokens;
    sessions_add(&stats->sessions, row->arrival_ns, row->prompt_tokens,
                 row->output_tokens, &continued_tokens);
    stats->n_continued += continued_tokens > 0;
    stats->continued_tokens += continued_tokens;
    if (stats->n_told > 0) {
        struct prefix_part *part =
            prompt_text_of_session(stats->n_requests, row->prompt_tokens, 0);
        add_parts(stats, part, 1, row->prompt_tokens);
    }
}

static void add_labels(struct trace_stats *stats, const struct trace_row *row)
{
    label_stats_add(&stats->labels[TRACE_STATS_TENANT], row->tenant);
    label_stats_add(&stats->labels[TRACE_STATS_CLASS], row->class);
    label_stats_add(&stats->labels[TRACE_STATS_MODEL], row->model);
    label_stats_add(&stats->labels[TRACE_STATS_ADAPTER], row->adapter);
    if (row->priority != 0) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, row->priority);
        label_stats_add(&stats->labels[TRACE_STATS_PRIORITY], text);
    }
}

static void add_row(struct trace_stats *stats, const struct trace_row *row)
{
    const struct trace_stats_options *options = stats->options;
    if (stats->n_requests == 0) {
        stats->block_tokens = options->block_tokens > 0 ? options->block_tokens
                              : row->hash_tokens > 0    ? row->hash_tokens
                                                        : STANDARD_BLOCK_TOKENS;
    }
    arrival_stats_add(&stats->arrivals, row->arrival_ns);
    length_stats_add(&stats->lengths, row->prompt_tokens, row->output_tokens);
    turn_stats_add(&stats->turns, row);
    add_labels(stats, row);
    stats->prompt_tokens += row->prompt_tokens;
    int64_t n_parts;
    struct prefix_part *parts =
        prompt_text_parts(row, options->session_prefix, &n_parts);
    if (parts == NULL) {
        add_untold(stats, row);
    } else if (row->hash_ids != NULL && options->block_tokens == 0) {
        free(parts);
        add_hashed(stats, row);
    } else {
        add_parts(stats, parts, n_parts, row->prompt_tokens);
    }
    stats->n_told += parts != NULL;
    stats->n_requests++;
}

/* After the last row. */
static int finish(struct trace_stats *stats, const struct trace *trace,
                  const char *path, struct err *err)
{
    int64_t line;
    const char *reason;
    stats->n_skipped = trace_skipped(trace, &line, &reason);
    stats->n_failed = trace_failed(trace, &line);
    stats->has_arrivals = trace_has_arrivals(trace);
    if (stats->n_requests > 0) {
        turn_stats_finish(&stats->turns);
        return 0;
    }
    if (stats->n_skipped > 0) {
        return err_set(err, "%s: all rows were skipped, the first: %.500s", path,
                       reason);
    }
    return err_set(err, "%s: the trace holds no requests", path);
}

/* All rows, moved off their ticks where that is wanted. */
static int read_rows(struct trace_stats *stats, struct trace *trace,
                     struct detick *detick, struct err *err)
{
    const struct trace_stats_options *options = stats->options;
    struct trace_row row;
    int got;
    while ((got = detick_next(detick, trace, &row, err)) > 0) {
        if (options->interrupted != NULL && *options->interrupted) {
            return err_set(err, "interrupted: nothing was written");
        }
        add_row(stats, &row);
    }
    return got;
}

static int open_detick(struct detick *detick, const char *path,
                       const struct trace_stats_options *options, struct err *err)
{
    if (options->detick_ns == 0) {
        return 0;
    }
    if (strcmp(path, "-") == 0) {
        return err_set(err,
                       "--detick: standard input cannot be read twice: give a file");
    }
    struct trace *ahead =
        trace_open(path, options->format, options->skip_bad_rows, err);
    if (ahead == NULL) {
        return -1;
    }
    /* the seed that a run has if nothing is said */
    detick_init(detick, ahead, path, options->detick_ns, 1);
    return 0;
}

int trace_stats_read(struct trace_stats *stats, const char *path,
                     const struct trace_stats_options *options, struct err *err)
{
    struct detick detick = {0};
    *stats = (struct trace_stats){.options = options};
    struct trace *trace =
        trace_open(path, options->format, options->skip_bad_rows, err);
    if (trace == NULL) {
        return -1;
    }
    int status = open_detick(&detick, path, options, err);
    status = status == 0 ? read_rows(stats, trace, &detick, err) : status;
    status = status == 0 ? finish(stats, trace, path, err) : status;
    detick_close(&detick);
    trace_close(trace);
    return status;
}

void trace_stats_free(struct trace_stats *stats)
{
    reuse_free(&stats->reuse);
    sessions_free(&stats->sessions);
    arrival_stats_free(&stats->arrivals);
    length_stats_free(&stats->lengths);
    turn_stats_free(&stats->turns);
    for (int i = 0; i < TRACE_STATS_LABELS; i++) {
        label_stats_free(&stats->labels[i]);
    }
}
