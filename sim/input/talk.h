/* talk: what a client of a generated workload says.
 *
 * Whatever [arrivals] draws is the start of something: of one request, of a session
 * ([sessions]: a person who reads the answer and asks on) or of a task ([agent]: a program
 * that calls the model, runs a tool, and calls again).  In the latter two the context
 * grows: the next prompt is the last one, its answer without what was thought, and the
 * tokens that [followup] draws.
 *
 * Clients that differ are sections [client.NAME].  All that describes a client may be given
 * for one alone, as [client.NAME.prompt]; what is not is that of all, [prompt].
 */
#ifndef SERVESIM_INPUT_TALK_H
#define SERVESIM_INPUT_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "input/lengths.h"
#include "input/pauses.h"
#include "input/prefixes.h"
#include "input/settings.h"

enum talk_kind { TALK_REQUESTS, TALK_SESSIONS, TALK_AGENT };

/* When a later turn comes: so long after the one before came, or after its answer. */
enum talk_timing { TALK_TIMED, TALK_WAIT };

/* Turns of a session; more are cut off. */
enum { TALK_MOST_TURNS = 65536, TALK_MOST_CLIENTS = 1000 };

struct talk_client {
    const char *name; /* "": there are no [client] sections */
    int64_t share_nano;
    const char *tenant; /* "": none; the same for the others */
    const char *model;
    const char *class;
    const char *adapter;
    int64_t priority;
    int64_t deadline_ns; /* 0: none */
    enum talk_kind kind;
    struct lengths_spec prompt;
    struct lengths_spec output;
    struct lengths_spec followup; /* these and the next five: not of TALK_REQUESTS */
    struct lengths_spec turns;
    struct pauses_spec gap;
    int64_t timing;      /* enum talk_timing */
    int64_t has_history; /* a flag; without it each turn is the first prompt and new
                            tokens */
    int64_t max_context; /* 0: as long as prompts may be */
    int64_t fan_out;     /* of TALK_AGENT: sub-agents, and how often there are some */
    int64_t fan_out_share_nano;
    const struct prefixes_spec *prefix; /* NULL: none; clients may have the same one */
    bool reasons;
    int64_t reasoning_share_nano;
    int64_t ratio_nano; /* of the output that is thought; 0: `thinking` comes on top */
    int64_t ratio_sd_nano;
    struct lengths_spec thinking;
};

extern const struct field_table talk_client_table;
extern const struct field_table talk_sessions_table;
extern const struct field_table talk_agent_table;
extern const struct field_table talk_reasoning_table;

/* Reads the clients, one at least; they live in the arena.  NULL and `err` on a fault. */
const struct talk_client *talk_read(struct settings *settings, int32_t *n_clients,
                                    struct arena *arena, struct err *err);

/* -1 and `err` if a section that describes clients is used by none. */
int talk_check_used(const struct settings *settings, struct err *err);

#endif
