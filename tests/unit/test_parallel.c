#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/parallel.h"

enum { N = 4099, FAULT = 137 };

struct visits {
    int32_t n[N];
    int32_t last; /* after this index it stops; -1: never */
};

static bool visit(void *state, int32_t i)
{
    struct visits *visits = state;
    visits->n[i]++;
    return i != visits->last;
}

static void every_index_is_visited_once_by_any_number_of_threads(void **state)
{
    (void)state;
    const int32_t threads[] = {1, 2, 13, PARALLEL_MOST + 7};
    for (size_t k = 0; k < sizeof threads / sizeof threads[0]; k++) {
        static struct visits visits;
        memset(&visits, 0, sizeof visits);
        visits.last = -1;
        parallel_each(N, threads[k], visit, &visits);
        for (int32_t i = 0; i < N; i++) {
            assert_int_equal(visits.n[i], 1);
        }
    }
}

static void all_before_the_one_that_stops_are_visited(void **state)
{
    (void)state;
    for (int32_t n_threads = 1; n_threads < 9; n_threads += 7) {
        static struct visits visits;
        memset(&visits, 0, sizeof visits);
        visits.last = FAULT;
        parallel_each(N, n_threads, visit, &visits);
        for (int32_t i = 0; i <= FAULT; i++) {
            assert_int_equal(visits.n[i], 1);
        }
        assert_true(n_threads > 1 || visits.n[FAULT + 1] == 0);
    }
}

static void nothing_is_visited_of_nothing(void **state)
{
    (void)state;
    struct visits visits = {.last = -1};
    parallel_each(0, 13, visit, &visits);
    assert_int_equal(visits.n[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_is_visited_once_by_any_number_of_threads),
        cmocka_unit_test(all_before_the_one_that_stops_are_visited),
        cmocka_unit_test(nothing_is_visited_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
