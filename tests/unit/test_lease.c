#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "output/lease.h"

/* Three GPUs a replica on nodes of eight: two replicas on each, two GPUs left over. */
static const struct price by_node = {
    .gpu_nano = 17, .committed_nano = 5, .gpus = 3, .unit_gpus = 8, .unit_places = 2};
static const struct price by_gpu = {
    .gpu_nano = 17, .committed_nano = 5, .gpus = 3, .unit_gpus = 3, .unit_places = 1};

/* Stretches of 300, 400 ... ns. */
static struct price rounded(struct price price)
{
    price.terms = (struct price_terms){.increment_ns = 100, .minimum_ns = 250};
    return price;
}

static void a_node_is_on_while_any_replica_on_it_is(void **state)
{
    (void)state;
    struct lease lease;
    lease_init(&lease, &by_node, 5);
    lease_set(&lease, 0, true, 0);
    lease_set(&lease, 1, true, 41); /* the same node */
    lease_set(&lease, 0, false, 137);
    lease_set(&lease, 1, false, 200);
    lease_set(&lease, 4, true, 990); /* the third node, to the end */
    lease_close(&lease, 1000);
    assert_int_equal(lease.places[0].held_ns, 137);
    assert_int_equal(lease.places[1].held_ns, 159);
    assert_int_equal(lease.units[0].on_ns, 200);
    assert_int_equal(lease.units[1].on_ns, 0);
    assert_int_equal(lease.units[2].on_ns, 10);
    struct lease_extra extra = lease_extra(&lease);
    int64_t unused = 200 * 8 - (137 + 159) * 3 + 10 * 8 - 10 * 3;
    assert_true(extra.unused_gpu_ns == unused);
    assert_true(extra.unused_usd_ns == unused * 17);
    assert_true(extra.excess_gpu_ns == 0);
    lease_free(&lease);
}

static void every_stretch_is_rounded_up_on_its_own(void **state)
{
    (void)state;
    struct lease lease;
    struct price price = rounded(by_gpu);
    lease_init(&lease, &price, 2);
    lease_set(&lease, 0, true, 0);
    lease_set(&lease, 0, true, 7); /* it is already */
    lease_set(&lease, 0, false, 137);
    lease_set(&lease, 0, true, 200);
    lease_set(&lease, 0, false, 200); /* no time at all */
    lease_set(&lease, 0, true, 300);
    lease_close(&lease, 613);
    assert_int_equal(lease.units[0].on_ns, 137 + 313);
    assert_int_equal(lease.units[0].excess_ns, 300 - 137 + 400 - 313);
    struct lease_extra extra = lease_extra(&lease);
    assert_true(extra.unused_gpu_ns == 0);
    assert_true(extra.excess_gpu_ns == (300 - 137 + 400 - 313) * 3);
    assert_true(extra.excess_usd_ns == extra.excess_gpu_ns * 17);
    lease_free(&lease);
}

static void a_node_is_rounded_up_once_for_all_on_it(void **state)
{
    (void)state;
    struct lease lease;
    struct price price = rounded(by_node);
    lease_init(&lease, &price, 2);
    lease_set(&lease, 0, true, 0);
    lease_set(&lease, 1, true, 100);
    lease_set(&lease, 0, false, 150);
    lease_close(&lease, 301);
    assert_int_equal(lease.units[0].excess_ns, 99);
    assert_true(lease_extra(&lease).excess_gpu_ns == 99 * 8);
    lease_free(&lease);
}

static void what_is_committed_is_not_rounded(void **state)
{
    (void)state;
    struct price price = rounded(by_node);
    struct lease lease;
    price.n_committed = 1; /* one of the two on the first node */
    lease_init(&lease, &price, 4);
    lease_set(&lease, 0, true, 0);
    lease_set(&lease, 2, true, 0);
    lease_close(&lease, 301);
    struct lease_extra extra = lease_extra(&lease);
    assert_int_equal(lease.units[0].excess_ns, 0);
    assert_int_equal(lease.units[1].excess_ns, 99);
    /* what is left of a node that is committed in part is not */
    assert_true(extra.unused_usd_ns == 2 * 301 * (8 - 3) * 17);
    price.n_committed = 2;
    assert_true(lease_extra(&lease).unused_usd_ns == 301 * (8 - 3) * (17 + 5));
    lease_free(&lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_on_while_any_replica_on_it_is),
        cmocka_unit_test(every_stretch_is_rounded_up_on_its_own),
        cmocka_unit_test(a_node_is_rounded_up_once_for_all_on_it),
        cmocka_unit_test(what_is_committed_is_not_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
