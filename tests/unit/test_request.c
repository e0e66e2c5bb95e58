#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "engine/request.h"

#include <string.h>

enum { N_REQUESTS = 41 };

/* The ids that a list holds, forwards and backwards. */
static void assert_list(const struct request_list *list, const int32_t *ids, int64_t n)
{
    assert_int_equal(list->n, n);
    const struct request *at = list->first;
    for (int64_t i = 0; i < n; i++, at = at->next) {
        assert_non_null(at);
        assert_int_equal(at->id, ids[i]);
    }
    assert_null(at);
    at = list->last;
    for (int64_t i = n - 1; i >= 0; i--, at = at->before) {
        assert_int_equal(at->id, ids[i]);
    }
    assert_null(at);
}

static int64_t place_of(const int32_t *ids, int64_t n, int32_t id)
{
    for (int64_t i = 0; i < n; i++) {
        if (ids[i] == id) {
            return i;
        }
    }
    return -1;
}

static void a_list_keeps_the_order_in_which_it_was_made(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 137, "lists");
    struct request requests[N_REQUESTS] = {0};
    struct request_list list = {0};
    int32_t ids[N_REQUESTS];
    int64_t n = 0;
    for (int step = 0; step < 5000; step++) {
        int32_t id = (int32_t)rng_below(&rng, N_REQUESTS);
        requests[id].id = id;
        int64_t at = place_of(ids, n, id);
        if (at >= 0) {
            request_list_remove(&list, &requests[id]);
            memmove(&ids[at], &ids[at + 1], (size_t)(n - at - 1) * sizeof *ids);
            n--;
        } else if (rng_below(&rng, 2) == 0) {
            request_list_append(&list, &requests[id]);
            ids[n++] = id;
        } else {
            request_list_prepend(&list, &requests[id]);
            memmove(&ids[1], &ids[0], (size_t)n * sizeof *ids);
            ids[0] = id;
            n++;
        }
        assert_list(&list, ids, n);
    }
    rng_free(&rng);
}

static void those_alive_stay_in_order_of_arrival_whoever_leaves(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 13, "alive");
    for (int world = 0; world < 300; world++) {
        struct request requests[N_REQUESTS] = {0};
        struct request_alive alive = {0};
        bool gone[N_REQUESTS] = {false};
        for (int32_t i = 0; i < N_REQUESTS; i++) {
            requests[i].id = i;
            request_alive_append(&alive, &requests[i]);
        }
        for (int i = 0; i < 60; i++) { /* some of them twice: nothing happens then */
            int64_t id = rng_below(&rng, N_REQUESTS);
            request_alive_remove(&alive, &requests[id]);
            gone[id] = true;
        }
        const struct request *at = alive.first;
        const struct request *last = NULL;
        for (int32_t i = 0; i < N_REQUESTS; i++) {
            assert_int_equal(requests[i].is_alive, !gone[i]);
            if (!gone[i]) {
                assert_int_equal(at->id, i);
                assert_ptr_equal(at->before_alive, last);
                last = at;
                at = at->next_alive;
            }
        }
        assert_null(at);
        assert_ptr_equal(alive.last, last);
    }
    rng_free(&rng);
}

static void the_store_gives_zeroed_requests_and_takes_them_back(void **state)
{
    (void)state;
    struct request_store store = {0};
    struct request *requests[1000];
    for (int round = 0; round < 3; round++) {
        for (int32_t i = 0; i < 1000; i++) {
            static const struct request zero;
            requests[i] = request_new(&store);
            assert_memory_equal(requests[i], &zero, sizeof zero);
            requests[i]->id = i;
            requests[i]->labels = memory_copy("a\nb\nc", 5);
            requests[i]->energy_pj = -1;
        }
        for (int32_t i = 0; i < 1000; i++) {
            assert_int_equal(requests[i]->id, i); /* nobody shares */
            request_release(&store, requests[i]);
        }
    }
    struct request *again = request_new(&store);
    assert_ptr_equal(again, requests[999]); /* memory follows those in flight */
    request_release(&store, again);
    request_store_free(&store);
}

static void missing_tokens_are_those_without_kv(void **state)
{
    (void)state;
    struct request request = {
        .prompt_tokens = 4099, .n_emitted = 13, .computed_tokens = 137};
    assert_int_equal(request_missing_tokens(&request), 3975);
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(request_status_name(REQUEST_COMPLETED), "completed");
    assert_string_equal(request_status_name(REQUEST_REJECTED), "rejected");
    assert_string_equal(request_status_name(REQUEST_TIMED_OUT), "timed_out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_keeps_the_order_in_which_it_was_made),
        cmocka_unit_test(those_alive_stay_in_order_of_arrival_whoever_leaves),
        cmocka_unit_test(the_store_gives_zeroed_requests_and_takes_them_back),
        cmocka_unit_test(missing_tokens_are_those_without_kv),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
