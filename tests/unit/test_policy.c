#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_discipline_has_a_name_of_its_own_and_is_found_by_it),
        cmocka_unit_test(every_router_has_a_name_of_its_own_and_is_found_by_it),
        cmocka_unit_test(a_name_that_is_nearly_right_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
