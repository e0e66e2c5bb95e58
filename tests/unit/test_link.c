#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/link.h"

static void count_move(void *state, struct link_flow *flow)
{
    (void)flow;
    ++*(int64_t *)state;
}

/* A net whose moves are counted. */
struct world {
    struct link_net net;
    int64_t n_moves;
};

static void init(struct world *world, const int64_t *bytes_per_s, int32_t n)
{
    world->n_moves = 0;
    link_init(&world->net, bytes_per_s, n, count_move, &world->n_moves);
}

static struct link_flow over(int32_t from, int32_t to)
{
    return (struct link_flow){.n_links = 2, .links = {from, to}};
}

static void alone_a_flow_is_as_fast_as_its_narrowest_link(void **state)
{
    (void)state;
    const int64_t rates[] = {7000000000, 3000000000, 5000000000};
    struct world world;
    init(&world, rates, 3);
    struct link_flow flow = {.n_links = 3, .links = {2, 0, 1}};
    link_start(&world.net, &flow, 1000003, 4099);
    link_verify(&world.net);
    assert_int_equal(flow.bytes_per_s, 3000000000);
    assert_int_equal(flow.done_ns, 4099 + 333335); /* 1000003 / 3 = 333334.33 ns */
    assert_int_equal(world.n_moves, 1);
    assert_true(link_stop(&world.net, &flow, flow.done_ns) == 0);
    assert_int_equal(link_busy_ns(&world.net, 1, 1000000), 333335);
    link_free(&world.net);
}

static void two_that_share_a_link_take_turns_byte_by_byte(void **state)
{
    (void)state;
    const int64_t rates[] = {2000000000, 9000000000, 9000000000};
    struct world world;
    init(&world, rates, 3);
    struct link_flow first = over(0, 1);
    struct link_flow second = over(0, 2);
    link_start(&world.net, &first, 4000, 0);
    assert_int_equal(first.done_ns, 2000);
    link_start(&world.net, &second, 700, 500); /* 3000 of the first are left */
    link_verify(&world.net);
    assert_int_equal(first.bytes_per_s, 1000000000);
    assert_int_equal(second.done_ns, 1200);
    assert_true(link_stop(&world.net, &second, 1200) == 0);
    assert_int_equal(first.done_ns, 1200 + 1150); /* 2300 left, at 2 bytes per ns */
    assert_true(link_stop(&world.net, &first, 2350) == 0);
    assert_int_equal(link_busy_ns(&world.net, 0, 5000), 2350);
    assert_int_equal(link_busy_ns(&world.net, 2, 5000), 700);
    link_free(&world.net);
}

static void what_one_bottleneck_leaves_others_have(void **state)
{
    (void)state;
    /* 0 -> 3 is held up behind 3, which two others share: 0 -> 4 has the rest of 0 */
    const int64_t rates[] = {10000000000, 50000000000, 50000000000, 3000000000,
                             50000000000};
    struct world world;
    init(&world, rates, 5);
    struct link_flow flows[] = {over(0, 3), over(1, 3), over(2, 3), over(0, 4)};
    for (int i = 0; i < 4; i++) {
        link_start(&world.net, &flows[i], 1000000007, 0);
        link_verify(&world.net);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(flows[i].bytes_per_s, 1000000000);
    }
    assert_int_equal(flows[3].bytes_per_s, 9000000000);
    link_free(&world.net);
}

static void flows_that_share_nothing_are_not_touched(void **state)
{
    (void)state;
    const int64_t rates[] = {10000000019, 10000000019, 10000000019, 10000000019};
    struct world world;
    init(&world, rates, 4);
    struct link_flow first = over(0, 1);
    struct link_flow second = over(2, 3);
    link_start(&world.net, &first, 4099, 17);
    link_start(&world.net, &second, 4099, 137);
    assert_int_equal(world.n_moves, 2);
    assert_int_equal(first.since_ns, 17);
    assert_true(link_stop(&world.net, &second, 140) > 0);
    assert_int_equal(first.since_ns, 17);
    assert_int_equal(world.n_moves, 2);
    link_free(&world.net);
}

