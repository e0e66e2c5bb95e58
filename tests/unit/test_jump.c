#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/jump.h"

enum { N_KEYS = 30011 };

static void a_bucket_more_moves_keys_to_itself_only(void **state)
{
    (void)state;
    for (int32_t n = 1; n < 60; n++) {
        int64_t n_moved = 0;
        for (uint64_t key = 0; key < N_KEYS; key++) {
            int32_t before = jump_bucket(jump_key(key, 0), n);
            int32_t after = jump_bucket(jump_key(key, 0), n + 1);
            assert_in_range(before, 0, n - 1);
            assert_true(after == before || after == n);
            n_moved += after != before;
        }
        /* one in n + 1, within six standard deviations */
        double share = 1.0 / (n + 1);
        double off = (double)n_moved - N_KEYS * share;
        assert_true(off * off < 36 * N_KEYS * share * (1 - share));
    }
}

static void buckets_get_as_many_keys_as_each_other(void **state)
{
    (void)state;
    enum { N_BUCKETS = 37 };
    int64_t counts[N_BUCKETS] = {0};
    for (uint64_t key = 0; key < N_KEYS; key++) {
        counts[jump_bucket(jump_key(key * 4099, 0), N_BUCKETS)]++;
    }
    double chi = 0;
    for (int i = 0; i < N_BUCKETS; i++) {
        double expected = (double)N_KEYS / N_BUCKETS;
        chi +=
            ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    assert_true(chi < 73.0); /* 36 degrees of freedom: 99.97 % of all such sums */
}

static void attempts_of_a_key_are_keys_of_their_own(void **state)
{
    (void)state;
    int64_t n_same = 0;
    for (uint64_t key = 1; key <= N_KEYS; key++) {
        n_same +=
            jump_bucket(jump_key(key, 0), 11) == jump_bucket(jump_key(key, 1), 11);
    }
    assert_in_range(n_same, N_KEYS / 11 - 350, N_KEYS / 11 + 350);
}

static void texts_have_the_published_fnv_hashes(void **state)
{
    (void)state;
    assert_true(jump_text("", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(jump_text("foobar", 6) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_more_moves_keys_to_itself_only),
        cmocka_unit_test(buckets_get_as_many_keys_as_each_other),
        cmocka_unit_test(attempts_of_a_key_are_keys_of_their_own),
        cmocka_unit_test(texts_have_the_published_fnv_hashes),
    };
    return cmocka_run_group_tests_name("jump", tests, NULL, NULL);
}
