#include <string.h>

#include "base/field.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/convert.h"
#include "cli/fit_trace.h"
#include "output/whole.h"
#include "study/trace_stats.h"
#include "study/trace_stats_figures.h"

#define ARGUMENTS                                                        \
    "stats FILE [-o FILE.csv] [--cache-blocks LIST] [--block-tokens N] " \
    "[--session-prefix] [--detick TIME] [--format NAME] "                \
    "[--on-bad-row stop|skip]\n"                                         \
    "       servesim trace fit FILE [-o SPEC.ini] [--detick TIME] "      \
    "[--format NAME]\n"                                                  \
    "                [--on-bad-row stop|skip]\n"                         \
    "       servesim trace convert FILE [-o FILE] [--to NAME] "          \
    "[--format NAME]\n                       [--on-bad-row stop|skip]"

enum own { CACHE_BLOCKS, BLOCK_TOKENS, SESSION_PREFIX, DETICK, FORMAT, TO };

static const struct command_option own_options[] = {
    [CACHE_BLOCKS] = {"cache-blocks", true,
                      "sizes of caches: 1000,3000 ... (to 100000)"},
    [BLOCK_TOKENS] = {"block-tokens", true, "cut prompts into full blocks of so many"},
    [SESSION_PREFIX] = {"session-prefix", false,
                        "a request begins with all its session_id has said"},
    [DETICK] = {"detick", true, "spread arrivals of one instant over so much time: 3s"},
    [FORMAT] = {"format", true, "of FILE: see `servesim list formats`"},
    [TO] = {"to", true, "convert to plain (the default), azure, mooncake ..."},
    {.name = NULL},
};

static const char *const operations[] = {"stats", "fit", "convert", NULL};

/* Which operations take an option: the first letters of their names. */
static const char *const takers[] = {
    [CACHE_BLOCKS] = "s", [BLOCK_TOKENS] = "s", [SESSION_PREFIX] = "s",
    [DETICK] = "sf",      [FORMAT] = "sfc",     [TO] = "c",
};

static const struct field cache_field = {
    "--cache-blocks", FIELD_COUNT, 0, "", NULL, "1", "1000000000000", NULL, "blocks"};
static const struct field block_field = {
    "--block-tokens", FIELD_COUNT, 0, "", NULL, "1", "1000000000", NULL, "tokens"};

static const struct field detick_field = {"--detick", FIELD_TIME, 0,    "s",   NULL,
                                          "0",        "1000000",  NULL, "tick"};

static int read_one(const struct field *field, const char *text, int64_t *value,
                    struct err *err)
{
    struct arena arena = {0};
    struct err reason;
    int status = field_read(field, value, text, &arena, &reason);
    memory_arena_free(&arena);
    return status == 0 ? 0 : err_set(err, "%s: %.900s", field->key, reason.text);
}