static void equal_flows_are_done_at_the_same_instant(void **state)
{
    (void)state;
    const int64_t rates[] = {1000000000, 4000000000};
    struct world world;
    init(&world, rates, 2);
    struct link_flow flows[] = {over(0, 1), over(0, 1), over(0, 1)};
    for (int i = 0; i < 3; i++) {
        link_start(&world.net, &flows[i], 1009, 41);
    }
    /* 333,333,333 bytes per second each: 1009 bytes take 3027.000003 ns */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(flows[i].done_ns, 41 + 3028);
    }
    int64_t end_ns = flows[0].done_ns;
    for (int i = 2; i >= 0; i--) {
        assert_int_equal(flows[i].done_ns, end_ns);
        assert_true(link_stop(&world.net, &flows[i], end_ns) == 0);
    }
    link_free(&world.net);
}

static void the_same_rate_goes_on_without_moving_an_end(void **state)
{
    (void)state;
    const int64_t rates[] = {3000000000, 1000000000, 1000000000};
    struct world world;
    init(&world, rates, 3);
    struct link_flow first = over(0, 1);
    struct link_flow second = over(0, 2);
    link_start(&world.net, &first, 1013, 0);
    link_start(&world.net, &second, 4099, 333);
    assert_int_equal(world.n_moves, 2);
    assert_int_equal(first.done_ns, 1013);
    assert_true(first.left == (wide)(1013 - 333) * 1000000000);
    link_free(&world.net);
}

static void a_link_with_more_flows_than_bytes_still_ends_them(void **state)
{
    (void)state;
    const int64_t rates[] = {2};
    struct world world;
    init(&world, rates, 1);
    struct link_flow flows[5];
    for (int i = 0; i < 5; i++) {
        flows[i] = (struct link_flow){.n_links = 1, .links = {0}};
        link_start(&world.net, &flows[i], 3, 0);
    }
    assert_int_equal(flows[4].bytes_per_s, 1);
    assert_int_equal(flows[4].done_ns, 3000000000);
    link_verify(&world.net);
    link_free(&world.net);
}

/* Random traffic against water that rises everywhere at once, in doubles. */

enum { N_LINES = 13, N_FLOWS = 23 };

struct plain {
    struct link_flow flows[N_FLOWS];
    bool runs[N_FLOWS];
    int64_t bytes[N_FLOWS];
    wide carried[N_FLOWS]; /* in 10^-9 bytes, by adding rate x time */
    double rates[N_FLOWS];
};

static bool crosses(const struct link_flow *flow, int32_t line)
{
    for (int32_t i = 0; i < flow->n_links; i++) {
        if (flow->links[i] == line) {
            return true;
        }
    }
    return false;
}

/* By how much the water may rise before the link is full; open flows only grow. */
static double headroom(const struct plain *plain, const bool *open, int32_t line,
                       int64_t capacity)
{
    double used = 0;
    int n_open = 0;
    for (int i = 0; i < N_FLOWS; i++) {
        if (plain->runs[i] && crosses(&plain->flows[i], line)) {
            used += plain->rates[i];
            n_open += open[i];
        }
    }
    return n_open > 0 ? ((double)capacity - used) / n_open : 1e30;
}

static void solve(struct plain *plain, const int64_t *capacities)
{
    bool open[N_FLOWS];
    for (int i = 0; i < N_FLOWS; i++) {
        open[i] = plain->runs[i];
        plain->rates[i] = 0;
    }
    for (;;) {
        int32_t full = -1;
        double least = 1e30;
        for (int32_t at = 0; at < N_LINES; at++) {
            double room = headroom(plain, open, at, capacities[at]);
            if (room < least) {
                least = room;
                full = at;
            }
        }
        if (full < 0) {
            return;
        }
        for (int i = 0; i < N_FLOWS; i++) {
            plain->rates[i] += open[i] ? least : 0;
            open[i] = open[i] && !crosses(&plain->flows[i], full);
        }
    }
}

static void assert_as_water(const struct plain *plain)
{
    for (int i = 0; i < N_FLOWS; i++) {
        if (plain->runs[i]) {
            double off = (double)plain->flows[i].bytes_per_s - plain->rates[i];
            assert_true(off < N_FLOWS && off > -N_FLOWS);
        }
    }
}

