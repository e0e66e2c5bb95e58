#include "input/prompt_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"

/* A text is told by a hash of its kind and its label (FNV-1a, 64 bits: Fowler, Noll and
 * Vo). */
static int64_t text_of(const char *kind, const char *label)
{
    const char *const pieces[2] = {kind, label};
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < 2; i++) {
        for (const char *c = pieces[i]; *c != '\0'; c++) {
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
        }
    }
    return (int64_t)hash;
}

static struct prefix_part *one_part(int64_t text, int64_t tokens)
{
    struct prefix_part *part = memory_new(1, sizeof *part);
    *part = (struct prefix_part){.id = text, .tokens = tokens};
    return part;
}

/* The last id stands for what is left of the prompt. */
static struct prefix_part *hashed_parts(const struct trace_row *row)
{
    struct prefix_part *parts = memory_new((size_t)row->n_hash_ids, sizeof *parts);
    int64_t left = row->prompt_tokens;
    for (int64_t i = 0; i < row->n_hash_ids; i++) {
        int64_t tokens = left < row->hash_tokens ? left : row->hash_tokens;
        parts[i] = (struct prefix_part){.id = row->hash_ids[i], .tokens = tokens};
        left -= tokens;
    }
    return parts;
}

/* So much of the prompt is the named text. */
static int64_t named_tokens(const struct trace_row *row)
{
    bool all = row->prefix_tokens == 0 || row->prefix_tokens > row->prompt_tokens;
    return row->prefix == NULL ? 0 : all ? row->prompt_tokens : row->prefix_tokens;
}

/* And so much, with the answer, its session's behind that. */
static int64_t session_tokens(const struct trace_row *row, bool session_prefix)
{
    bool is_whole = row->prefix != NULL && row->prefix_tokens == 0;
    if (!session_prefix || row->session_id == NULL || is_whole) {
        return 0;
    }
    int64_t answer = row->reasoning_tokens > 0 ? 0 : row->output_tokens;
    return row->prompt_tokens - named_tokens(row) + answer;
}

/* Labels hold no newline, so no label of a prompt is a session's text. */
struct prefix_part *prompt_text_parts(const struct trace_row *row, bool session_prefix,
                                      int64_t *n_parts)
{
    if (row->hash_ids != NULL) {
        *n_parts = row->n_hash_ids;
        return hashed_parts(row);
    }
    int64_t named = named_tokens(row);
    int64_t session = session_tokens(row, session_prefix);
    *n_parts = 0;
    if (named == 0 && session == 0) {
        return NULL;
    }
    struct prefix_part *parts = memory_new(2, sizeof *parts);
    if (named > 0) {
        parts[(*n_parts)++] =
            (struct prefix_part){.id = text_of("", row->prefix), .tokens = named};
    }
    if (session > 0) {
        parts[(*n_parts)++] = (struct prefix_part){
            .id = text_of("session\n", row->session_id), .tokens = session};
    }
    return parts;
}

struct prefix_part *prompt_text_of_session(int64_t number, int64_t prompt_tokens,
                                           int64_t output_tokens)
{
    char label[32];
    snprintf(label, sizeof label, "%" PRId64, number);
    return one_part(text_of("inferred session\n", label),
                    prompt_tokens + output_tokens);
}
