/* turn_stats: the conversations of a trace: how many turns they have, and what is between.
 *
 * Requests with one session_id are one session.  Where rows have none and have hash ids, a
 * request continues the one that last used the last of the leading blocks that were seen
 * before, if these cover all full blocks of that one's prompt and are more than what a tenth
 * of all requests begin with (a system prompt); that is the definition of `sessions` in
 * ../shared/traces/trace_models.json.  A tenth of fewer than 500 requests counts as 50.
 *
 * The trace is a window: sessions that began before it or go on behind it are cut off.
 *
 * Memory: some 100 bytes per session with an id; 24 bytes per request with hash ids and 48 per
 * distinct block.
 */
#ifndef SERVESIM_STUDY_TURN_STATS_H
#define SERVESIM_STUDY_TURN_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "input/names.h"
#include "input/trace.h"
#include "output/quantiles.h"

struct turn_stats_block;
struct turn_stats_turn;

struct turn_stats_session {
    int64_t n_turns;
    int64_t last_ns; /* by id: its last turn */
};

/* Zeroed it is empty and ready. */
struct turn_stats {
    struct names names; /* of sessions: their ids */
    struct turn_stats_session *sessions;
    int64_t n_sessions;
    int64_t sessions_room;
    struct quantiles gaps_ns; /* between a turn and the one it continues */
    struct quantiles turns;   /* after turn_stats_finish() */
    bool by_id;
    int64_t n_requests; /* that belong to one */
    int64_t n_single;   /* sessions of one turn: after turn_stats_finish() */

    struct turn_stats_turn *rows; /* with hash ids */
    int64_t n_rows;
    int64_t rows_room;
    struct turn_stats_block *blocks;
    int64_t n_blocks;
    int64_t blocks_room;
    int64_t *slots; /* of a hash table, twice as many: a block's number + 1, or 0 */
};

/* The next row of the trace. */
void turn_stats_add(struct turn_stats *stats, const struct trace_row *row);

/* After the last one. */
void turn_stats_finish(struct turn_stats *stats);

void turn_stats_free(struct turn_stats *stats);

#endif
