#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/follow.h"

struct row {
    int64_t at_ns;
    const char *id;
    const char *parents;
    int64_t think_ns;
    int64_t copy;
};

struct rows {
    const struct row *list;
    int n;
    int n_read;
};

static int next_row(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct rows *rows = state;
    (void)err;
    if (rows->n_read == rows->n) {
        return 0;
    }
    const struct row *row = &rows->list[rows->n_read++];
    char labels[100];
    int length = snprintf(labels, sizeof labels, "%s\n\n", row->id);
    *arrival = (struct sim_arrival){
        .arrival_ns = row->at_ns,
        .prompt_tokens = rows->n_read,
        .labels = memory_copy(labels, (size_t)length),
        .counted = true,
        .model_name = row->id,
        .file = "rows.csv",
        .line = rows->n_read + 1,
        .parents = row->parents,
        .think_ns = row->think_ns,
        .copy = row->copy,
    };
    return 1;
}

struct world {
    struct rows rows;
    struct follow follow;
    struct sim_source source;
    int64_t keys[20]; /* by row, from 1 on */
};

static void start(struct world *world, const struct row *list, int n, bool skips)
{
    *world = (struct world){.rows = {.list = list, .n = n}};
    struct sim_source rows = {.state = &world->rows, .next = next_row};
    follow_init(&world->follow, &rows, NULL, skips);
    world->source = follow_source(&world->follow);
}

#define START(world, list) start(world, list, sizeof(list) / sizeof((list)[0]), false)

static void assert_sends(struct world *world, int64_t row, int64_t at_ns)
{
    struct sim_arrival arrival;
    struct err err = {""};
    int64_t told_ns = -1;
    assert_int_equal(world->source.peek(world->source.state, &told_ns, &err), 1);
    assert_int_equal(told_ns, at_ns);
    assert_int_equal(world->source.next(world->source.state, &arrival, &err), 1);
    assert_int_equal(arrival.prompt_tokens, row);
    assert_int_equal(arrival.arrival_ns, at_ns);
    assert_string_equal(arrival.model_name, world->rows.list[row - 1].id);
    world->keys[row] = arrival.key;
    free(arrival.labels);
}

static void assert_waits(struct world *world)
{
    struct err err = {""};
    int64_t at_ns;
    assert_int_equal(world->source.peek(world->source.state, &at_ns, &err), 0);
}

static void leave(struct world *world, int64_t row, int64_t at_ns)
{
    struct probe_record record = {.finish_ns = at_ns, .source_key = world->keys[row]};
    world->source.finished(world->source.state, &record);
}

static void assert_refuses(const struct row *list, int n, const char *text)
{
    struct world world;
    struct err err = {""};
    int64_t at_ns;
    start(&world, list, n, false);
    int got = 1;
    while (got > 0) {
        got = world.source.peek(world.source.state, &at_ns, &err);
        struct sim_arrival arrival;
        if (got > 0) {
            world.source.next(world.source.state, &arrival, &err);
            free(arrival.labels);
        }
    }
    assert_int_equal(got, -1);
    assert_string_equal(err.text, text);
    follow_free(&world.follow);
}

static void a_request_comes_its_think_time_after_the_last_of_its_parents(void **state)
{
    (void)state;
    const struct row list[] = {
        {137, "a", NULL, 0, 0},
        {200, "b", NULL, 0, 0},
        {300, "c", "a b", 41, 0},
    };
    struct world world;
    START(&world, list);
    assert_sends(&world, 1, 137);
    assert_sends(&world, 2, 200);
    assert_waits(&world);
    leave(&world, 2, 777);
    assert_waits(&world);
    leave(&world, 1, 4099);
    assert_sends(&world, 3, 4140);
    assert_waits(&world);
    follow_free(&world.follow);
}

static void a_request_never_comes_before_it_says(void **state)
{
    (void)state;
    const struct row list[] = {
        {0, "a", NULL, 0, 0},
        {4099, "b", "a", 13, 0},
        {4099, "c", "a", 5000, 0},
    };
    struct world world;
    START(&world, list);
    assert_sends(&world, 1, 0);
    leave(&world, 1, 137);
    assert_sends(&world, 2, 4099);
    assert_sends(&world, 3, 5137);
    follow_free(&world.follow);
}

static void who_comes_at_one_instant_comes_in_the_order_of_the_trace(void **state)
{
    (void)state;
    const struct row list[] = {
        {0, "a", NULL, 0, 0},   {0, "b", NULL, 0, 0},   {13, "c", "b", 87, 0},
        {13, "d", "a", 37, 0},  {100, "e", NULL, 0, 0}, {100, "f", "a b", 0, 0},
        {137, "g", NULL, 0, 0},
    };
    struct world world;
    START(&world, list);
    assert_sends(&world, 1, 0);
    assert_sends(&world, 2, 0);
    leave(&world, 2, 13);
    leave(&world, 1, 63);
    assert_sends(&world, 3, 100);
    assert_sends(&world, 4, 100);
    assert_sends(&world, 5, 100);
    assert_sends(&world, 6, 100);
    assert_sends(&world, 7, 137);
    assert_waits(&world);
    follow_free(&world.follow);
}

