#include <string.h>

#include "base/field.h"
#include "base/memory.h"
#include "cli/command.h"
#include "output/whole.h"
#include "study/trace_stats.h"

#define ARGUMENTS                                                        \
    "stats FILE [-o FILE.csv] [--cache-blocks LIST] [--block-tokens N] " \
    "[--session-prefix] [--format NAME] [--on-bad-row stop|skip]"

enum own { CACHE_BLOCKS, BLOCK_TOKENS, SESSION_PREFIX, FORMAT };

static const struct command_option own_options[] = {
    [CACHE_BLOCKS] = {"cache-blocks", true,
                      "sizes of caches: 1000,3000 ... (to 100000)"},
    [BLOCK_TOKENS] = {"block-tokens", true, "cut prompts into full blocks of so many"},
    [SESSION_PREFIX] = {"session-prefix", false,
                        "a request begins with all its session_id has said"},
    [FORMAT] = {"format", true, "of FILE: see `servesim list formats`"},
    {.name = NULL},
};

static const struct field cache_field = {
    "--cache-blocks", FIELD_COUNT, 0, "", NULL, "1", "1000000000000", NULL, "blocks"};
static const struct field block_field = {
    "--block-tokens", FIELD_COUNT, 0, "", NULL, "1", "1000000000", NULL, "tokens"};

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
    return read_caches(line->own[CACHE_BLOCKS], options, err);
}

static int write_figures(const void *stats, FILE *out, struct err *err)
{
    (void)err;
    trace_stats_write(stats, out);
    return 0;
}

static int run(const struct command_line *line)
{
    struct trace_stats_options options;
    struct trace_stats stats = {0};
    struct err err;
    if (strcmp(line->operands[0], "stats") != 0) {
        fprintf(stderr,
                "servesim trace: no such operation: %.100s\nusage: servesim trace %s\n",
                line->operands[0], ARGUMENTS);
        return COMMAND_USAGE;
    }
    int status = read_options(line, &options, &err);
    if (status == 0) {
        status = trace_stats_read(&stats, line->operands[1], &options, &err);
    }
    if (status == 0 && line->output != NULL) {
        status = whole_write(line->output, write_figures, &stats, &err);
    }
    if (status == 0) {
        trace_stats_print(&stats, stdout);
    } else {
        fprintf(stderr, "servesim: %s\n", err.text);
    }
    trace_stats_free(&stats);
    return status == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_trace = {
    .name = "trace",
    .arguments = ARGUMENTS,
    .summary = "Tells what is in a trace",
    .help =
        "Counts requests and tokens of FILE, and how much of its prompts a prefix\n"
        "cache could find: one that forgets nothing (ideal), and by its size in "
        "blocks\n"
        "(lru).  Blocks are those of the trace's hash ids, the last one of a prompt\n"
        "cut off; with --block-tokens, and for other traces (16 tokens), full blocks\n"
        "as a server has them.  For rows that tell nothing of their prompts it bounds\n"
        "what conversations may share: token_hit_rate_lower and _upper.\n\n"
        "  servesim trace stats conversation_trace.jsonl\n"
        "  servesim trace stats trace.csv --session-prefix --cache-blocks 500,4000\n",
    .options = "ob",
    .own = own_options,
    .least_operands = 2,
    .most_operands = 2,
    .run = run,
};
