#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "input/sessions.h"

#include <stdbool.h>

static void assert_turn(struct sessions *sessions, int64_t at, int64_t prompt,
                        int64_t output, int64_t session, int64_t continued)
{
    int64_t tokens;
    assert_int_equal(sessions_add(sessions, at, prompt, output, &tokens), session);
    assert_int_equal(tokens, continued);
}

static void a_request_continues_the_longest_that_fits(void **state)
{
    (void)state;
    struct sessions sessions = {0};
    assert_turn(&sessions, 0, 13, 7, 0, 0);
    assert_turn(&sessions, 1, 20, 17, 1, 0); /* 20 are no more than 13 + 7 */
    assert_turn(&sessions, 2, 37, 1, 0, 20); /* nor 37 more than 20 + 17 */
    assert_turn(&sessions, 3, 4099, 1, 0, 38);
    assert_turn(&sessions, 4, 4099, 1, 1, 37); /* nobody continues 4100 */
    assert_turn(&sessions, 5, 4099, 1, 2, 0);
    assert_int_equal(sessions.n_sessions, 3);
    sessions_free(&sessions);
}

static void requests_of_one_instant_do_not_continue_each_other(void **state)
{
    (void)state;
    struct sessions sessions = {0};
    assert_turn(&sessions, 4099, 13, 7, 0, 0);
    assert_turn(&sessions, 4099, 37, 7, 1, 0);
    assert_turn(&sessions, 4100, 37, 7, 0, 20);
    sessions_free(&sessions);
}

static void of_equals_the_latest_is_continued(void **state)
{
    (void)state;
    struct sessions sessions = {0};
    assert_turn(&sessions, 0, 13, 7, 0, 0);
    assert_turn(&sessions, 1, 14, 6, 1, 0);
    assert_turn(&sessions, 2, 12, 8, 2, 0);
    assert_turn(&sessions, 3, 21, 1, 2, 20);
    assert_turn(&sessions, 3, 21, 1, 1, 20);
    sessions_free(&sessions);
}

enum { MOST_TURNS = 7 };

struct turn {
    int64_t at, prompt, output;
};

/* The most tokens that any pairing gives, from the j-th turn on; `used` are continued
 * already.  It tries all, hence the recursion. */
static int64_t most_tokens(const struct turn *turns, int n, int j, unsigned used)
{
    if (j == n) {
        return 0;
    }
    int64_t most = most_tokens(turns, n, j + 1, used);
    for (int i = 0; i < j; i++) {
        int64_t tokens = turns[i].prompt + turns[i].output;
        if ((used >> i & 1) == 0 && turns[i].at < turns[j].at &&
            tokens < turns[j].prompt) {
            int64_t sum = tokens + most_tokens(turns, n, j + 1, used | 1u << i);
            most = sum > most ? sum : most;
        }
    }
    return most;
}

static void no_other_pairing_shares_more(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 7, "turns");
    for (int i = 0; i < 2000; i++) {
        struct turn turns[MOST_TURNS];
        struct sessions sessions = {0};
        int64_t sum = 0;
        int64_t at = 0;
        for (int j = 0; j < MOST_TURNS; j++) {
            at += rng_below(&rng, 2);
            turns[j] =
                (struct turn){at, 1 + rng_below(&rng, 37), 1 + rng_below(&rng, 13)};
            int64_t tokens;
            sessions_add(&sessions, at, turns[j].prompt, turns[j].output, &tokens);
            sum += tokens;
        }
        assert_int_equal(sum, most_tokens(turns, MOST_TURNS, 0, 0));
        sessions_free(&sessions);
    }
    rng_free(&rng);
}

/* As many as a plain search finds, where the tree is deep. */
static void a_long_log_agrees_with_a_plain_search(void **state)
{
    (void)state;
    enum { N = 4099 };
    static struct turn turns[N];
    static bool used[N];
    struct rng rng;
    rng_init(&rng, 13, "turns");
    struct sessions sessions = {0};
    for (int j = 0; j < N; j++) {
        turns[j] =
            (struct turn){j / 3, 1 + rng_below(&rng, 4099), 1 + rng_below(&rng, 137)};
        int64_t expected = 0;
        int best = -1;
        for (int i = 0; i < j; i++) {
            int64_t tokens = turns[i].prompt + turns[i].output;
            if (!used[i] && turns[i].at < turns[j].at && tokens < turns[j].prompt &&
                tokens >= expected) {
                expected = tokens;
                best = i;
            }
        }
        if (best >= 0) {
            used[best] = true;
        }
        int64_t tokens;
        sessions_add(&sessions, turns[j].at, turns[j].prompt, turns[j].output, &tokens);
        assert_int_equal(tokens, expected);
    }
    sessions_free(&sessions);
    rng_free(&rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_continues_the_longest_that_fits),
        cmocka_unit_test(requests_of_one_instant_do_not_continue_each_other),
        cmocka_unit_test(of_equals_the_latest_is_continued),
        cmocka_unit_test(no_other_pairing_shares_more),
        cmocka_unit_test(a_long_log_agrees_with_a_plain_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
