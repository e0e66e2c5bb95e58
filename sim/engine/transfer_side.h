/* transfer_side: what a replica has to do with KV caches that go from one to another.
 *
 * As the one that computed a prompt it holds the blocks until they are there.  As the one
 * that writes the output it has requests that wait to be pulled, some whose KV cache is on
 * its way into blocks that are taken already, and some whose cache is there and who run
 * from its next plan on (engine/transfer.h moves them).
 *
 * Blocks change hands between steps only: what is taken or given back during a step is
 * taken or given back when it ends.  Nobody else takes blocks meanwhile.
 */
#ifndef SERVESIM_ENGINE_TRANSFER_SIDE_H
#define SERVESIM_ENGINE_TRANSFER_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/leave.h"
#include "engine/request.h"

struct replica;
struct transfer;

struct transfer_side {
    bool on;                     /* the replica takes part */
    struct request_list *out;    /* of the run: handed over in this instant */
    struct request_list inbound; /* they wait to be pulled, in order */
    struct request_list pulling; /* their KV cache is on its way */
    struct request_list landed;  /* it is there */
    struct transfer *first_from; /* whose KV cache is here, and goes elsewhere */
    int64_t n_from;
    int64_t due_blocks; /* to be taken when the step ends; below 0: to be given back */
    struct leave_list leaving; /* who give theirs back then */
    int64_t idle_since_ns;
    bool is_due; /* it may pull in this instant */
    bool shuts;  /* the first who landed has no budget: nobody else may take it */
};

/* Requests that are to decode here and do not run yet. */
static inline int64_t transfer_side_n_in(const struct transfer_side *side)
{
    return side->inbound.n + side->pulling.n + side->landed.n;
}

/* Whether blocks are in the hands of requests that are not the scheduler's. */
static inline bool transfer_side_holds(const struct transfer_side *side)
{
    return side->n_from + side->pulling.n + side->landed.n > 0;
}

/* The request's prompt is computed, and its output is written elsewhere: it runs no more
 * and holds its blocks. */
void transfer_side_hand_over(struct replica *replica, struct request *request,
                             int64_t now_ns);

/* A step has ended.  No step runs: blocks change hands. */
void transfer_side_end(struct replica *replica, int64_t now_ns);
void transfer_side_settle(struct replica *replica, int64_t now_ns);

/* Those whose KV cache was there at `until_ns` run from now on, as far as the budget of the
 * step is enough for all who run; they lack one token each.  While it is not, nobody who
 * waits is admitted: else one that recomputes, short of the blocks that those hold, could
 * keep the budget from them for ever. */
void transfer_side_enter(struct replica *replica, int64_t until_ns);

#endif
