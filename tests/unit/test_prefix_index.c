#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/prefix_index.h"

static void a_prompt_goes_with_the_longest_beginning_that_is_known(void **state)
{
    (void)state;
    const uint64_t first[] = {41, 43, 47};
    const uint64_t second[] = {41, 43, 53, 59};
    const uint64_t other[] = {61, 43, 47};
    struct prefix_index index;
    int32_t replica = 4099;
    prefix_index_init(&index, 100);
    assert_int_equal(prefix_index_match(&index, first, 3, &replica), 0);
    assert_int_equal(replica, 4099);
    prefix_index_insert(&index, first, 3, 7);
    assert_int_equal(prefix_index_match(&index, second, 4, &replica), 2);
    assert_int_equal(replica, 7);
    prefix_index_insert(&index, second, 4, 3);
    assert_int_equal(prefix_index_match(&index, first, 3, &replica), 3);
    assert_int_equal(replica, 7); /* its last block is where it was */
    assert_int_equal(prefix_index_match(&index, first, 2, &replica), 2);
    assert_int_equal(replica, 3); /* what both have went to 3 last */
    assert_int_equal(prefix_index_match(&index, other, 3, &replica), 0);
    prefix_index_verify(&index);
    prefix_index_free(&index);
}

static void the_end_of_what_was_not_sent_for_longest_is_forgotten_first(void **state)
{
    (void)state;
    const uint64_t old[] = {1, 2, 3};
    const uint64_t young[] = {4, 5};
    int32_t replica = -1;
    struct prefix_index index;
    prefix_index_init(&index, 4);
    prefix_index_insert(&index, old, 3, 0);
    prefix_index_insert(&index, young, 2, 1); /* one too many */
    assert_int_equal(prefix_index_match(&index, old, 3, &replica), 2);
    prefix_index_insert(&index, old, 1, 0); /* 1 is newer than 4, 5 now, 2 is oldest */
    prefix_index_insert(&index, (const uint64_t[]){6}, 1, 2);
    assert_int_equal(prefix_index_match(&index, old, 3, &replica), 1);
    assert_int_equal(prefix_index_match(&index, young, 2, &replica), 2);
    assert_int_equal(replica, 1);
    prefix_index_insert(&index, (const uint64_t[]){11, 12, 13, 14, 15, 16}, 6, 2);
    assert_int_equal(
        prefix_index_match(&index, (const uint64_t[]){11, 12, 13, 14, 15}, 5, &replica),
        4);
    prefix_index_verify(&index);
    prefix_index_free(&index);
}

/* The same table as an array by time, the newest first. */
enum { MOST = 97, N_HASHES = 300 };

struct plain {
    uint64_t hashes[MOST + 1];
    int32_t replicas[MOST + 1];
    int32_t n;
};

static int32_t plain_find(const struct plain *plain, uint64_t hash)
{
    for (int32_t i = 0; i < plain->n; i++) {
        if (plain->hashes[i] == hash) {
            return i;
        }
    }
    return -1;
}

static void plain_insert(struct plain *plain, uint64_t hash, int32_t replica)
{
    int32_t at = plain_find(plain, hash);
    if (at < 0) {
        at = plain->n < MOST ? plain->n++ : MOST - 1;
    }
    for (; at > 0; at--) {
        plain->hashes[at] = plain->hashes[at - 1];
        plain->replicas[at] = plain->replicas[at - 1];
    }
    plain->hashes[0] = hash;
    plain->replicas[0] = replica;
}

static void it_holds_what_a_plain_list_holds(void **state)
{
    (void)state;
    struct rng rng;
    struct prefix_index index;
    struct plain plain = {.n = 0};
    rng_init(&rng, 137, "prefix_index");
    prefix_index_init(&index, MOST);
    for (int step = 0; step < 4000; step++) {
        uint64_t hashes[20];
        int64_t n = rng_below(&rng, 20);
        uint64_t from = (uint64_t)rng_below(&rng, N_HASHES);
        for (int64_t i = 0; i < n; i++) { /* they share buckets, and beginnings */
            hashes[i] = (from + (uint64_t)i) * 64;
        }
        int32_t replica = -1;
        int64_t n_known = prefix_index_match(&index, hashes, n, &replica);
        for (int64_t i = 0; i < n; i++) {
            int32_t at = plain_find(&plain, hashes[i]);
            assert_true(i >= n_known ? i > n_known || at < 0 : at >= 0);
            if (i == n_known - 1) {
                assert_int_equal(replica, plain.replicas[at]);
            }
        }
        int32_t target = (int32_t)rng_below(&rng, 11);
        prefix_index_insert(&index, hashes, n, target);
        for (int64_t i = n - 1; i >= 0; i--) {
            plain_insert(&plain, hashes[i], target);
        }
        prefix_index_verify(&index);
        assert_int_equal(index.n, plain.n);
    }
    prefix_index_free(&index);
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_goes_with_the_longest_beginning_that_is_known),
        cmocka_unit_test(the_end_of_what_was_not_sent_for_longest_is_forgotten_first),
        cmocka_unit_test(it_holds_what_a_plain_list_holds),
    };
    return cmocka_run_group_tests_name("prefix_index", tests, NULL, NULL);
}
