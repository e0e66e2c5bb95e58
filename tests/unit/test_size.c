/* size: what fleets cost, and the search for the smallest of a line, against an oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/size_candidate.h"
#include "study/size_fleet.h"
#include "study/size_line.h"
#include "study/size_words.h"

/* A candidate whose replicas have so many GPUs, rented in nodes of so many. */
static struct size_candidates one(struct size_candidate *candidate, int64_t gpus,
                                  int64_t unit_gpus, int64_t n_committed)
{
    *candidate = (struct size_candidate){.label = "a", .gpus = gpus, .n_ranks = 1};
    candidate->price = (struct price){
        .gpu_nano = INT64_C(3700000000),
        .committed_nano = INT64_C(2100000000),
        .n_committed = n_committed,
        .gpus = gpus,
        .unit_gpus = unit_gpus,
        .unit_places = unit_gpus / gpus,
    };
    return (struct size_candidates){.list = candidate, .n = 1, .has_prices = true};
}

static void replicas_pay_their_gpus(void **state)
{
    (void)state;
    struct size_candidate candidate;
    struct size_candidates candidates = one(&candidate, 3, 3, 0);
    assert_int_equal(size_candidate_nano(&candidates, 0, 7),
                     7 * 3 * INT64_C(3700000000));
}

static void nodes_are_paid_whole(void **state)
{
    (void)state;
    struct size_candidate candidate;
    struct size_candidates candidates = one(&candidate, 3, 8, 0); /* two in a node */
    assert_int_equal(size_candidate_nano(&candidates, 0, 1), 8 * INT64_C(3700000000));
    assert_int_equal(size_candidate_nano(&candidates, 0, 2), 8 * INT64_C(3700000000));
    assert_int_equal(size_candidate_nano(&candidates, 0, 5),
                     3 * 8 * INT64_C(3700000000));
}

static void committed_replicas_pay_the_reserved_price(void **state)
{
    (void)state;
    struct size_candidate candidate;
    struct size_candidates candidates = one(&candidate, 3, 8, 3);
    /* nodes (c c) (c r): the second is not reserved as a whole, its idle GPUs are not */
    assert_int_equal(size_candidate_nano(&candidates, 0, 4),
                     (3 * 3 + 2) * INT64_C(2100000000) + (3 + 2) * INT64_C(3700000000));
    assert_int_equal(size_candidate_nano(&candidates, 0, 3),
                     (3 * 3 + 2 + 5) * INT64_C(2100000000));
}

static void without_prices_gpus_are_counted(void **state)
{
    (void)state;
    struct size_candidate candidate;
    struct size_candidates candidates = one(&candidate, 3, 8, 0);
    candidates.has_prices = false;
    assert_int_equal(size_candidate_nano(&candidates, 0, 5), INT64_C(15000000000));
}

static void cheaper_fleets_are_better_and_then_smaller_ones(void **state)
{
    (void)state;
    struct size_candidate list[2];
    struct size_candidates candidates = one(&list[0], 3, 3, 0);
    one(&list[1], 1, 1, 0);
    list[1].price.gpu_nano = 3 * INT64_C(3700000000);
    candidates.n = 2;
    struct size_fleet big = {.n_parts = 1, .candidate = {0}, .replicas = {5}};
    struct size_fleet few = {.n_parts = 1, .candidate = {1}, .replicas = {5}};
    struct size_fleet more = {.n_parts = 1, .candidate = {1}, .replicas = {6}};
    assert_true(size_fleet_better(&candidates, &few, &big)); /* as dear */
    assert_true(size_fleet_better(&candidates, &big, &more));
    assert_false(size_fleet_better(&candidates, &big, &big));
}

/* What the fleets of a line do: bit n of `meets`; hopeless below `hopeless`. */
struct oracle {
    uint64_t meets;
    int32_t hopeless;
};

/* Searches a line; the answer, and how many fleets were tried. */
static int32_t search(const struct oracle *oracle, struct size_line line,
                      int32_t at_a_time, int32_t *n_tried)
{
    struct size_book book = {.entries = memory_new(200, sizeof *book.entries)};
    struct size_line_state state;
    struct size_case cases[3];
    for (;;) {
        size_line_look(&line, &book, &state);
        int32_t n = size_line_propose(&line, &book, at_a_time, cases);
        assert_int_equal(n > 0, state.next != 0);
        if (n == 0) {
            break;
        }
        for (int32_t i = 0; i < n; i++) {
            int32_t replicas = cases[i].fleet.replicas[0];
            assert_in_range(replicas, line.least, line.most);
            if (size_book_find(&book, &cases[i]) != NULL) {
                continue; /* proposed twice */
            }
            assert_in_range(book.n, 0, 199);
            struct size_entry *entry = &book.entries[book.n++];
            *entry = (struct size_entry){.what = cases[i]};
            entry->result.verdict.meets = oracle->meets >> replicas & 1;
            entry->hopeless = replicas < oracle->hopeless;
        }
    }
    *n_tried = book.n;
    free(book.entries);
    return state.meets;
}