static void an_earlier_arrival_may_become_known_behind_a_later_one(void **state)
{
    (void)state;
    const struct row list[] = {
        {0, "a", NULL, 0, 0}, {1, "b", "a", 0, 0}, {4099, "c", NULL, 0, 0}};
    struct world world;
    struct err err = {""};
    int64_t at_ns = 0;
    START(&world, list);
    assert_sends(&world, 1, 0);
    assert_int_equal(world.source.peek(world.source.state, &at_ns, &err), 1);
    assert_int_equal(at_ns, 4099);
    leave(&world, 1, 137);
    assert_sends(&world, 2, 137);
    assert_sends(&world, 3, 4099);
    follow_free(&world.follow);
}

static void an_id_is_of_one_copy_of_the_trace(void **state)
{
    (void)state;
    const struct row list[] = {
        {0, "a", NULL, 0, 0},
        {0, "b", "a", 0, 0},
        {50, "a", NULL, 0, 1},
        {50, "b", "a", 0, 1},
    };
    struct world world;
    START(&world, list);
    assert_sends(&world, 1, 0);
    assert_sends(&world, 3, 50);
    leave(&world, 3, 77);
    assert_sends(&world, 4, 77);
    leave(&world, 1, 137); /* a copy that is over, and its row waits all the same */
    assert_sends(&world, 2, 137);
    follow_free(&world.follow);
}

static void thousands_of_ids_are_told_apart(void **state)
{
    (void)state;
    enum { N = 9001 };
    static struct row list[N];
    static char ids[N][8];
    for (int i = 0; i < N; i++) {
        snprintf(ids[i], sizeof ids[i], "%d", i);
        list[i] = (struct row){.id = ids[i], .parents = i > 0 ? ids[i / 2] : NULL};
    }
    list[0].parents = NULL;
    list[1].parents = ids[0];
    struct world world;
    START(&world, list);
    int64_t now_ns = 0;
    for (int i = 0; i < N; i++) { /* a binary tree: levels in order */
        struct sim_arrival arrival;
        struct err err = {""};
        assert_int_equal(world.source.next(world.source.state, &arrival, &err), 1);
        assert_int_equal(arrival.prompt_tokens, i + 1);
        free(arrival.labels);
        struct probe_record record = {.finish_ns = now_ns++, .source_key = arrival.key};
        world.source.finished(world.source.state, &record);
    }
    assert_waits(&world);
    follow_free(&world.follow);
}

static void parents_must_be_rows_above_and_their_ids_unique(void **state)
{
    (void)state;
    const struct row below[] = {{0, "a", "b", 0, 0}, {0, "b", NULL, 0, 0}};
    assert_refuses(below, 2,
                   "rows.csv:2: parent_id: 'b' is not the request_id of a row above; "
                   "'[workload] dependencies = ignore' plays all rows when they say");
    const struct row itself[] = {{0, "a", NULL, 0, 0}, {0, "b", "a b", 0, 0}};
    assert_refuses(itself, 2,
                   "rows.csv:3: parent_id: 'b' is not the request_id of a row above; "
                   "'[workload] dependencies = ignore' plays all rows when they say");
    const struct row other[] = {{0, "a", NULL, 0, 0}, {0, "b", "a", 0, 1}};
    assert_refuses(other, 2,
                   "rows.csv:3: parent_id: 'a' is not the request_id of a row above; "
                   "'[workload] dependencies = ignore' plays all rows when they say");
    const struct row twice[] = {{0, "a", NULL, 0, 0},
                                {0, "", NULL, 0, 0},
                                {0, "", NULL, 0, 0},
                                {0, "a", NULL, 0, 0},
                                {0, "b", "a", 0, 0}};
    assert_refuses(
        twice, 5,
        "rows.csv:6: parent_id: 'a' is the request_id of several rows above; "
        "'[workload] dependencies = ignore' plays all rows when they say");
}

static void a_parent_that_was_passed_over_has_left_long_ago(void **state)
{
    (void)state;
    const struct row list[] = {{137, "b", "a", 4099, 0}, {200, "c", "a b", 41, 0}};
    struct world world;
    start(&world, list, 2, true);
    assert_sends(&world, 1, 137);
    leave(&world, 1, 300);
    assert_sends(&world, 2, 341);
    follow_free(&world.follow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_its_think_time_after_the_last_of_its_parents),
        cmocka_unit_test(a_request_never_comes_before_it_says),
        cmocka_unit_test(who_comes_at_one_instant_comes_in_the_order_of_the_trace),
        cmocka_unit_test(an_earlier_arrival_may_become_known_behind_a_later_one),
        cmocka_unit_test(an_id_is_of_one_copy_of_the_trace),
        cmocka_unit_test(thousands_of_ids_are_told_apart),
        cmocka_unit_test(parents_must_be_rows_above_and_their_ids_unique),
        cmocka_unit_test(a_parent_that_was_passed_over_has_left_long_ago),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
