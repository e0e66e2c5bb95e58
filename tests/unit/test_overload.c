#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/memory.h"
#include "output/overload.h"

enum { INTERVAL_NS = 1000000013 };

/* `n_met` of `n` leave in the interval, who have just come. */
static void leave(struct overload *overload, int64_t interval, int n, int n_met)
{
    for (int i = 0; i < n; i++) {
        int64_t at_ns = interval * INTERVAL_NS + 4099 + i;
        overload_add(overload, at_ns - 1, at_ns, i < n_met);
    }
}

static void assert_metrics(struct overload *overload, int64_t n_intervals,
                           const char *above, const char *episodes, const char *recover,
                           const char *recovered)
{
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    overload_metrics(overload, n_intervals * INTERVAL_NS, metrics);
    assert_string_equal(metrics_value(metrics, "time_above_slo"), above);
    assert_string_equal(metrics_value(metrics, "overload_episodes"), episodes);
    assert_string_equal(metrics_value(metrics, "time_to_recover"), recover);
    assert_string_equal(metrics_value(metrics, "recovered"), recovered);
    free(metrics);
}

static void whoever_gets_what_was_promised_is_never_above(void **state)
{
    (void)state;
    struct overload overload;
    overload_init(&overload, INTERVAL_NS, 900000000);
    leave(&overload, 0, 10, 9);
    leave(&overload, 3, 11, 10);
    assert_metrics(&overload, 5, "0.000000000", "0", "0.000000000", "yes");
}

static void an_episode_ends_with_three_good_intervals_in_a_row(void **state)
{
    (void)state;
    struct overload overload;
    overload_init(&overload, INTERVAL_NS, 900000000);
    leave(&overload, 0, 3, 3);
    leave(&overload, 1, 10, 8); /* bad */
    leave(&overload, 2, 3, 3);
    leave(&overload, 3, 3, 3);
    leave(&overload, 4, 3, 2); /* bad again: the episode goes on */
    leave(&overload, 5, 3, 3);
    leave(&overload, 6, 3, 3);
    leave(&overload, 7, 3, 3);
    leave(&overload, 8, 3, 3);
    /* from 1 to 5 */
    assert_metrics(&overload, 9, "2.000000026", "1", "4.000000052", "yes");
}

static void an_interval_without_anybody_is_like_the_one_before(void **state)
{
    (void)state;
    struct overload overload;
    overload_init(&overload, INTERVAL_NS, 900000000);
    leave(&overload, 2, 5, 0);
    leave(&overload, 5, 5, 5);
    assert_metrics(&overload, 6, "3.000000039", "1", "3.000000039", "yes");
}

static void a_standstill_with_somebody_waiting_is_bad(void **state)
{
    (void)state;
    struct overload overload;
    overload_init(&overload, INTERVAL_NS, 900000000);
    leave(&overload, 0, 5, 5);
    overload_add(&overload, 3 * (int64_t)INTERVAL_NS + 7, 6 * (int64_t)INTERVAL_NS + 7,
                 false);
    /* 3, 4, 5 and 6 */
    assert_metrics(&overload, 7, "4.000000052", "1", "4.000000052", "no");
}

static void those_who_leave_in_one_instant_have_no_order(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct overload overload;
        overload_init(&overload, INTERVAL_NS, 500000000);
        leave(&overload, 0, 5, 5);
        for (int i = 0; i < 2; i++) {
            bool waited = i == first;
            int64_t came_ns = (waited ? 2 : 6) * (int64_t)INTERVAL_NS + 3;
            overload_add(&overload, came_ns, 6 * (int64_t)INTERVAL_NS + 7, !waited);
        }
        /* 2, 3, 4 and 5; half of those who leave in 6 are content, which is enough */
        assert_metrics(&overload, 7, "4.000000052", "1", "4.000000052", "yes");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_gets_what_was_promised_is_never_above),
        cmocka_unit_test(an_episode_ends_with_three_good_intervals_in_a_row),
        cmocka_unit_test(an_interval_without_anybody_is_like_the_one_before),
        cmocka_unit_test(a_standstill_with_somebody_waiting_is_bad),
        cmocka_unit_test(those_who_leave_in_one_instant_have_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
