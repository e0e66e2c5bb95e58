#include "study/turn_stats.h"

#include <stdlib.h>

#include "base/memory.h"

struct turn_stats_block {
    int64_t id;
    int64_t n_requests; /* that have it */
    int64_t last_row;   /* of them */
    int64_t last_full;  /* full blocks of that one's prompt */
};

/* A row with hash ids. */
struct turn_stats_turn {
    int64_t arrival_ns;
    int64_t parent; /* the row that it continues, -1 if none; once told, its session */
    int64_t block;  /* the last that the two have in common */
};

enum { FIRST_ROOM = 1024, LEAST_COMMON = 50, COMMON_SHARE = 10 };

/* Where the table has the id, or the empty slot for it.  Multiplying by 2^64 / golden ratio
 * spreads neighbouring ids (Knuth). */
static int64_t *find(const struct turn_stats *stats, int64_t id)
{
    uint64_t mask = 2 * (uint64_t)stats->blocks_room - 1;
    uint64_t at = ((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
    while (stats->slots[at & mask] != 0 &&
           stats->blocks[stats->slots[at & mask] - 1].id != id) {
        at++;
    }
    return &stats->slots[at & mask];
}

static void grow_blocks(struct turn_stats *stats)
{
    stats->blocks_room = stats->blocks_room > 0 ? 2 * stats->blocks_room : FIRST_ROOM;
    stats->blocks =
        memory_grow(stats->blocks, (size_t)stats->blocks_room, sizeof *stats->blocks);
    free(stats->slots);
    stats->slots = memory_new(2 * (size_t)stats->blocks_room, sizeof *stats->slots);
    for (int64_t i = 0; i < stats->n_blocks; i++) {
        *find(stats, stats->blocks[i].id) = i + 1;
    }
}

/* The number of the block with that id, which may be new. */
static int64_t block_of(struct turn_stats *stats, int64_t id, bool *is_new)
{
    if (stats->n_blocks == stats->blocks_room) {
        grow_blocks(stats);
    }
    int64_t *slot = find(stats, id);
    *is_new = *slot == 0;
    if (*is_new) {
        stats->blocks[stats->n_blocks] = (struct turn_stats_block){.id = id};
        *slot = ++stats->n_blocks;
    }
    return *slot - 1;
}

static void add_hashed(struct turn_stats *stats, const struct trace_row *row)
{
    if (stats->n_rows == stats->rows_room) {
        stats->rows_room = stats->rows_room * 2 + FIRST_ROOM;
        stats->rows =
            memory_grow(stats->rows, (size_t)stats->rows_room, sizeof *stats->rows);
    }
    struct turn_stats_turn *turn = &stats->rows[stats->n_rows];
    *turn = (struct turn_stats_turn){.arrival_ns = row->arrival_ns, .parent = -1};
    int64_t n_full = row->prompt_tokens / row->hash_tokens;
    bool leads = true;
    for (int64_t i = 0; i < row->n_hash_ids; i++) {
        bool is_new;
        int64_t number = block_of(stats, row->hash_ids[i], &is_new);
        struct turn_stats_block *block = &stats->blocks[number];
        leads = leads && !is_new && block->last_row != stats->n_rows;
        if (leads) { /* the last one that leads decides */
            turn->parent = i + 1 >= block->last_full ? block->last_row : -1;
            turn->block = number;
        }
        block->n_requests += is_new || block->last_row != stats->n_rows;
        block->last_row = stats->n_rows;
        block->last_full = n_full;
    }
    stats->n_rows++;
}

/* A turn of the session `gap_ns` after the one that it continues, or with -1 the first of a
 * new session; which it is. */
static int64_t take_turn(struct turn_stats *stats, int64_t number, int64_t gap_ns)
{
    if (number < 0) {
        if (stats->n_sessions == stats->sessions_room) {
            stats->sessions_room = stats->sessions_room * 2 + FIRST_ROOM;
            stats->sessions = memory_grow(stats->sessions, (size_t)stats->sessions_room,
                                          sizeof *stats->sessions);
        }
        number = stats->n_sessions++;
        stats->sessions[number] = (struct turn_stats_session){0};
    }
    if (stats->sessions[number].n_turns++ > 0) {
        quantiles_add(&stats->gaps_ns, gap_ns);
    }
    stats->n_requests++;
    return number;
}

static void begin(struct turn_stats *stats)
{
    if (stats->gaps_ns.most_exact == 0) {
        quantiles_init(&stats->gaps_ns, QUANTILES_MOST_EXACT);
        quantiles_init(&stats->turns, QUANTILES_MOST_EXACT);
    }
}

void turn_stats_add(struct turn_stats *stats, const struct trace_row *row)
{
    begin(stats);
    if (row->session_id != NULL && row->session_id[0] != '\0') {
        int64_t number = names_number(&stats->names, row->session_id) - 1;
        bool is_new = number == stats->n_sessions;
        stats->by_id = true;
        number =
            take_turn(stats, is_new ? -1 : number,
                      is_new ? 0 : row->arrival_ns - stats->sessions[number].last_ns);
        stats->sessions[number].last_ns = row->arrival_ns;
    } else if (row->hash_ids != NULL && !stats->by_id) {
        add_hashed(stats, row);
    }
}

/* Which rows continue which is known only now: what is common to a tenth of them. */
static void link_rows(struct turn_stats *stats)
{
    int64_t common = stats->n_rows / COMMON_SHARE;
    common = common > LEAST_COMMON ? common : LEAST_COMMON;
    for (int64_t i = 0; i < stats->n_rows; i++) {
        struct turn_stats_turn *turn = &stats->rows[i];
        bool continues =
            turn->parent >= 0 && stats->blocks[turn->block].n_requests < common;
        const struct turn_stats_turn *parent =
            &stats->rows[continues ? turn->parent : i];
        turn->parent = take_turn(stats, continues ? parent->parent : -1,
                                 turn->arrival_ns - parent->arrival_ns);
    }
}

void turn_stats_finish(struct turn_stats *stats)
{
    begin(stats);
    if (!stats->by_id) {
        link_rows(stats);
    }
    for (int64_t i = 0; i < stats->n_sessions; i++) {
        quantiles_add(&stats->turns, stats->sessions[i].n_turns);
        stats->n_single += stats->sessions[i].n_turns == 1;
    }
}

void turn_stats_free(struct turn_stats *stats)
{
    names_free(&stats->names);
    free(stats->sessions);
    free(stats->rows);
    free(stats->blocks);
    free(stats->slots);
    if (stats->gaps_ns.most_exact > 0) {
        quantiles_free(&stats->gaps_ns);
        quantiles_free(&stats->turns);
    }
    *stats = (struct turn_stats){0};
}
