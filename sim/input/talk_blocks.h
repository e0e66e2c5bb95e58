/* talk_blocks: the hash ids of generated prompts, as Mooncake's traces have them.
 *
 * A block of 512 tokens has the id of an earlier one if it and all before it hold the same:
 * full blocks that a group's text fills, and blocks that a session's last prompt filled.
 * Ids are given in the order in which blocks come, those of groups before all others.
 */
#ifndef SERVESIM_INPUT_TALK_BLOCKS_H
#define SERVESIM_INPUT_TALK_BLOCKS_H

#include <stdint.h>

#include "input/talk_draw.h"
#include "input/trace.h"

struct talk_blocks {
    int64_t next_id;
    int64_t *own; /* room for the ids of a prompt that no later one goes on from */
};

/* Starts behind the groups' blocks; talk_blocks_free() it. */
void talk_blocks_init(struct talk_blocks *blocks, const struct talk_draw *draw);
void talk_blocks_free(struct talk_blocks *blocks);

/* Gives the row the ids of the script's next call; valid until the next call of this. */
void talk_blocks_tell(struct talk_blocks *blocks, const struct talk_draw *draw,
                      struct talk_script *script, struct trace_row *row);

#endif
