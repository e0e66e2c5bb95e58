/* transfer: a request whose prompt one replica computed goes to another to be answered.
 *
 * At the end of the step that computes its prompt (and gives its first token) a request of
 * a prefill pool leaves the running ones, and its blocks stay held there.  In that instant,
 * after all step ends, a decode replica is picked for it, where it waits in order of
 * coming; where none is ready it waits for one, as long as the gateway holds requests.
 * The decode replica pulls the first of those who wait while it has a place
 * (max_num_seqs) and blocks for what is computed, beside its watermark; nobody is passed
 * over.  Places and blocks are taken at once.  Then `latency`, then its bytes over the
 * links (engine/link.h, engine/disaggregate.h).  When they are there the prefill replica's
 * blocks are free, its prefix cache knows what it knows, and the request runs from the
 * decode replica's next plan on, lacking one token, at the end of its running ones.  Under
 * a token budget it waits until all who run get what they want, as vLLM's would, and
 * before it nobody who waits is admitted.
 *
 * Where the issue of disaggregation leaves room:
 * - a request that no prefill pool can serve, but a decode pool can, is served there wholly;
 * - the prefill side takes its output to be one token when it looks for memory, as the
 *   servers' own proxies ask it to;
 * - an idle decode replica leaves no watermark;
 * - prompts that came are in the decode replica's prefix cache from then on; what that
 *   has of them already is sent all the same;
 * - with splitwise, `both` pools take part as prefill, as decode and as mixed machines.
 */
#ifndef SERVESIM_ENGINE_TRANSFER_H
#define SERVESIM_ENGINE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"
#include "engine/disaggregate.h"
#include "engine/link.h"
#include "engine/request.h"
#include "engine/timer.h"

struct replica;
struct sim;

/* One request on its way, from the end of its prompt to its landing. */
struct transfer {
    struct request *request;
    int32_t from;
    int32_t to; /* -1: nobody was ready */
    bool is_pulled;
    bool flows;
    int64_t step_began_ns; /* the step that computed the prompt ... */
    int64_t since_ns;      /* ... and ended now */
    int64_t bytes;
    int64_t left_bytes; /* of them, when that step had ended */
    int64_t blocks;     /* of the decode replica */
    int64_t pulled_ns;
    struct link_flow flow;
    struct timer timer;
    struct transfer *next; /* of those that come from the same replica, or are spare */
    struct transfer *before;
};

/* What was counted of transfers that ended well. */
struct transfer_tally {
    int64_t n;
    wide bytes;
    wide sum_ns; /* end of prompt to landing */
    int64_t most_ns;
    wide wait_ns; /* end of prompt to pull */
};

/* In struct sim. */
struct transfers {
    const struct disaggregate_config *config;
    bool on;
    uint64_t prefill_pools; /* a bit for each */
    uint64_t decode_pools;
    struct request_list out;      /* handed over in this instant */
    struct request_list unplaced; /* no decode replica was ready */
    int64_t n_inbound;            /* who wait to be pulled anywhere */
    int32_t *due;                 /* replicas that may pull, beside those that plan */
    int32_t n_due;
    struct link_net net;
    int32_t *first_node; /* per pool: its first node, of all */
    int32_t n_nodes;
    struct transfer *spare;
    struct transfer_tally tally;
};

/* Once all replicas are there. */
void transfer_init(struct sim *sim);
void transfer_free(struct sim *sim);

/* After all step ends: requests that were handed over get a decode replica. */
void transfer_begin(struct sim *sim);

/* A replica has become ready: it may be the one that some wait for. */
void transfer_ready(struct sim *sim);

/* Replicas that are to plan, or were sent somebody, pull what they can. */
void transfer_pull(struct sim *sim);

/* A replica that has planned nothing may have made room by that: it looks again. */
void transfer_pull_again(struct sim *sim, struct replica *replica);

/* Brings what the replica's KV cache holds up to now; its span ends with this step. */
void transfer_pull_look(struct sim *sim, struct replica *replica);

/* The replica may pull in this instant. */
void transfer_mark(struct sim *sim, struct replica *replica);

/* The prefill side of a transfer is done with it: blocks go back, and it is no more. */
void transfer_end(struct sim *sim, struct transfer *transfer);

/* Takes a request out that is on its way (REQUEST_MOVING, REQUEST_LANDED): the KV cache is
 * lost, blocks are given back on both sides, and the request is nowhere, with what it has
 * computed and paid so far for the caller to see to. */
void transfer_drop(struct sim *sim, struct request *request);

/* Any request that is on its way from or to the replica, or NULL: for who fails. */
struct request *transfer_first_at(struct replica *replica);

/* The client of a request that is on its way gives up. */
void transfer_give_up(struct sim *sim, struct request *request);

#endif
