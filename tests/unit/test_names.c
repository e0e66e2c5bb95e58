#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "input/names.h"

static void names_have_numbers_in_the_order_in_which_they_appear(void **state)
{
    (void)state;
    struct names names = {0};
    char text[32];
    assert_int_equal(names_number(&names, NULL), 0);
    assert_int_equal(names_number(&names, ""), 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4099; i++) {
            snprintf(text, sizeof text, "adapter-%d", i * 7919);
            assert_int_equal(names_number(&names, text), i + 1);
        }
    }
    assert_int_equal(names.n, 4099);
    names_free(&names);
    assert_int_equal(names_number(&names, "again"), 1);
    names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_numbers_in_the_order_in_which_they_appear),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
