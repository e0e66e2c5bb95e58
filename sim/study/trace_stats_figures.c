#include "study/trace_stats_figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "output/metrics.h"

enum { MOST_GROUPS = 8, MOST_NAMES = 128, NAME_BYTES = 100, SHOWN_LABELS = 10 };

/* Names of metrics must last as long as they do. */
struct figures {
    struct metrics metrics;
    int32_t starts[MOST_GROUPS]; /* the first metric of each group */
    const char *titles[MOST_GROUPS];
    int32_t n_groups;
    char names[MOST_NAMES][NAME_BYTES];
    int32_t n_names;
};

static void begin_group(struct figures *figures, const char *title)
{
    figures->titles[figures->n_groups] = title;
    figures->starts[figures->n_groups++] = figures->metrics.n;
}

/* "prefix" and "rest" as one name. */
static const char *name_of(struct figures *figures, const char *prefix,
                           const char *rest)
{
    char *name = figures->names[figures->n_names++];
    snprintf(name, NAME_BYTES, "%s%s", prefix, rest);
    return name;
}

/* Empty where it is not known. */
static void put(struct figures *figures, const char *name, double value, int decimals,
                const char *unit)
{
    if (isnan(value)) {
        metrics_text(&figures->metrics, name, "", unit);
    } else {
        metrics_real(&figures->metrics, name, value, decimals, unit);
    }
}

static void put_arrivals(const struct trace_stats *stats, struct figures *figures)
{
    const struct arrival_stats *arrivals = &stats->arrivals;
    struct metrics *metrics = &figures->metrics;
    int64_t span_ns = arrivals->last_ns - arrivals->first_ns;
    begin_group(figures, stats->has_arrivals ? "arrivals" : "requests");
    metrics_integer(metrics, "requests", stats->n_requests, "requests");
    if (stats->n_skipped > 0) {
        metrics_integer(metrics, "skipped_rows", stats->n_skipped, "rows");
    }
    if (stats->n_failed > 0) {
        metrics_integer(metrics, "failed_requests", stats->n_failed, "requests");
    }
    if (!stats->has_arrivals) {
        return;
    }
    metrics_ratio(metrics, "span", span_ns, 1000000000, 9, "s");
    metrics_integer(metrics, "instants", arrivals->n_instants, "");
    metrics_ratio(metrics, "mean_rate", (wide)(stats->n_requests - 1) * 1000000000,
                  span_ns, 6, "req/s");
    put(figures, "peak_rate_60s", arrival_stats_peak(arrivals), 6, "req/s");
    put(figures, "peak_rate_60s_sliding", arrival_stats_sliding(arrivals), 6, "req/s");
    put(figures, "least_rate_60s", arrival_stats_idle(arrivals), 6, "req/s");
    put(figures, "gap_cv", arrival_stats_gap_cv(arrivals), 6, "");
    put(figures, "idc_1s", arrival_stats_idc(arrivals, 0), 6, "");
    put(figures, "idc_10s", arrival_stats_idc(arrivals, 1), 6, "");
    put(figures, "idc_60s", arrival_stats_idc(arrivals, 2), 6, "");
}

static void put_summary(struct figures *figures, const struct length_order *order,
                        const char *kind)
{
    struct metrics *metrics = &figures->metrics;
    struct length_summary summary = length_stats_summary(order);
    char mean[NAME_BYTES];
    snprintf(mean, sizeof mean, "mean_%stokens", kind);
    put(figures, name_of(figures, "", mean), summary.mean, 3, "tokens");
    put(figures, name_of(figures, kind, "cv"), summary.cv, 6, "");
    metrics_integer(metrics, name_of(figures, kind, "min"), summary.least, "tokens");
    put(figures, name_of(figures, kind, "p50"), summary.p50, 2, "tokens");
    put(figures, name_of(figures, kind, "p90"), summary.p90, 2, "tokens");
    put(figures, name_of(figures, kind, "p99"), summary.p99, 2, "tokens");
    metrics_integer(metrics, name_of(figures, kind, "max"), summary.most, "tokens");
}

static void put_lengths(const struct trace_stats *stats, struct figures *figures)
{
    struct length_order prompts = length_stats_order(&stats->lengths, 0);
    struct length_order outputs = length_stats_order(&stats->lengths, 1);
    struct length_relation relation =
        length_stats_relation(&stats->lengths, &prompts, &outputs);
    begin_group(figures, "prompts");
    put_summary(figures, &prompts, "prompt_");
    begin_group(figures, "outputs");
    put_summary(figures, &outputs, "output_");
    begin_group(figures, "correlation of prompt and output");
    put(figures, "pearson", relation.pearson, 6, "");
    put(figures, "pearson_log", relation.pearson_log, 6, "");
    put(figures, "spearman", relation.spearman, 6, "");
    free(prompts.tokens);
    free(outputs.tokens);
}

static void put_quantile(struct figures *figures, const char *name,
                         struct quantiles *quantiles, int64_t percent, int64_t unit,
                         int decimals, const char *unit_name)
{
    metrics_ratio(&figures->metrics, name,
                  quantiles->n > 0 ? quantiles_at(quantiles, percent, 100) : 0,
                  quantiles->n > 0 ? unit : 0, decimals, unit_name);
}