static int read_caches(const char *text, struct trace_stats_options *options,
                       struct err *err)
{
    const char *rest = text != NULL ? text : "1000,3000,10000,30000,100000";
    while (rest != NULL) {
        char piece[100];
        int length = (int)strcspn(rest, ",");
        snprintf(piece, sizeof piece, "%.*s", length, rest);
        rest = rest[length] == ',' ? rest + length + 1 : NULL;
        if (options->n_caches == TRACE_STATS_MOST_CACHES) {
            return err_set(err, "%s: more than %d numbers", cache_field.key,
                           TRACE_STATS_MOST_CACHES);
        }
        if (read_one(&cache_field, piece, &options->cache_blocks[options->n_caches++],
                     err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_options(const struct command_line *line,
                        struct trace_stats_options *options, struct err *err)
{
    const char *block_tokens = line->own[BLOCK_TOKENS];
    *options = (struct trace_stats_options){
        .format = line->own[FORMAT],
        .session_prefix = line->own[SESSION_PREFIX] != NULL,
        .interrupted = line->interrupted,
    };
    for (int32_t i = 0; i < line->n_overrides; i++) { /* --on-bad-row is the only one */
        options->skip_bad_rows =
            strcmp(line->overrides[i], "workload.on_bad_row=skip") == 0;
    }
    if (block_tokens != NULL &&
        read_one(&block_field, block_tokens, &options->block_tokens, err) != 0) {
        return -1;
    }
    if (line->own[DETICK] != NULL &&
        read_one(&detick_field, line->own[DETICK], &options->detick_ns, err) != 0) {
        return -1;
    }
    return read_caches(line->own[CACHE_BLOCKS], options, err);
}

/* What is to be written; finding percentiles moves values about, so it is not const. */
struct asked {
    struct trace_stats *stats;
};

static int write_figures(const void *context, FILE *out, struct err *err)
{
    const struct asked *asked = context;
    (void)err;
    trace_stats_figures_write(asked->stats, out);
    return 0;
}

/* What is wrong with the operation or an option that is not its own; NULL: nothing. */
static const char *find_fault(const struct command_line *line, const char **name)
{
    const char *operation = line->operands[0];
    int known = 0;
    *name = operation;
    while (operations[known] != NULL && strcmp(operations[known], operation) != 0) {
        known++;
    }
    if (operations[known] == NULL) {
        return "no such operation";
    }
    for (int i = 0; own_options[i].name != NULL; i++) {
        if (line->own[i] != NULL && strchr(takers[i], operation[0]) == NULL) {
            *name = own_options[i].name;
            return "this operation takes no such option";
        }
    }
    return NULL;
}

static int run_stats(const struct command_line *line,
                     const struct trace_stats_options *options)
{
    struct trace_stats stats = {0};
    struct asked asked = {.stats = &stats};
    struct err err;
    int status = trace_stats_read(&stats, line->operands[1], options, &err);
    if (status == 0 && line->output != NULL) {
        status = whole_write(line->output, write_figures, &asked, &err);
    }
    if (status == 0) {
        trace_stats_figures_print(&stats, stdout);
    } else {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    trace_stats_free(&stats);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int run(const struct command_line *line)
{
    struct trace_stats_options options;
    struct err err;
    const char *name;
    const char *fault = find_fault(line, &name);
    if (fault != NULL) {
        fprintf(stderr, "servesim trace: %s: %.100s\nusage: servesim trace %s\n", fault,
                name, ARGUMENTS);
        return COMMAND_USAGE;
    }
    if (strcmp(line->operands[0], "convert") == 0) {
        return convert_run(line, line->own[FORMAT], line->own[TO]);
    }
    if (read_options(line, &options, &err) != 0) {
        fprintf(stderr, "servesim: %s\n", err.text);
        return COMMAND_FAILED;
    }
    if (strcmp(line->operands[0], "stats") == 0) {
        return run_stats(line, &options);
    }
    return fit_trace_run(line, &(struct workload_fit_options){
                                   .format = options.format,
                                   .skip_bad_rows = options.skip_bad_rows,
                                   .detick_ns = options.detick_ns,
                                   .interrupted = line->interrupted,
                               });
}

const struct command command_trace = {
    .name = "trace",
    .arguments = ARGUMENTS,
    .summary = "Tells what is in a trace, fits a generator, or converts it",
    .help =
        "stats counts requests and tokens of FILE: rates, the burstiness of arrivals\n"
        "(idc_Ns: variance / mean of the counts in whole windows of N seconds, 1 if\n"
        "Poisson), lengths (percentiles interpolate between ranks), correlations,\n"
        "sessions (by session_id or by hash ids), labels, and how much of its prompts\n"
        "a prefix cache could find: one that forgets nothing (ideal), and by its size\n"
        "in blocks (lru).  Blocks are those of the trace's hash ids, the last one of "
        "a\n"
        "prompt cut off; with --block-tokens, and for other traces (16 tokens), full\n"
        "blocks as a server has them.  For rows that tell nothing of their prompts it\n"
        "bounds what conversations may share: token_hit_rate_lower and _upper.  It\n"
        "needs 16 bytes a request, more for hash ids and sessions.\n\n"
        "fit finds a description that `servesim gen` draws such traces from: the\n"
        "process of arrivals, mixtures of lognormals for prompts and outputs, and\n"
        "their correlation.  With -o it prints how good the fit is; without, the\n"
        "description.\n\n"
        "convert writes FILE in the format --to names (plain, azure, burstgpt,\n"
        "llmservingsim, mooncake, splitwise, vidur) to -o or standard output, and "
        "says\n"
        "what that format has no place for.  An -o that ends with .gz or .zst is\n"
        "compressed.\n\n"
        "  servesim trace stats conversation_trace.jsonl --detick 3s\n"
        "  servesim trace stats trace.csv --session-prefix --cache-blocks 500,4000\n"
        "  servesim trace fit trace.csv -o fitted.ini\n"
        "  servesim trace convert conversation_trace.jsonl -o converted.csv\n",
    .options = "ob",
    .own = own_options,
    .least_operands = 2,
    .most_operands = 2,
    .run = run,
};
