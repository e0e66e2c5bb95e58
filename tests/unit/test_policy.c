#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

static void assert_told(const char *name, const char *help)
{
    assert_true(strlen(name) > 0);
    assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                     strlen(name));
    assert_true(strlen(help) >= 10);
    assert_true(help[strlen(help) - 1] != '.');
}

static void every_discipline_has_a_name_of_its_own_and_is_found_by_it(void **state)
{
    (void)state;
    assert_non_null(policy_batching_all[0]);
    for (int i = 0; policy_batching_all[i] != NULL; i++) {
        const struct batch_ops *ops = policy_batching_all[i];
        assert_told(ops->name, ops->help);
        assert_non_null(ops->plan); /* --stepwise needs it */
        assert_ptr_equal(policy_batching(ops->name), ops);
    }
}

static void every_router_has_a_name_of_its_own_and_is_found_by_it(void **state)
{
    (void)state;
    assert_non_null(policy_route_all[0]);
    for (int i = 0; policy_route_all[i] != NULL; i++) {
        const struct route_ops *ops = policy_route_all[i];
        assert_told(ops->name, ops->help);
        assert_non_null(ops->pick);
        assert_ptr_equal(policy_route(ops->name), ops);
    }
}

static void a_name_that_is_nearly_right_is_not_found(void **state)
{
    (void)state;
    static const char *const names[] = {"",        "unifie",      "unified ",
                                        "Unified", "round-robin", "least_request"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_null(policy_batching(names[i]));
        assert_null(policy_route(names[i]));
    }
}

static void every_router_answers_with_a_replica_that_exists(void **state)
{
    (void)state;
    struct route_view views[13] = {{.n_waiting = 7}};
    for (int i = 0; policy_route_all[i] != NULL; i++) {
        const struct route_ops *ops = policy_route_all[i];
        void *memory = calloc(1, ops->state_size + 1);
        for (int32_t n = 1; n <= 13; n++) {
            memset(memory, 0, ops->state_size + 1);
            for (int turn = 0; turn < 40; turn++) {
                assert_in_range(ops->pick(memory, views, n), 0, n - 1);
            }
        }
        free(memory);
    }
}

static void round_robin_takes_turns(void **state)
{
    (void)state;
    const struct route_ops *ops = policy_route("round_robin");
    struct route_view views[5] = {{.n_running = 4099}};
    void *memory = calloc(1, ops->state_size);
    for (int32_t turn = 0; turn < 137; turn++) {
        assert_int_equal(ops->pick(memory, views, 5), turn % 5);
    }
    free(memory);
}

static void least_requests_counts_waiting_and_running_and_prefers_the_first(
    void **state)
{
    (void)state;
    const struct route_ops *ops = policy_route("least_requests");
    static const struct route_view views[] = {
        {.n_waiting = 13, .n_running = 0}, {.n_waiting = 0, .n_running = 7},
        {.n_waiting = 5, .n_running = 1},  {.n_waiting = 6, .n_running = 0},
        {.n_waiting = 3, .n_running = 4},
    };
    assert_int_equal(ops->pick(NULL, views, 1), 0);
    assert_int_equal(ops->pick(NULL, views, 2), 1);
    assert_int_equal(ops->pick(NULL, views, 5), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_discipline_has_a_name_of_its_own_and_is_found_by_it),
        cmocka_unit_test(every_router_has_a_name_of_its_own_and_is_found_by_it),
        cmocka_unit_test(a_name_that_is_nearly_right_is_not_found),
        cmocka_unit_test(every_router_answers_with_a_replica_that_exists),
        cmocka_unit_test(round_robin_takes_turns),
        cmocka_unit_test(
            least_requests_counts_waiting_and_running_and_prefers_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
