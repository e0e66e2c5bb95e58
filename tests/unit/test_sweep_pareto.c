/* Which of many points nobody beats: against trying all pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/sweep_pareto.h"

static bool beats(const struct sweep_pareto_point *a,
                  const struct sweep_pareto_point *b)
{
    bool is_better = false;
    for (int i = 0; i < SWEEP_PARETO_VALUES; i++) {
        if (a->values[i] > b->values[i]) {
            return false;
        }
        is_better = is_better || a->values[i] < b->values[i];
    }
    return is_better;
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

/* `n_levels` different values of each kind: few of them make ties. */
static int64_t check(int64_t n, uint64_t n_levels, uint64_t seed)
{
    struct sweep_pareto_point points[300];
    int64_t n_best = 0;
    for (int64_t i = 0; i < n; i++) {
        points[i].id = i;
        for (int k = 0; k < SWEEP_PARETO_VALUES; k++) {
            points[i].values[k] = (double)(next(&seed) % n_levels) - 1.37;
        }
    }
    sweep_pareto_mark(points, n);
    bool seen[300] = {false};
    for (int64_t i = 0; i < n; i++) {
        bool beaten = false;
        for (int64_t j = 0; j < n; j++) {
            beaten = beaten || beats(&points[j], &points[i]);
        }
        assert_int_equal(points[i].is_best, !beaten);
        assert_false(seen[points[i].id]);
        seen[points[i].id] = true;
        n_best += !beaten;
    }
    return n_best;
}

static void it_is_what_all_pairs_say(void **state)
{
    (void)state;
    int64_t n_best = 0;
    int64_t n_all = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        static const uint64_t levels[] = {1, 2, 3, 7, 31, 1000003};
        int64_t n = (int64_t)(seed * 37 % 173);
        n_best += check(n, levels[seed % 6], seed);
        n_all += n;
    }
    assert_true(n_best > n_all / 100 && n_best < n_all * 9 / 10);
}

/* All of 200,000 are on the front: trying pairs would take minutes. */
static void a_front_of_everything_is_found_fast(void **state)
{
    (void)state;
    const int64_t n = 200000;
    struct sweep_pareto_point *points = memory_new((size_t)n, sizeof *points);
    for (int64_t i = 0; i < n; i++) {
        points[i].id = i;
        points[i].values[0] = (double)i;
        points[i].values[1] = (double)(n - i);
        points[i].values[2] = (double)(i * 7919 % n);
        points[i].values[3] = (double)(i * 104729 % n);
    }
    clock_t begun = clock();
    sweep_pareto_mark(points, n);
    assert_true((double)(clock() - begun) / CLOCKS_PER_SEC < 20);
    for (int64_t i = 0; i < n; i++) {
        assert_true(points[i].is_best);
    }
    free(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_all_pairs_say),
        cmocka_unit_test(a_front_of_everything_is_found_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
