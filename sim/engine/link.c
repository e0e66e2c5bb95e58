#include "engine/link.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

static const int64_t nano = 1000000000;
static const int64_t most_ns = INT64_MAX / 2; /* no run comes that far */

void link_init(struct link_net *net, const int64_t *bytes_per_s, int32_t n_lines,
               void (*moved)(void *state, struct link_flow *flow), void *state)
{
    *net = (struct link_net){
        .lines = memory_new((size_t)n_lines, sizeof *net->lines),
        .n_lines = n_lines,
        .moved = moved,
        .state = state,
        .lines_seen = memory_new((size_t)n_lines, sizeof *net->lines_seen),
    };
    for (int32_t i = 0; i < n_lines; i++) {
        CHECK(bytes_per_s[i] > 0);
        net->lines[i].bytes_per_s = bytes_per_s[i];
    }
}

void link_free(struct link_net *net)
{
    free(net->lines);
    free(net->lines_seen);
    free(net->flows_seen);
}

/* Where the flow stands in its own list of links. */
static int32_t place_of(const struct link_flow *flow, int32_t line)
{
    int32_t at = 0;
    while (flow->links[at] != line) {
        at++;
    }
    return at;
}

static struct link_flow *next_on(const struct link_flow *flow, int32_t line)
{
    return flow->hooks[place_of(flow, line)].next;
}

static void see_line(struct link_net *net, int32_t line)
{
    if (!net->lines[line].seen) {
        net->lines[line].seen = true;
        net->lines_seen[net->n_lines_seen++] = line;
    }
}

static void see_flow(struct link_net *net, struct link_flow *flow)
{
    if (flow->seen) {
        return;
    }
    if (net->n_flows_seen == net->flow_room) {
        net->flow_room = net->flow_room * 2 + 16;
        net->flows_seen = memory_grow(net->flows_seen, (size_t)net->flow_room,
                                      sizeof(struct link_flow *));
    }
    flow->seen = true;
    net->flows_seen[net->n_flows_seen++] = flow;
    for (int32_t i = 0; i < flow->n_links; i++) {
        see_line(net, flow->links[i]);
    }
}

/* Finds the links of `flow` and everything connected with them. */
static void see_connected(struct link_net *net, const struct link_flow *flow)
{
    net->n_lines_seen = 0;
    net->n_flows_seen = 0;
    for (int32_t i = 0; i < flow->n_links; i++) {
        see_line(net, flow->links[i]);
    }
    for (int32_t i = 0; i < net->n_lines_seen; i++) {
        int32_t line = net->lines_seen[i];
        struct link_flow *other = net->lines[line].first;
        for (; other != NULL; other = next_on(other, line)) {
            see_flow(net, other);
        }
    }
}

/* What flows have carried at their rates so far is booked. */
static void carry(struct link_net *net, int64_t now_ns)
{
    for (int64_t i = 0; i < net->n_flows_seen; i++) {
        struct link_flow *flow = net->flows_seen[i];
        CHECK(now_ns >= flow->since_ns && now_ns <= flow->done_ns);
        flow->left -= (wide)flow->bytes_per_s * (now_ns - flow->since_ns);
        flow->left = flow->left > 0 ? flow->left : 0; /* done within its last ns */
        flow->since_ns = now_ns;
    }
}

/* Of the links that still have flows without a rate, the one that would give them least. */
static int32_t narrowest(const struct link_net *net)
{
    int32_t best = -1;
    for (int32_t i = 0; i < net->n_lines_seen; i++) {
        int32_t at = net->lines_seen[i];
        const struct link_line *line = &net->lines[at];
        if (line->n_open == 0) {
            continue;
        }
        const struct link_line *least = &net->lines[best < 0 ? at : best];
        wide ours = (wide)line->left * least->n_open;
        wide theirs = (wide)least->left * line->n_open;
        if (best < 0 || ours < theirs || (ours == theirs && at < best)) {
            best = at;
        }
    }
    return best;
}

static void set_rate(struct link_net *net, struct link_flow *flow, int64_t bytes_per_s)
{
    wide ns = (flow->left + bytes_per_s - 1) / bytes_per_s;
    int64_t done_ns =
        ns < most_ns - flow->since_ns ? flow->since_ns + (int64_t)ns : most_ns;
    flow->rated = true;
    flow->bytes_per_s = bytes_per_s;
    if (done_ns != flow->done_ns) {
        flow->done_ns = done_ns;
        net->moved(net->state, flow);
    }
    for (int32_t i = 0; i < flow->n_links; i++) {
        struct link_line *line = &net->lines[flow->links[i]];
        line->left = line->left > bytes_per_s ? line->left - bytes_per_s : 0;
        line->n_open--;
    }
}

