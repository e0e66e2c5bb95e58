#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/shares.h"

static const int64_t once = 1000000000; /* weight 1 */

static void who_gets_all_leaves_one_in_n(void **state)
{
    (void)state;
    struct shares shares = {0};
    shares_arrive(&shares, 0, once, 0);
    shares_arrive(&shares, 1, once, 7);
    shares_leave(&shares, 1, 0, 7); /* shed at once */
    shares_leave(&shares, 0, 4099, 137);
    assert_float_equal(shares_jain(&shares), 0.5, 1e-12);
    shares_free(&shares);
}

static void rates_are_per_weight_and_time_of_presence(void **state)
{
    (void)state;
    struct shares shares = {0};
    shares_arrive(&shares, 0, 3 * once, 0);
    shares_leave(&shares, 0, 3 * 41, 13);
    shares_arrive(&shares, 1, once, 0);
    shares_leave(&shares, 1, 41, 13);
    assert_float_equal(shares_jain(&shares), 1, 1e-12);
    shares_free(&shares);
}

static void a_stay_in_the_front_end_is_not_counted_twice(void **state)
{
    (void)state;
    struct shares shares = {0};
    shares_arrive(&shares, 0, once, 0);
    shares_leave(&shares, 0, 10, 20);
    shares_arrive(&shares, 0, once, 4); /* it came while the other was there */
    shares_leave(&shares, 0, 20, 60);
    shares_arrive(&shares, 1, once, 0);
    shares_leave(&shares, 1, 30, 60);
    assert_float_equal(shares_jain(&shares), 1, 1e-12);
    shares_free(&shares);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gets_all_leaves_one_in_n),
        cmocka_unit_test(rates_are_per_weight_and_time_of_presence),
        cmocka_unit_test(a_stay_in_the_front_end_is_not_counted_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