static struct size_line line_of(int32_t least, int32_t most, int32_t start)
{
    return (struct size_line){.what = {.fleet = {.n_parts = 1}, .factor = 1},
                              .least = least,
                              .most = most,
                              .start = start};
}

static uint64_t from(int32_t n)
{
    return ~UINT64_C(0) << n;
}

static void the_smallest_that_meets_is_found_from_any_start(void **state)
{
    (void)state;
    for (int32_t start = 1; start <= 60; start++) {
        for (int32_t answer = 1; answer <= 60; answer++) {
            int32_t n_tried;
            struct oracle oracle = {.meets = from(answer), .hopeless = answer - 2};
            for (int32_t width = 1; width <= 3; width++) {
                assert_int_equal(
                    search(&oracle, line_of(1, 60, start), width, &n_tried), answer);
                assert_in_range(n_tried, 1, 25);
            }
        }
    }
}

static void smaller_fleets_that_meet_by_luck_are_found_when_near(void **state)
{
    (void)state;
    int32_t n_tried;
    struct oracle oracle = {.meets = from(17) | 1 << 5};
    assert_int_equal(search(&oracle, line_of(3, 60, 20), 1, &n_tried), 5);
    assert_int_equal(search(&oracle, line_of(1, 60, 20), 1, &n_tried), 5);
}

static void nothing_is_tried_below_what_failed_by_far(void **state)
{
    (void)state;
    int32_t n_tried;
    struct oracle oracle = {.meets = from(17) | 1 << 5, .hopeless = 17};
    assert_int_equal(search(&oracle, line_of(3, 60, 17), 1, &n_tried), 17);
    assert_int_equal(n_tried, 2);
}

static void a_line_of_failures_is_gone_through_to_its_end(void **state)
{
    (void)state;
    int32_t n_tried;
    struct oracle oracle = {.meets = from(50)};
    assert_int_equal(search(&oracle, line_of(4, 13, 6), 1, &n_tried), 0);
    assert_int_equal(n_tried, 10);
}

static void an_empty_line_has_nothing_to_try(void **state)
{
    (void)state;
    int32_t n_tried;
    struct oracle oracle = {.meets = from(1)};
    assert_int_equal(search(&oracle, line_of(7, 6, 7), 1, &n_tried), 0);
    assert_int_equal(n_tried, 0);
}

static void words_are_trimmed_and_must_differ(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct size_words words;
    struct size_words others;
    assert_int_equal(size_words_read(&words, " a10 ,l4,  h100-sxm", &arena), 0);
    assert_int_equal(words.n, 3);
    assert_string_equal(words.list[0], "a10");
    assert_int_equal(size_words_read(&others, "l4", &arena), 0);
    size_words_remove(&words, &others);
    assert_int_equal(words.n, 2);
    assert_string_equal(words.list[1], "h100-sxm");
    assert_int_equal(size_words_read(&words, "", &arena), 0);
    assert_int_equal(words.n, 0);
    assert_int_equal(size_words_read(&words, "a,b,a", &arena), -1);
    assert_int_equal(size_words_read(&words, "a,,b", &arena), -1);
    memory_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_pay_their_gpus),
        cmocka_unit_test(nodes_are_paid_whole),
        cmocka_unit_test(committed_replicas_pay_the_reserved_price),
        cmocka_unit_test(without_prices_gpus_are_counted),
        cmocka_unit_test(cheaper_fleets_are_better_and_then_smaller_ones),
        cmocka_unit_test(the_smallest_that_meets_is_found_from_any_start),
        cmocka_unit_test(smaller_fleets_that_meet_by_luck_are_found_when_near),
        cmocka_unit_test(nothing_is_tried_below_what_failed_by_far),
        cmocka_unit_test(a_line_of_failures_is_gone_through_to_its_end),
        cmocka_unit_test(an_empty_line_has_nothing_to_try),
        cmocka_unit_test(words_are_trimmed_and_must_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
