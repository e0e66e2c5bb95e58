#include "study/trace_stats.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "engine/prefix_chain.h"
#include "input/prompt_text.h"
#include "input/trace.h"
#include "output/metrics.h"

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

static void add_row(struct trace_stats *stats, const struct trace_row *row)
{
    const struct trace_stats_options *options = stats->options;
    if (stats->n_requests == 0) {
        stats->first_ns = row->arrival_ns;
        stats->block_tokens = options->block_tokens > 0 ? options->block_tokens
                              : row->hash_tokens > 0    ? row->hash_tokens
                                                        : STANDARD_BLOCK_TOKENS;
    }
    stats->last_ns = row->arrival_ns;
    stats->prompt_tokens += row->prompt_tokens;
    stats->output_tokens += row->output_tokens;
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
    if (stats->n_requests > 0) {
        return 0;
    }
    if (stats->n_skipped > 0) {
        return err_set(err, "%s: all rows were skipped, the first: %.500s", path,
                       reason);
    }
    return err_set(err, "%s: the trace holds no requests", path);
}

int trace_stats_read(struct trace_stats *stats, const char *path,
                     const struct trace_stats_options *options, struct err *err)
{
    *stats = (struct trace_stats){.options = options};
    struct trace *trace =
        trace_open(path, options->format, options->skip_bad_rows, err);
    if (trace == NULL) {
        return -1;
    }
    struct trace_row row;
    int got;
    while ((got = trace_next(trace, &row, err)) > 0) {
        if (options->interrupted != NULL && *options->interrupted) {
            got = err_set(err, "interrupted: nothing was written");
            break;
        }
        add_row(stats, &row);
    }
    got = got == 0 ? finish(stats, trace, path, err) : got;
    trace_close(trace);
    return got;
}

void trace_stats_free(struct trace_stats *stats)
{
    reuse_free(&stats->reuse);
    sessions_free(&stats->sessions);
}

/* Names of metrics must last as long as they do. */
struct figures {
    struct metrics metrics;
    char names[TRACE_STATS_MOST_CACHES][2][48];
};

static void put_counts(const struct trace_stats *stats, struct metrics *metrics)
{
    int64_t n = stats->n_requests;
    int64_t span_ns = stats->last_ns - stats->first_ns;
    metrics_integer(metrics, "requests", n, "requests");
    if (stats->n_skipped > 0) {
        metrics_integer(metrics, "skipped_rows", stats->n_skipped, "rows");
    }
    metrics_ratio(metrics, "span", span_ns, 1000000000, 9, "s");
    metrics_ratio(metrics, "mean_rate", (wide)(n - 1) * 1000000000, span_ns, 6,
                  "req/s");
    metrics_ratio(metrics, "mean_prompt_tokens", stats->prompt_tokens, n, 3, "tokens");
    metrics_ratio(metrics, "mean_output_tokens", stats->output_tokens, n, 3, "tokens");
    metrics_integer(metrics, "requests_with_prefix_identity", stats->n_told,
                    "requests");
}

static void put_reuse(const struct trace_stats *stats, struct figures *figures)
{
    struct metrics *metrics = &figures->metrics;
    const struct reuse *reuse = &stats->reuse;
    metrics_integer(metrics, "block_tokens", stats->block_tokens, "tokens");
    metrics_integer(metrics, "blocks", reuse->n_blocks, "blocks");
    metrics_integer(metrics, "unique_blocks", reuse->n_unique, "blocks");
    metrics_integer(metrics, "ideal_hit_blocks", reuse->hit_blocks, "blocks");
    metrics_integer(metrics, "ideal_hit_tokens", reuse->hit_tokens, "tokens");
    metrics_ratio(metrics, "ideal_block_hit_rate", reuse->hit_blocks, reuse->n_blocks,
                  6, "");
    metrics_ratio(metrics, "ideal_token_hit_rate", reuse->hit_tokens, reuse->n_tokens,
                  6, "");
    for (int32_t i = 0; i < stats->options->n_caches; i++) {
        static const char *const of[2] = {"block", "token"};
        int64_t cache_blocks = stats->options->cache_blocks[i];
        int64_t hits[2];
        reuse_within(reuse, cache_blocks, &hits[0], &hits[1]);
        for (int j = 0; j < 2; j++) {
            snprintf(figures->names[i][j], sizeof figures->names[i][j],
                     "lru_%s_hit_rate_%" PRId64, of[j], cache_blocks);
            metrics_ratio(metrics, figures->names[i][j], hits[j],
                          j == 0 ? reuse->n_blocks : reuse->n_tokens, 6, "");
        }
    }
}

/* What may be shared at most, where rows do not tell. */
static void put_bounds(const struct trace_stats *stats, struct metrics *metrics)
{
    wide told_tokens = stats->reuse.hit_tokens;
    metrics_integer(metrics, "inferred_sessions", stats->sessions.n_sessions,
                    "sessions");
    metrics_integer(metrics, "inferred_continuations", stats->n_continued, "requests");
    metrics_ratio(metrics, "token_hit_rate_lower", told_tokens, stats->prompt_tokens, 6,
                  "");
    metrics_ratio(metrics, "token_hit_rate_upper",
                  told_tokens + stats->continued_tokens, stats->prompt_tokens, 6, "");
}

static struct figures *figures_of(const struct trace_stats *stats)
{
    struct figures *figures = memory_new(1, sizeof *figures);
    put_counts(stats, &figures->metrics);
    if (stats->n_told > 0) {
        put_reuse(stats, figures);
    }
    if (stats->n_told < stats->n_requests) {
        put_bounds(stats, &figures->metrics);
    }
    return figures;
}

void trace_stats_print(const struct trace_stats *stats, FILE *out)
{
    struct figures *figures = figures_of(stats);
    for (int32_t i = 0; i < figures->metrics.n; i++) {
        const struct metric *metric = &figures->metrics.list[i];
        fprintf(out, "%-30s %18s%s%s\n", metric->name, metric->value,
                metric->unit[0] != '\0' ? " " : "", metric->unit);
    }
    free(figures);
}

void trace_stats_write(const struct trace_stats *stats, FILE *out)
{
    struct figures *figures = figures_of(stats);
    fputs("metric,value,unit\n", out);
    for (int32_t i = 0; i < figures->metrics.n; i++) {
        const struct metric *metric = &figures->metrics.list[i];
        fprintf(out, "%s,%s,%s\n", metric->name, metric->value, metric->unit);
    }
    free(figures);
}
