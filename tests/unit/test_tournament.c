#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/tournament.h"

enum { N = 137 };

/* The first of those with the least key, looked for. */
static int32_t plain_first(const int64_t *keys, int32_t n)
{
    int32_t first = -1;
    for (int32_t i = 0; i < n; i++) {
        if (keys[i] != TOURNAMENT_NONE && (first < 0 || keys[i] < keys[first])) {
            first = i;
        }
    }
    return first;
}

static void the_winner_is_the_one_that_a_search_finds(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "tournament");
    for (int32_t n = 1; n <= N; n += 17) { /* 1, 18, ... 137: no power of two but 1 */
        struct tournament tournament;
        int64_t keys[N];
        tournament_init(&tournament, n);
        for (int32_t i = 0; i < n; i++) {
            keys[i] = TOURNAMENT_NONE;
        }
        for (int step = 0; step < 6000; step++) {
            int32_t i = (int32_t)rng_below(&rng, n);
            if (rng_below(&rng, 3) == 0) {
                keys[i] = TOURNAMENT_NONE;
                tournament_remove(&tournament, i);
            } else { /* few different keys: ties are the rule; some are negative */
                keys[i] = rng_below(&rng, 7) - 3;
                tournament_set(&tournament, i, keys[i]);
            }
            int32_t first = plain_first(keys, n);
            assert_int_equal(tournament_first(&tournament), first);
            assert_int_equal(tournament_key(&tournament, i), keys[i]);
            assert_int_equal(tournament_least(&tournament),
                             first < 0 ? TOURNAMENT_NONE : keys[first]);
        }
        tournament_free(&tournament);
    }
    rng_free(&rng);
}

static void nobody_wins_where_nobody_takes_part(void **state)
{
    (void)state;
    struct tournament tournament;
    tournament_init(&tournament, 3);
    assert_int_equal(tournament_first(&tournament), -1);
    tournament_set(&tournament, 2, 4099);
    tournament_set(&tournament, 1, 4099);
    assert_int_equal(tournament_first(&tournament), 1);
    tournament_remove(&tournament, 1);
    assert_int_equal(tournament_first(&tournament), 2);
    tournament_remove(&tournament, 2);
    assert_int_equal(tournament_first(&tournament), -1);
    tournament_free(&tournament);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_winner_is_the_one_that_a_search_finds),
        cmocka_unit_test(nobody_wins_where_nobody_takes_part),
    };
    return cmocka_run_group_tests_name("tournament", tests, NULL, NULL);
}
