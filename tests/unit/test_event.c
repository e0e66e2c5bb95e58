#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/event.h"

enum { N_REPLICAS = 137 };

/* What the heap should hold: when each replica's step ends, -1 for none. */
struct plain {
    int64_t at_ns[N_REPLICAS];
    int32_t n;
};

static struct event plain_pop(struct plain *plain)
{
    struct event first = {.at_ns = INT64_MAX, .replica = -1};
    for (int32_t i = 0; i < N_REPLICAS; i++) {
        if (plain->at_ns[i] >= 0 && plain->at_ns[i] < first.at_ns) {
            first = (struct event){.at_ns = plain->at_ns[i], .replica = i};
        }
    }
    plain->at_ns[first.replica] = -1;
    plain->n--;
    return first;
}

static void assert_pops_alike(struct event_heap *heap, struct plain *plain)
{
    struct event expected = plain_pop(plain);
    struct event event = event_heap_pop(heap);
    assert_int_equal(event.at_ns, expected.at_ns);
    assert_int_equal(event.replica, expected.replica);
}

static void events_come_out_by_time_and_then_by_replica(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4099, "events");
    struct event_heap heap;
    struct plain plain = {.n = 0};
    event_heap_init(&heap, N_REPLICAS);
    for (int32_t i = 0; i < N_REPLICAS; i++) {
        plain.at_ns[i] = -1;
    }
    for (int step = 0; step < 60000; step++) {
        int32_t replica = (int32_t)rng_below(&rng, N_REPLICAS);
        int64_t kind = rng_below(&rng, 5);
        if (kind < 2) { /* few different times: ties are the rule */
            int64_t at_ns = rng_below(&rng, 3) == 0 ? (int64_t)rng_bits(&rng) << 31
                                                    : rng_below(&rng, 29);
            plain.n += plain.at_ns[replica] < 0;
            plain.at_ns[replica] = at_ns;
            event_heap_set(&heap, replica, at_ns);
        } else if (kind == 2) {
            plain.n -= plain.at_ns[replica] >= 0;
            plain.at_ns[replica] = -1;
            event_heap_remove(&heap, replica);
        } else if (plain.n > 0) {
            assert_pops_alike(&heap, &plain);
        }
        assert_int_equal(heap.n, plain.n);
    }
    while (plain.n > 0) {
        assert_pops_alike(&heap, &plain);
    }
    assert_int_equal(heap.n, 0);
    event_heap_free(&heap);
    rng_free(&rng);
}

static void setting_again_moves_a_step_earlier_or_later(void **state)
{
    (void)state;
    struct event_heap heap;
    event_heap_init(&heap, 5);
    event_heap_set(&heap, 3, 4099);
    event_heap_set(&heap, 1, 4099);
    event_heap_set(&heap, 4, 137);
    event_heap_set(&heap, 4, 5001);
    event_heap_set(&heap, 3, 13);
    assert_int_equal(heap.n, 3);
    assert_int_equal(event_heap_pop(&heap).replica, 3);
    assert_int_equal(event_heap_pop(&heap).replica, 1);
    struct event last = event_heap_pop(&heap);
    assert_int_equal(last.replica, 4);
    assert_int_equal(last.at_ns, 5001);
    event_heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_by_time_and_then_by_replica),
        cmocka_unit_test(setting_again_moves_a_step_earlier_or_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
