#include "base/wide.h"
#include "policy/policy.h"

/* The scorers of llm-d's endpoint picker, each from 0 to 1, in units of 10^-9: the highest
 * weighted sum wins, ties the lowest index. */
static const int64_t one = 1000000000;

static int64_t fraction(struct route_share share)
{
    return wide_narrow((wide)share.part * one / share.whole);
}

static int64_t most_waiting(const struct route_group *group)
{
    int64_t most = 0;
    for (int32_t i = 0; i < group->n_ready; i++) {
        int64_t n_waiting = group->views[group->ready[i]].n_waiting;
        most = n_waiting > most ? n_waiting : most;
    }
    return most;
}

static wide score(const struct route_group *group, const struct route_query *query,
                  int32_t place, int64_t most)
{
    const struct route_config *config = group->config;
    int64_t waiting = most > 0 ? group->views[place].n_waiting * one / most : 0;
    wide sum = (wide)config->w_queue_nano * (one - waiting);
    if (config->w_kv_nano > 0) {
        sum += (wide)config->w_kv_nano * (one - fraction(route_blocks(group, place)));
    }
    if (config->w_prefix_nano > 0) {
        sum += (wide)config->w_prefix_nano * fraction(route_hits(group, place, query));
    }
    if (config->w_adapter_nano > 0 && route_has_adapter(group, place, query)) {
        sum += (wide)config->w_adapter_nano * one;
    }
    return sum;
}

static int32_t pick(void *state, const struct route_group *group,
                    const struct route_query *query)
{
    (void)state;
    int64_t most = most_waiting(group);
    int32_t best = -1;
    wide highest = -1;
    for (int32_t i = 0; i < group->n_ready; i++) {
        wide sum = score(group, query, group->ready[i], most);
        if (sum > highest) {
            highest = sum;
            best = group->ready[i];
        }
    }
    return best;
}

const struct route_ops route_weighted = {
    .name = "weighted",
    .help = "sends a request to the replica with the highest sum of w_queue, w_kv, "
            "w_prefix and w_adapter times their scores (llm-d)",
    .looks_at_kv = true,
    .pick = pick,
};
