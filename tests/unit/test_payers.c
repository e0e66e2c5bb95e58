#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "output/payers.h"

static void what_is_spread_sums_to_the_whole(void **state)
{
    (void)state;
    const wide parts[] = {137, 4099, 1, 0, 13, (wide)1 << 70, 77};
    const wide bill = (wide)1000000007 * 1000000009;
    wide whole = 0;
    wide part = 0;
    wide before = 0;
    wide sum = 0;
    size_t n = sizeof parts / sizeof parts[0];
    for (size_t i = 0; i < n; i++) {
        whole += parts[i];
    }
    for (size_t i = 0; i < n; i++) {
        part += parts[i];
        wide now = payers_spread(bill, part, whole);
        assert_true(now >= before);
        sum += now - before;
        before = now;
    }
    assert_true(sum == bill);
    assert_true(payers_spread(4099, 2, 3) == 2732); /* down: the last gets the rest */
    assert_true(payers_spread(4099, 0, 0) == 0);
}

static void add(struct payers *payers, int32_t id, const char *session,
                enum request_status status)
{
    char labels[64];
    struct probe_record record = {.id = id,
                                  .status = status,
                                  .prompt_tokens = 137,
                                  .cached_tokens = 16,
                                  .output_tokens = 41,
                                  .labels = session != NULL ? labels : NULL};
    struct payers_share share = {.pico_usd = 4099, .micro_j = 13, .met = id % 2 == 0};
    snprintf(labels, sizeof labels, "%d\nacme\n%s", (int)id,
             session != NULL ? session : "");
    payers_add_session(payers, &record, &share);
}

static void sessions_are_told_apart_by_their_names(void **state)
{
    (void)state;
    struct payers payers = {0};
    char name[16];
    add(&payers, 7, "b", REQUEST_COMPLETED);
    add(&payers, 3, "bb", REQUEST_COMPLETED);
    add(&payers, 5, "b", REQUEST_TIMED_OUT);
    add(&payers, 1, NULL, REQUEST_COMPLETED);
    for (int i = 0; i < 5000; i++) { /* the table grows */
        snprintf(name, sizeof name, "s%d", i % 2500);
        add(&payers, 100 + i, name, REQUEST_COMPLETED);
    }
    assert_int_equal(payers.n, 2503);
    assert_int_equal(payers_n_named(&payers), 2502);
    assert_int_equal(payers.rows[0].n_requests, 2);
    assert_int_equal(payers.rows[0].n_completed, 1);
    assert_int_equal(payers.rows[0].first, 5);
    assert_int_equal(payers.rows[0].n_met, 0);
    assert_int_equal(payers.rows[3].n_completed, 2);
    assert_true(payers.rows[3].pico_usd == 8198);
    assert_true(payers_named_pico_usd(&payers, 5003 * 7) == 5002 * 7);
    payers_free(&payers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_spread_sums_to_the_whole),
        cmocka_unit_test(sessions_are_told_apart_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