/* Shares the links that were seen among the flows that were, and forgets them. */
static void share(struct link_net *net)
{
    for (int32_t i = 0; i < net->n_lines_seen; i++) {
        struct link_line *line = &net->lines[net->lines_seen[i]];
        line->left = line->bytes_per_s;
        line->n_open = line->n_flows;
        line->seen = false;
    }
    for (int64_t i = 0; i < net->n_flows_seen; i++) {
        net->flows_seen[i]->seen = false;
        net->flows_seen[i]->rated = false;
    }
    for (int32_t at; (at = narrowest(net)) >= 0;) {
        const struct link_line *line = &net->lines[at];
        int64_t bytes_per_s = line->left / line->n_open;
        bytes_per_s = bytes_per_s > 0 ? bytes_per_s : 1; /* none ever stands still */
        for (struct link_flow *flow = line->first; flow != NULL;
             flow = next_on(flow, at)) {
            if (!flow->rated) {
                set_rate(net, flow, bytes_per_s);
            }
        }
    }
}

void link_start(struct link_net *net, struct link_flow *flow, int64_t bytes,
                int64_t now_ns)
{
    CHECK(bytes > 0 && flow->n_links > 0 && flow->n_links <= LINK_MOST);
    flow->left = (wide)bytes * nano;
    flow->bytes_per_s = 0;
    flow->since_ns = now_ns;
    flow->done_ns = INT64_MAX;
    flow->seen = false;
    for (int32_t i = 0; i < flow->n_links; i++) {
        CHECK(place_of(flow, flow->links[i]) == i);
        struct link_line *line = &net->lines[flow->links[i]];
        flow->hooks[i] = (struct link_hook){.next = line->first};
        if (line->first != NULL) {
            line->first->hooks[place_of(line->first, flow->links[i])].before = flow;
        } else {
            line->busy_since_ns = now_ns;
        }
        line->first = flow;
        line->n_flows++;
    }
    see_connected(net, flow);
    carry(net, now_ns);
    share(net);
}

wide link_stop(struct link_net *net, struct link_flow *flow, int64_t now_ns)
{
    see_connected(net, flow);
    carry(net, now_ns);
    for (int32_t i = 0; i < flow->n_links; i++) {
        int32_t at = flow->links[i];
        struct link_line *line = &net->lines[at];
        struct link_hook hook = flow->hooks[i];
        if (hook.before != NULL) {
            hook.before->hooks[place_of(hook.before, at)].next = hook.next;
        } else {
            line->first = hook.next;
        }
        if (hook.next != NULL) {
            hook.next->hooks[place_of(hook.next, at)].before = hook.before;
        }
        line->n_flows--;
        line->busy_ns += line->n_flows == 0 ? now_ns - line->busy_since_ns : 0;
    }
    share(net);
    return flow->left;
}

int64_t link_busy_ns(const struct link_net *net, int32_t line, int64_t now_ns)
{
    const struct link_line *of = &net->lines[line];
    return of->busy_ns + (of->n_flows > 0 ? now_ns - of->busy_since_ns : 0);
}

/* Whether the link gives the flow no more because it has no more: it carries all it can
 * but for rounding, and nobody on it is faster. */
static bool bounds(const struct link_net *net, int32_t at, const struct link_flow *flow)
{
    const struct link_line *line = &net->lines[at];
    wide sum = 0;
    for (const struct link_flow *f = line->first; f != NULL; f = next_on(f, at)) {
        if (f->bytes_per_s > flow->bytes_per_s + line->n_flows) {
            return false;
        }
        sum += f->bytes_per_s;
    }
    return sum > line->bytes_per_s - line->n_flows;
}

void link_verify(const struct link_net *net)
{
    for (int32_t at = 0; at < net->n_lines; at++) {
        const struct link_line *line = &net->lines[at];
        int64_t n = 0;
        wide sum = 0;
        for (const struct link_flow *f = line->first; f != NULL; f = next_on(f, at)) {
            bool is_bound = false;
            for (int32_t i = 0; i < f->n_links; i++) {
                is_bound = is_bound || bounds(net, f->links[i], f);
            }
            CHECK(is_bound && f->bytes_per_s > 0 && f->left >= 0);
            sum += f->bytes_per_s;
            n++;
        }
        CHECK(n == line->n_flows);
        CHECK(sum <= line->bytes_per_s || line->bytes_per_s < 2 * n);
    }
}