static void start_some(struct plain *plain, struct link_net *net, struct rng *rng,
                       int i, int64_t now_ns)
{
    struct link_flow *flow = &plain->flows[i];
    *flow = (struct link_flow){0};
    int64_t n_links = 1 + rng_below(rng, LINK_MOST);
    while (flow->n_links < n_links) {
        int32_t line = (int32_t)rng_below(rng, N_LINES);
        if (!crosses(flow, line)) {
            flow->links[flow->n_links++] = line;
        }
    }
    plain->bytes[i] = 1 + rng_below(rng, rng_below(rng, 2) ? 4099 : 4000000000);
    plain->carried[i] = 0;
    plain->runs[i] = true;
    link_start(net, flow, plain->bytes[i], now_ns);
}

/* Time goes on to `until_ns`, at which nobody's end lies behind. */
static void let_time_pass(struct plain *plain, int64_t now_ns, int64_t until_ns)
{
    for (int i = 0; i < N_FLOWS; i++) {
        if (plain->runs[i]) {
            plain->carried[i] +=
                (wide)plain->flows[i].bytes_per_s * (until_ns - now_ns);
        }
    }
}

static int first_done(const struct plain *plain)
{
    int first = -1;
    for (int i = 0; i < N_FLOWS; i++) {
        if (plain->runs[i] &&
            (first < 0 || plain->flows[i].done_ns < plain->flows[first].done_ns)) {
            first = i;
        }
    }
    return first;
}

/* Takes the flow out; the last of its bytes came in the nanosecond that ends now. */
static void stop_one(struct plain *plain, struct link_net *net, int i, int64_t now_ns)
{
    wide all = (wide)plain->bytes[i] * 1000000000;
    bool done = plain->flows[i].done_ns == now_ns;
    int64_t last = plain->flows[i].bytes_per_s;
    wide left = link_stop(net, &plain->flows[i], now_ns);
    plain->runs[i] = false;
    if (done) {
        assert_true(left == 0);
        assert_true(plain->carried[i] >= all && plain->carried[i] < all + last);
    } else {
        assert_true(left > 0 && left == all - plain->carried[i]);
    }
}

static void random_traffic_is_shared_as_water_and_no_byte_is_lost(void **state)
{
    (void)state;
    struct rng rng;
    struct world world;
    static struct plain plain;
    int64_t capacities[N_LINES];
    rng_init(&rng, 4099, "links");
    for (int i = 0; i < N_LINES; i++) { /* some alike, some far apart */
        capacities[i] =
            rng_below(&rng, 3) == 0 ? 1000000000 : 100003 + rng_below(&rng, 4000000000);
    }
    init(&world, capacities, N_LINES);
    int64_t now_ns = 0;
    for (int step = 0; step < 20000; step++) {
        int i = (int)rng_below(&rng, N_FLOWS);
        int first = first_done(&plain);
        int64_t until_ns = now_ns + rng_below(&rng, 2) * rng_below(&rng, 40000009);
        if (first >= 0 && plain.flows[first].done_ns <= until_ns) {
            until_ns = plain.flows[first].done_ns;
            i = first;
        }
        let_time_pass(&plain, now_ns, until_ns);
        now_ns = until_ns;
        if (plain.runs[i]) {
            stop_one(&plain, &world.net, i, now_ns);
        } else {
            start_some(&plain, &world.net, &rng, i, now_ns);
        }
        link_verify(&world.net);
        solve(&plain, capacities);
        assert_as_water(&plain);
    }
    link_free(&world.net);
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_a_flow_is_as_fast_as_its_narrowest_link),
        cmocka_unit_test(two_that_share_a_link_take_turns_byte_by_byte),
        cmocka_unit_test(what_one_bottleneck_leaves_others_have),
        cmocka_unit_test(flows_that_share_nothing_are_not_touched),
        cmocka_unit_test(equal_flows_are_done_at_the_same_instant),
        cmocka_unit_test(the_same_rate_goes_on_without_moving_an_end),
        cmocka_unit_test(a_link_with_more_flows_than_bytes_still_ends_them),
        cmocka_unit_test(random_traffic_is_shared_as_water_and_no_byte_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
