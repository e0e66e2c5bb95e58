/* What --over says: keys, values, ranges, and every combination of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/grid.h"

static void assert_values(const char *over, const char *expected)
{
    struct arena arena = {0};
    struct grid grid;
    struct err err = {""};
    char joined[400] = "";
    size_t used = 0;
    if (grid_read(&grid, &over, 1, 1000, &arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
    for (int64_t i = 0; i < grid.n_points; i++) {
        struct grid_point point;
        grid_point(&point, &grid, i, &arena);
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s%s",
                                 i > 0 ? " | " : "", point.label);
    }
    assert_string_equal(joined, expected);
    memory_arena_free(&arena);
}

static void assert_refused(const char *over, const char *expected)
{
    struct arena arena = {0};
    struct grid grid;
    struct err err = {""};
    assert_int_equal(grid_read(&grid, &over, 1, 1000, &arena, &err), -1);
    assert_string_equal(err.text, expected);
    memory_arena_free(&arena);
}

static void ranges_are_lists(void **state)
{
    (void)state;
    assert_values("p.n=3..7", "n=3 | n=4 | n=5 | n=6 | n=7");
    assert_values("p.n=0.5..2+0.5", "n=0.5 | n=1 | n=1.5 | n=2");
    assert_values("p.n=0.1..0.5+0.15", "n=0.1 | n=0.25 | n=0.4");
    assert_values("p.n=1..64*2", "n=1 | n=2 | n=4 | n=8 | n=16 | n=32 | n=64");
    assert_values("p.n=2..15*2.5", "n=2 | n=5 | n=12.5");
    assert_values("p.n=7..7", "n=7");
    assert_values("p.n=13, 3..5 ,x", "n=13 | n=3 | n=4 | n=5 | n=x");
}

static void what_only_looks_like_a_range_is_a_text(void **state)
{
    (void)state;
    assert_values("w.trace=../a.csv,b..c", "trace=../a.csv | trace=b..c");
}

static void keys_vary_together(void **state)
{
    (void)state;
    assert_values("a.x+b.y=1:2,3:4", "x=1 y=2 | x=3 y=4");
    assert_values("a.x + b.x = 1 : 2, 1:3", "a.x=1 b.x=2 | a.x=1 b.x=3");
}

static void the_last_axis_is_the_fastest(void **state)
{
    (void)state;
    const char *overs[] = {"a.x=1,2", "b.y+c.z=p:q,r:s", "pool.main.n=13"};
    const char *expected[][4] = {{"a.x=1", "b.y=p", "c.z=q", "pool.main.n=13"},
                                 {"a.x=1", "b.y=r", "c.z=s", "pool.main.n=13"},
                                 {"a.x=2", "b.y=p", "c.z=q", "pool.main.n=13"},
                                 {"a.x=2", "b.y=r", "c.z=s", "pool.main.n=13"}};
    const char *given[] = {"run.seed=7"};
    struct arena arena = {0};
    struct grid grid;
    struct err err = {""};
    assert_int_equal(grid_read(&grid, overs, 3, 4, &arena, &err), 0);
    assert_int_equal(grid.n_points, 4);
    assert_int_equal(grid.n_keys, 4);
    for (int64_t i = 0; i < 4; i++) {
        struct grid_point point;
        grid_point(&point, &grid, i, &arena);
        const char **all = grid_overrides(&point, &grid, given, 1, &arena);
        assert_string_equal(all[0], "run.seed=7");
        for (int32_t k = 0; k < 4; k++) {
            assert_string_equal(point.overrides[k], expected[i][k]);
            assert_string_equal(all[1 + k], expected[i][k]);
        }
    }
    assert_int_equal(grid_read(&grid, overs, 3, 3, &arena, &err), -1);
    assert_string_equal(err.text, "--over: more than 3 variants");
    memory_arena_free(&arena);
}

static void each_mistake_is_told_whole(void **state)
{
    (void)state;
    assert_refused("a.x", "--over a.x: this is not section.key=v1,v2,...");
    assert_refused("x=1", "--over x=1: 'x' is not section.key");
    assert_refused("a.x+=1", "--over a.x+=1: '' is not section.key");
    assert_refused("a.x+a.x=1:2", "--over a.x+a.x=1:2: 'a.x' is varied twice");
    assert_refused("a.x=1,", "--over a.x=1,: one of its values is empty");
    assert_refused("a.x+b.y=1:", "--over a.x+b.y=1:: one of its values is empty");
    assert_refused("a.x+b.y=1", "--over a.x+b.y=1: 1 values stand together for 2 keys");
    assert_refused("a.x+b.y=1:2:3",
                   "--over a.x+b.y=1:2:3: 3 values stand together for 2 keys");
    assert_refused("a.x=3..7,9,5", "--over a.x=3..7,9,5: '5' is there twice");
    assert_refused("a.x=b,a,c,a,b", "--over a.x=b,a,c,a,b: 'a' is there twice");
    assert_refused("a.x=7..3", "--over a.x=7..3: a range goes from its first number up "
                               "to its second: FROM..TO, FROM..TO+STEP or "
                               "FROM..TO*FACTOR");
    assert_refused("a.x=1..7*1", "--over a.x=1..7*1: a range goes from its first "
                                 "number up to its second: FROM..TO, FROM..TO+STEP or "
                                 "FROM..TO*FACTOR");
    assert_refused("a.x=0..7+0", "--over a.x=0..7+0: a range goes from its first "
                                 "number up to its second: FROM..TO, FROM..TO+STEP or "
                                 "FROM..TO*FACTOR");
    assert_refused("a.x=1..100001", "--over a.x=1..100001: more than 100000 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_lists),
        cmocka_unit_test(what_only_looks_like_a_range_is_a_text),
        cmocka_unit_test(keys_vary_together),
        cmocka_unit_test(the_last_axis_is_the_fastest),
        cmocka_unit_test(each_mistake_is_told_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
