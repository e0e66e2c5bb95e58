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

/* Labels hold no newline, so no label of a prompt is a session's text. */
struct prefix_part *prompt_text_parts(const struct trace_row *row, bool session_prefix,
                                      int64_t *n_parts)
{
    *n_parts = 1;
    if (row->hash_ids != NULL) {
        *n_parts = row->n_hash_ids;
        return hashed_parts(row);
    }
    if (row->prefix != NULL) {
        return one_part(text_of("", row->prefix), row->prompt_tokens);
    }
    if (session_prefix && row->session_id != NULL) {
        return one_part(text_of("session\n", row->session_id),
                        row->prompt_tokens + row->output_tokens);
    }
    *n_parts = 0;
    return NULL;
}

struct prefix_part *prompt_text_of_session(int64_t number, int64_t prompt_tokens,
                                           int64_t output_tokens)
{
    char label[32];
    snprintf(label, sizeof label, "%" PRId64, number);
    return one_part(text_of("inferred session\n", label),
                    prompt_tokens + output_tokens);
}
