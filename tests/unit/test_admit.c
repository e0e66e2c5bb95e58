#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/admit.h"

static enum request_reason check(struct admit *admit, int64_t prompt_tokens,
                                 int64_t priority, int64_t n_waiting, int64_t now_ns)
{
    struct request request = {.prompt_tokens = prompt_tokens, .priority = priority};
    return admit_check(admit, &request, n_waiting, now_ns);
}

static void nobody_is_turned_away_without_limits(void **state)
{
    (void)state;
    struct admit_config config = {.burst = 1, .token_burst = 1};
    struct admit admit;
    admit_init(&admit, &config);
    assert_int_equal(check(&admit, 4099, 7, 1000000, 0), REASON_NONE);
    admit_init(&admit, NULL);
    assert_int_equal(check(&admit, 4099, 7, 1000000, 0), REASON_NONE);
}

static void a_bucket_of_requests_fills_to_the_nanosecond(void **state)
{
    (void)state;
    /* 0.3 a second: the next one after 3.333333334 s */
    struct admit_config config = {.rate_nano = 300000000, .burst = 2, .token_burst = 1};
    struct admit admit;
    admit_init(&admit, &config);
    assert_int_equal(check(&admit, 137, 0, 0, 0), REASON_NONE);
    assert_int_equal(check(&admit, 137, 0, 0, 0), REASON_NONE);
    assert_int_equal(check(&admit, 137, 0, 0, 0), REASON_RATE_LIMIT);
    assert_int_equal(check(&admit, 137, 0, 0, 3333333333), REASON_RATE_LIMIT);
    assert_int_equal(check(&admit, 137, 0, 0, 3333333334), REASON_NONE);
    assert_int_equal(check(&admit, 137, 0, 0, 3333333335), REASON_RATE_LIMIT);
}

static void a_bucket_holds_no_more_than_its_burst(void **state)
{
    (void)state;
    struct admit_config config = {
        .rate_nano = 7000000000, .burst = 3, .token_burst = 1};
    struct admit admit;
    admit_init(&admit, &config);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(check(&admit, 137, 0, 0, 4099000000000), REASON_NONE);
    }
    assert_int_equal(check(&admit, 137, 0, 0, 4099000000000), REASON_RATE_LIMIT);
}

static void a_prompt_longer_than_the_bucket_passes_when_that_is_full(void **state)
{
    (void)state;
    struct admit_config config = {.tokens_per_s = 1000, .token_burst = 500, .burst = 1};
    struct admit admit;
    admit_init(&admit, &config);
    assert_int_equal(check(&admit, 4099, 0, 0, 0), REASON_NONE);
    assert_int_equal(check(&admit, 1, 0, 0, 0), REASON_TOKEN_LIMIT);
    assert_int_equal(check(&admit, 13, 0, 0, 13000000), REASON_NONE);
    assert_int_equal(check(&admit, 4099, 0, 0, 500000000), REASON_TOKEN_LIMIT);
    assert_int_equal(check(&admit, 4099, 0, 0, 513000000), REASON_NONE);
}

static void who_is_shed_takes_nothing_from_the_buckets(void **state)
{
    (void)state;
    struct admit_config config = {.rate_nano = 1,
                                  .burst = 1,
                                  .tokens_per_s = 1,
                                  .token_burst = 137,
                                  .max_queue = 13,
                                  .low_priority = 1,
                                  .low_share_nano = 1000000000};
    struct admit admit;
    admit_init(&admit, &config);
    assert_int_equal(check(&admit, 137, 0, 13, 0), REASON_QUEUE_FULL);
    assert_int_equal(check(&admit, 137, 0, 12, 0), REASON_NONE);
    assert_int_equal(check(&admit, 137, 0, 12, 0), REASON_RATE_LIMIT);
}

static void low_priority_is_shed_from_its_share_of_the_queue_on(void **state)
{
    (void)state;
    struct admit_config config = {.max_queue = 13,
                                  .low_priority = 2,
                                  .low_share_nano = 300000000, /* of 13: 3.9 */
                                  .burst = 1,
                                  .token_burst = 1};
    struct admit admit;
    admit_init(&admit, &config);
    assert_int_equal(check(&admit, 137, 2, 3, 0), REASON_NONE);
    assert_int_equal(check(&admit, 137, 2, 4, 0), REASON_PRIORITY);
    assert_int_equal(check(&admit, 137, 1, 12, 0), REASON_NONE);
    assert_int_equal(check(&admit, 137, 1, 13, 0), REASON_QUEUE_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_turned_away_without_limits),
        cmocka_unit_test(a_bucket_of_requests_fills_to_the_nanosecond),
        cmocka_unit_test(a_bucket_holds_no_more_than_its_burst),
        cmocka_unit_test(a_prompt_longer_than_the_bucket_passes_when_that_is_full),
        cmocka_unit_test(who_is_shed_takes_nothing_from_the_buckets),
        cmocka_unit_test(low_priority_is_shed_from_its_share_of_the_queue_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