static void put_turns(struct trace_stats *stats, struct figures *figures)
{
    struct turn_stats *turns = &stats->turns;
    struct metrics *metrics = &figures->metrics;
    if (turns->n_sessions == 0) {
        return;
    }
    begin_group(figures,
                turns->by_id ? "sessions (by session_id)" : "sessions (by hash ids)");
    metrics_integer(metrics, "sessions", turns->n_sessions, "sessions");
    metrics_integer(metrics, "requests_in_sessions", turns->n_requests, "requests");
    metrics_ratio(metrics, "continuation_share", turns->n_requests - turns->n_sessions,
                  turns->n_requests, 6, "");
    metrics_ratio(metrics, "single_turn_share", turns->n_single, turns->n_sessions, 6,
                  "");
    metrics_ratio(metrics, "mean_turns", turns->n_requests, turns->n_sessions, 6,
                  "turns");
    put_quantile(figures, "turns_p50", &turns->turns, 50, 1, 0, "turns");
    put_quantile(figures, "turns_p90", &turns->turns, 90, 1, 0, "turns");
    put_quantile(figures, "turns_p99", &turns->turns, 99, 1, 0, "turns");
    metrics_integer(metrics, "turns_max", turns->turns.most, "turns");
    metrics_ratio(metrics, "mean_turn_gap", turns->gaps_ns.sum,
                  (wide)turns->gaps_ns.n * 1000000000, 6, "s");
    put_quantile(figures, "turn_gap_p50", &turns->gaps_ns, 50, 1000000000, 6, "s");
    put_quantile(figures, "turn_gap_p90", &turns->gaps_ns, 90, 1000000000, 6, "s");
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
        static const char *const of[2] = {"lru_block_hit_rate_", "lru_token_hit_rate_"};
        int64_t cache_blocks = stats->options->cache_blocks[i];
        int64_t hits[2];
        char size[24];
        snprintf(size, sizeof size, "%" PRId64, cache_blocks);
        reuse_within(reuse, cache_blocks, &hits[0], &hits[1]);
        for (int j = 0; j < 2; j++) {
            metrics_ratio(metrics, name_of(figures, of[j], size), hits[j],
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

static void put_sharing(const struct trace_stats *stats, struct figures *figures)
{
    begin_group(figures, "what prompts share");
    metrics_integer(&figures->metrics, "requests_with_prefix_identity", stats->n_told,
                    "requests");
    if (stats->n_told > 0) {
        put_reuse(stats, figures);
    }
    if (stats->n_told < stats->n_requests) {
        put_bounds(stats, &figures->metrics);
    }
}

/* Whatever a reader lets through, a table has no commas in its names, nor a terminal
 * controls. */
static const char *label_name(struct figures *figures, const char *kind,
                              const char *label)
{
    const char *name = name_of(figures, kind, label);
    for (char *at = figures->names[figures->n_names - 1] + strlen(kind); *at != '\0';
         at++) {
        bool is_odd = (unsigned char)*at < ' ' || strchr(",\"\x7f", *at) != NULL;
        *at = is_odd ? '?' : *at;
    }
    return name;
}

static void put_kind(const struct label_stats *labels, int64_t n_requests,
                     const char *kinds, const char *prefix, struct figures *figures)
{
    struct metrics *metrics = &figures->metrics;
    int32_t top[SHOWN_LABELS];
    if (labels->n_labelled == 0) {
        return;
    }
    int32_t n = label_stats_top(labels, SHOWN_LABELS, top);
    int64_t n_others = n_requests;
    metrics_integer(metrics, kinds, labels->names.n, "");
    for (int32_t i = 0; i < n; i++) {
        const char *label = labels->names.texts[top[i] - 1];
        metrics_integer(metrics, label_name(figures, prefix, label),
                        labels->counts[top[i]], "requests");
        n_others -= labels->counts[top[i]];
    }
    if (n_others > 0) {
        metrics_integer(metrics, name_of(figures, prefix, "(others)"), n_others,
                        "requests");
    }
}

static void put_labels(const struct trace_stats *stats, struct figures *figures)
{
    static const char *const names[TRACE_STATS_LABELS][2] = {
        [TRACE_STATS_TENANT] = {"tenants", "tenant:"},
        [TRACE_STATS_CLASS] = {"classes", "class:"},
        [TRACE_STATS_MODEL] = {"models", "model:"},
        [TRACE_STATS_ADAPTER] = {"adapters", "adapter:"},
        [TRACE_STATS_PRIORITY] = {"priorities_other_than_0", "priority:"},
    };
    int32_t before = figures->metrics.n;
    begin_group(figures, "labels");
    for (int i = 0; i < TRACE_STATS_LABELS; i++) {
        put_kind(&stats->labels[i], stats->n_requests, names[i][0], names[i][1],
                 figures);
    }
    figures->n_groups -= figures->metrics.n == before;
}

static struct figures *figures_of(struct trace_stats *stats)
{
    struct figures *figures = memory_new(1, sizeof *figures);
    put_arrivals(stats, figures);
    put_lengths(stats, figures);
    put_turns(stats, figures);
    put_sharing(stats, figures);
    put_labels(stats, figures);
    return figures;
}

void trace_stats_figures_print(struct trace_stats *stats, FILE *out)
{
    struct figures *figures = figures_of(stats);
    for (int32_t i = 0, group = 0; i < figures->metrics.n; i++) {
        const struct metric *metric = &figures->metrics.list[i];
        if (group < figures->n_groups && figures->starts[group] == i) {
            fprintf(out, "%s%s\n", group > 0 ? "\n" : "", figures->titles[group]);
            group++;
        }
        fprintf(out, "  %-30s %16s%s%s\n", metric->name,
                metric->value[0] != '\0' ? metric->value : "-",
                metric->unit[0] != '\0' ? " " : "", metric->unit);
    }
    free(figures);
}

void trace_stats_figures_write(struct trace_stats *stats, FILE *out)
{
    struct figures *figures = figures_of(stats);
    fputs("metric,value,unit\n", out);
    for (int32_t i = 0; i < figures->metrics.n; i++) {
        const struct metric *metric = &figures->metrics.list[i];
        fprintf(out, "%s,%s,%s\n", metric->name, metric->value, metric->unit);
    }
    free(figures);
}
