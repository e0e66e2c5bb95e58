#include "input/talk_blocks.h"

#include <stdlib.h>

#include "base/memory.h"

void talk_blocks_init(struct talk_blocks *blocks, const struct talk_draw *draw)
{
    *blocks = (struct talk_blocks){.next_id = draw->n_prefix_blocks};
}

void talk_blocks_free(struct talk_blocks *blocks)
{
    free(blocks->own);
    *blocks = (struct talk_blocks){0};
}

static int64_t blocks_of(int64_t tokens)
{
    return (tokens + TALK_DRAW_BLOCK_TOKENS - 1) / TALK_DRAW_BLOCK_TOKENS;
}

/* Blocks of the last prompt that this one begins with, too. */
static int64_t kept_blocks(const struct talk_script *script,
                           const struct talk_call *call)
{
    if (script->blocks == NULL || call->is_sub_agent) {
        return 0;
    }
    if (script->client->has_history == 0) {
        return script->calls[0].prompt_tokens / TALK_DRAW_BLOCK_TOKENS;
    }
    return call->prompt_tokens == script->blocks_tokens
               ? blocks_of(script->blocks_tokens)
               : script->blocks_tokens / TALK_DRAW_BLOCK_TOKENS;
}

/* Full blocks of the text that the prompt begins with as others do. */
static int64_t group_blocks(const struct talk_script *script,
                            const struct talk_call *call)
{
    if (script->group < 0) {
        return 0;
    }
    int64_t tokens = script->prefixes->tokens[script->group];
    tokens = tokens < call->prompt_tokens ? tokens : call->prompt_tokens;
    return tokens / TALK_DRAW_BLOCK_TOKENS;
}

void talk_blocks_tell(struct talk_blocks *blocks, const struct talk_draw *draw,
                      struct talk_script *script, struct trace_row *row)
{
    const struct talk_call *call = &script->calls[script->next];
    int64_t n = blocks_of(call->prompt_tokens);
    int64_t n_kept = kept_blocks(script, call);
    int64_t n_group = group_blocks(script, call);
    bool is_alone = call->is_sub_agent || script->n_calls == 1;
    int64_t **ids = is_alone ? &blocks->own : &script->blocks;
    int64_t first = n_group > 0 ? talk_draw_group_block(draw, script) : 0;
    *ids = memory_grow(*ids, (size_t)n, sizeof **ids);
    for (int64_t i = n_kept; i < n; i++) {
        (*ids)[i] = i < n_group ? first + i : blocks->next_id++;
    }
    if (!is_alone) {
        script->blocks_tokens = call->prompt_tokens;
    }
    if (script->next + 1 == script->n_calls && !is_alone) {
        free(blocks->own); /* the session ends before the row is read */
        blocks->own = script->blocks;
        script->blocks = NULL;
        ids = &blocks->own;
    }
    row->hash_ids = *ids;
    row->n_hash_ids = n;
    row->hash_tokens = TALK_DRAW_BLOCK_TOKENS;
}
