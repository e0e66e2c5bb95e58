/* link: transfers that share links, each as fast as a fair share lets it be.
 *
 * A flow crosses a few links; all flows of a link together carry no more than its bytes per
 * second, and shares are max-min fair: nobody could be faster without making one slower
 * that is no faster than it (progressive filling: of all links the one whose flows would
 * get least gives them that, and so on with what is left).  Whenever a flow comes or goes,
 * those connected with it, through links that they share, get new rates at once.
 *
 * Everything is an integer: rates are whole bytes per second, of which a link with n flows
 * leaves n - 1 unused at most, and what is left of a flow is counted in 10^-9 bytes, which
 * is what a byte per second carries in a nanosecond.  A flow is done at the first
 * nanosecond by which its last byte has come.  Who came first, or is told first, does not
 * matter; where links are equally narrow, the one with the lower index is the first.
 */
#ifndef SERVESIM_ENGINE_LINK_H
#define SERVESIM_ENGINE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"

enum { LINK_MOST = 4 }; /* that a flow crosses */

struct link_flow;

struct link_hook {
    struct link_flow *next;
    struct link_flow *before;
};

/* Its owner keeps it in place from link_start() to link_stop(). */
struct link_flow {
    int32_t n_links;
    int32_t links[LINK_MOST];
    struct link_hook hooks[LINK_MOST]; /* in the list of each of them */
    int64_t bytes_per_s;
    wide left; /* in 10^-9 bytes, at since_ns */
    int64_t since_ns;
    int64_t done_ns; /* unless others come or go */
    bool seen;       /* while shares are worked out: connected; has its rate */
    bool rated;
};

struct link_line {
    int64_t bytes_per_s;
    struct link_flow *first;
    int64_t n_flows;
    int64_t busy_ns; /* with a flow at least, up to the last time that it had none */
    int64_t busy_since_ns;
    int64_t left; /* while shares are worked out, as are the next two */
    int64_t n_open;
    bool seen;
};

struct link_net {
    struct link_line *lines;
    int32_t n_lines;
    /* Whose done_ns has changed is told. */
    void (*moved)(void *state, struct link_flow *flow);
    void *state;
    int32_t *lines_seen;
    int32_t n_lines_seen;
    struct link_flow **flows_seen;
    int64_t n_flows_seen;
    int64_t flow_room;
};

void link_init(struct link_net *net, const int64_t *bytes_per_s, int32_t n_lines,
               void (*moved)(void *state, struct link_flow *flow), void *state);
void link_free(struct link_net *net);

/* Begins to carry `bytes`, at least 1, over the flow's links, all different. */
void link_start(struct link_net *net, struct link_flow *flow, int64_t bytes,
                int64_t now_ns);

/* Takes a flow out, done or not; what is left of it, in 10^-9 bytes. */
wide link_stop(struct link_net *net, struct link_flow *flow, int64_t now_ns);

/* How long the link had a flow up to now. */
int64_t link_busy_ns(const struct link_net *net, int32_t line, int64_t now_ns);

/* Aborts if a link carries more than it can or a flow could be faster; visits everything. */
void link_verify(const struct link_net *net);

#endif
