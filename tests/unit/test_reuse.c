#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "study/reuse.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16, MOST_BLOCKS = 13 };

static void add(struct reuse *reuse, const uint64_t *ids, int64_t n, int64_t tokens)
{
    reuse_add(reuse, &(struct reuse_prompt){.blocks = ids,
                                            .n_blocks = n,
                                            .block_tokens = BLOCK,
                                            .prompt_tokens = tokens,
                                            .most_hits = n});
}

static void assert_within(const struct reuse *reuse, int64_t cache_blocks,
                          int64_t hit_blocks, int64_t hit_tokens)
{
    int64_t n_blocks;
    int64_t n_tokens;
    reuse_within(reuse, cache_blocks, &n_blocks, &n_tokens);
    assert_int_equal(n_blocks, hit_blocks);
    assert_int_equal(n_tokens, hit_tokens);
}

static void a_prompt_finds_its_beginning_and_the_end_is_forgotten_first(void **state)
{
    (void)state;
    struct reuse reuse = {0};
    static const uint64_t one[] = {7, 4099, 13};
    static const uint64_t other[] = {7, 4099, 14, 15};
    add(&reuse, one, 3, 2 * BLOCK + 5);
    add(&reuse, other, 4, 4 * BLOCK); /* 7 was touched last, 4099 before it */
    assert_int_equal(reuse.hit_blocks, 2);
    assert_int_equal(reuse.hit_tokens, 2 * BLOCK);
    assert_within(&reuse, 1, 1, BLOCK);
    assert_within(&reuse, 2, 2, 2 * BLOCK);
    add(&reuse, one, 3, 2 * BLOCK + 5); /* 13 is behind 7, 4099, 14 and 15 */
    assert_within(&reuse, 4, 4, 4 * BLOCK);
    assert_within(&reuse, 5, 5, 4 * BLOCK + 5);
    assert_int_equal(reuse.n_unique, 5);
    assert_int_equal(reuse.n_blocks, 10);
    assert_int_equal(reuse.n_requests, 3);
    reuse_free(&reuse);
}

static void what_stands_behind_a_miss_is_none(void **state)
{
    (void)state;
    struct reuse reuse = {0};
    static const uint64_t one[] = {7, 4099, 13};
    static const uint64_t other[] = {8, 4099, 13};
    add(&reuse, one, 3, 3 * BLOCK);
    add(&reuse, other, 3, 3 * BLOCK);
    assert_int_equal(reuse.hit_blocks, 0);
    reuse_free(&reuse);
}

static void no_more_is_looked_for_than_is_asked(void **state)
{
    (void)state;
    struct reuse reuse = {0};
    static const uint64_t ids[] = {7, 4099, 13};
    struct reuse_prompt prompt = {.blocks = ids,
                                  .n_blocks = 3,
                                  .block_tokens = BLOCK,
                                  .prompt_tokens = 3 * BLOCK,
                                  .most_hits = 2};
    reuse_add(&reuse, &prompt);
    reuse_add(&reuse, &prompt);
    assert_int_equal(reuse.hit_blocks, 2);
    reuse_free(&reuse);
}

/* A cache as a list, the block touched last in front. */
struct list {
    uint64_t ids[8192];
    int64_t n;
};

static int64_t find(const struct list *list, uint64_t id, int64_t most)
{
    for (int64_t i = 0; i < list->n && i < most; i++) {
        if (list->ids[i] == id) {
            return i;
        }
    }
    return -1;
}

static void touch(struct list *list, uint64_t id)
{
    int64_t at = find(list, id, list->n);
    at = at < 0 ? list->n++ : at;
    memmove(list->ids + 1, list->ids, (size_t)at * sizeof *list->ids);
    list->ids[0] = id;
}

/* Prompts of random texts that share beginnings: enough blocks that tables grow, and
 * touches that positions run out again and again. */
static void every_size_of_cache_agrees_with_a_list(void **state)
{
    (void)state;
    enum { N_SIZES = 6, N_PROMPTS = 4099 };
    static const int64_t sizes[N_SIZES] = {1, 2, 13, 137, 1031, 8192};
    struct rng rng;
    rng_init(&rng, 7, "prompts");
    struct list *list = memory_new(1, sizeof *list);
    struct reuse reuse = {0};
    int64_t expected[N_SIZES] = {0};
    for (int i = 0; i < N_PROMPTS; i++) {
        uint64_t ids[MOST_BLOCKS];
        int64_t n = 1 + rng_below(&rng, MOST_BLOCKS);
        uint64_t id = (uint64_t)rng_below(&rng, 7);
        for (int64_t j = 0; j < n; j++) {
            ids[j] = id;
            id = id * 4 + 7 + (uint64_t)rng_below(&rng, j < 4 ? 3 : 1);
        }
        for (int k = 0; k < N_SIZES; k++) {
            for (int64_t j = 0; j < n && find(list, ids[j], sizes[k]) >= 0; j++) {
                expected[k]++;
            }
        }
        for (int64_t j = n; j-- > 0;) {
            touch(list, ids[j]);
        }
        add(&reuse, ids, n, n * BLOCK);
    }
    assert_int_equal(reuse.n_unique, list->n);
    assert_true(list->n > 2048 && list->n <= 8192);
    for (int k = 0; k < N_SIZES; k++) {
        assert_within(&reuse, sizes[k], expected[k], expected[k] * BLOCK);
    }
    assert_int_equal(reuse.hit_blocks, expected[N_SIZES - 1]);
    free(list);
    reuse_free(&reuse);
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_finds_its_beginning_and_the_end_is_forgotten_first),
        cmocka_unit_test(what_stands_behind_a_miss_is_none),
        cmocka_unit_test(no_more_is_looked_for_than_is_asked),
        cmocka_unit_test(every_size_of_cache_agrees_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
