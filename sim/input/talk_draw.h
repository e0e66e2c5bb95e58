/* talk_draw: all that one arrival begins, drawn at once: a request, a session, a task.
 *
 * Every client has random streams of its own, and each of its quantities one of these: what
 * is added to a workload leaves what the others draw as it was.  What a session says depends
 * only on how many of its client's sessions were before it.
 */
#ifndef SERVESIM_INPUT_TALK_DRAW_H
#define SERVESIM_INPUT_TALK_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "input/arrivals.h"
#include "input/talk.h"

/* Tokens of a hash id, as in Mooncake's traces. */
enum { TALK_DRAW_BLOCK_TOKENS = 512 };

/* A request of a session. */
struct talk_call {
    int64_t
        at_ns; /* timed: when it arrives; else how long after its parents have left */
    int64_t prompt_tokens;
    int64_t output_tokens;
    int64_t reasoning_tokens;
    int32_t first_parent; /* calls of the session that it waits for */
    int32_t n_parents;
    bool is_sub_agent; /* its prompt is its own */
};

/* What an arrival begins; about 56 bytes a request. */
struct talk_script {
    const struct talk_client *client;
    const char *tenant;              /* whom the arrivals say it is of, or NULL */
    const struct prefixes *prefixes; /* NULL, or where `group` is from */
    int64_t group;                   /* that all its prompts begin with, or -1 */
    int64_t start_ns;
    int64_t number; /* of the arrival, from 1 on */
    int64_t first_row;
    struct talk_call *calls;
    int32_t n_calls;
    int32_t room;
    int32_t next;    /* call to be sent */
    int64_t *blocks; /* ids of the last prompt that had a history; see talk_blocks */
    int64_t blocks_tokens; /* of that prompt */
};

struct talk_voice;

struct talk_draw {
    struct talk_voice *voices; /* a client's streams and tables */
    int32_t n_clients;
    const struct arrivals *arrivals;
    double share_sum;
    double rho;
    struct rng clients;
    struct prefixes *prefixes; /* of all clients */
    int32_t n_prefixes;
    int64_t n_prefix_blocks; /* full ones, of all groups */
    int64_t n_arrivals;
};

/* Starts the streams of the seed; talk_draw_free() it.  The clients and the arrivals, which
 * may have something to say of lengths, must outlive it. */
void talk_draw_init(struct talk_draw *draw, const struct talk_client *clients,
                    int32_t n_clients, const struct arrivals *arrivals,
                    int64_t rho_nano, uint64_t seed);
void talk_draw_free(struct talk_draw *draw);

/* What the last arrival, which is at that time, begins; talk_draw_end() it. */
struct talk_script *talk_draw_start(struct talk_draw *draw, int64_t start_ns);
void talk_draw_end(struct talk_script *script);

/* When its next call arrives: one that waits, at the start or later. */
int64_t talk_draw_time(const struct talk_script *script);

/* The number of its group's first full block among those of all groups. */
int64_t talk_draw_group_block(const struct talk_draw *draw,
                              const struct talk_script *script);

#endif
