#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "config_world.h"
#include "engine/fail_config.h"
#include "engine/resend.h"

#define BREAKS "[fail]\nevents = breaks.csv\n"
#define POOLED \
    TRACE_ONLY "[pool.main]\ncost = linear\nnum_gpu_blocks = 137\nreplicas = 19\n"

static const int64_t second = 1000000000;

static void events_come_in_order_of_time_and_of_the_file(void **state)
{
    (void)state;
    static const char text[] = "time_s,kind,replica,node,duration_s,notice_s,factor\n"
                               "13.7,fail,7,,4.099,,\n"
                               "0.0137,reclaim,18,,,30,\r\n"
                               "\n"
                               "13.7,fail,3,,,,\n"
                               "2,slow,,1,5,,2.5\n";
    write_file("breaks.csv", text, strlen(text));
    struct config_world world;
    config_world_must(&world, POOLED BREAKS "notice = 17\nspot_replace_s = 91\n", NULL);
    const struct fail_events *failures = &world.config.failures;
    assert_int_equal(failures->n, 4);
    const struct fail_event *event = failures->events;
    assert_int_equal(event->at_ns, 13700000);
    assert_int_equal(event->kind, FAIL_RECLAIM);
    assert_int_equal(event->first, 18);
    assert_int_equal(event->end, 19);
    assert_int_equal(event->notice_ns, 30 * second);
    assert_int_equal(event->duration_ns, 91 * second);
    event++;
    assert_int_equal(event->kind, FAIL_SLOW);
    assert_int_equal(event->first, 8); /* a node has 8 GPUs where nobody says */
    assert_int_equal(event->end, 16);
    assert_int_equal(event->duration_ns, 5 * second);
    assert_int_equal(event->factor_nano, 2500000000);
    event++;
    assert_int_equal(event->first, 7);
    assert_int_equal(event->duration_ns, 4099000000);
    event++;
    assert_int_equal(event->at_ns, 13700000000);
    assert_int_equal(event->first, 3);
    assert_int_equal(event->duration_ns, FAIL_FOR_EVER);
    config_world_free(&world);
    unlink("breaks.csv");
}

static void nodes_hold_replicas_in_order(void **state)
{
    (void)state;
    struct pool_config pool = {.layout = {.tp = 3, .pp = 1, .dp = 1},
                               .accelerator = {.gpus_per_node = 8}};
    int32_t first;
    int32_t end;
    assert_true(
        fail_config_node(&pool, 5, 1, &first, &end)); /* two of three GPUs fit */
    assert_int_equal(first, 2);
    assert_int_equal(end, 4);
    assert_true(fail_config_node(&pool, 5, 2, &first, &end));
    assert_int_equal(first, 4);
    assert_int_equal(end, 5);
    assert_false(fail_config_node(&pool, 5, 3, &first, &end));
    pool.layout.pp = 7; /* 21 GPUs take three nodes of their own */
    assert_true(fail_config_node(&pool, 5, 14, &first, &end));
    assert_int_equal(first, 4);
    assert_int_equal(end, 5);
    assert_true(fail_config_node(&pool, 5, 3, &first, &end));
    assert_int_equal(first, 1);
    assert_false(fail_config_node(&pool, 5, 15, &first, &end));
}

static void nodes_hold_whole_replicas_of_ranks(void **state)
{
    (void)state;
    struct pool_config pool = {.layout = {.tp = 1, .pp = 1, .dp = 3, .lockstep = 1},
                               .accelerator = {.gpus_per_node = 8}};
    int32_t first;
    int32_t end;
    assert_true(fail_config_node(&pool, 5, 1, &first, &end)); /* two of three ranks */
    assert_int_equal(first, 2);
    assert_int_equal(end, 4);
    assert_true(fail_config_node(&pool, 5, 2, &first, &end));
    assert_int_equal(first, 4);
    assert_int_equal(end, 5);
    pool.layout.tp = 7; /* 21 GPUs take three nodes of their own, no rank two of them */
    assert_true(fail_config_node(&pool, 5, 14, &first, &end));
    assert_int_equal(first, 4);
    assert_int_equal(end, 5);
    assert_false(fail_config_node(&pool, 5, 15, &first, &end));
}

static void events_are_of_whole_replicas(void **state)
{
    (void)state;
    static const char text[] = "time_s,kind,replica,node\n13.7,fail,18,\n17,fail,,6\n";
    static const char beyond[] = "time_s,kind,replica\n13.7,fail,19\n";
    write_file("breaks.csv", text, strlen(text));
    struct config_world world;
    config_world_must(
        &world, POOLED "data_parallel = 3\ndata_parallel_mode = lockstep\n" BREAKS,
        NULL);
    const struct fail_event *event = world.config.failures.events;
    assert_int_equal(event[0].first, 18);
    assert_int_equal(event[0].end, 19);
    assert_int_equal(event[1].first, 12); /* two of three ranks in each node */
    assert_int_equal(event[1].end, 14);
    config_world_free(&world);
    write_file("breaks.csv", beyond, strlen(beyond));
    assert_config_refused(
        POOLED "data_parallel = 3\ndata_parallel_mode = lockstep\n" BREAKS, NULL,
        "breaks.csv:2: replica: '19' is not there: [pool.main] has 19 replicas, "
        "counted "
        "from 0 as nodes are");
    unlink("breaks.csv");
}

static void waits_grow_by_the_factor_and_stop_somewhere(void **state)
{
    (void)state;
    const int64_t first_ns = 1370000001;
    const int64_t factor = 2500000000;
    assert_int_equal(resend_wait_ns(first_ns, factor, 1), first_ns);
    assert_int_equal(resend_wait_ns(first_ns, factor, 2), 3425000003);
    assert_int_equal(resend_wait_ns(first_ns, factor, 3), 8562500008);
    assert_int_equal(resend_wait_ns(first_ns, factor, 1000000),
                     INT64_C(1000000000000000000));
    assert_int_equal(resend_wait_ns(first_ns, second, 1000000), first_ns);
    assert_int_equal(resend_wait_ns(0, factor, 1000000), 0);
}

static void slow_replicas_are_a_share_and_spread(void **state)
{
    (void)state;
    struct pool_config pool = {.slow_share_nano = 130000000};
    int64_t n = 0;
    int64_t apart = 0;
    for (int64_t i = 0; i < 4100; i++) {
        bool is_slow = fail_config_is_slow(&pool, i);
        n += is_slow;
        assert_int_equal(n, (130 * (i + 1) + 500) / 1000);
        assert_true(!is_slow || i < 7 || apart >= 7); /* one in 7.7 */
        apart = is_slow ? 1 : apart + 1;
    }
    pool.slow_share_nano = second;
    assert_true(fail_config_is_slow(&pool, 0) && fail_config_is_slow(&pool, 4099));
    pool.slow_share_nano = 0;
    assert_false(fail_config_is_slow(&pool, 0) || fail_config_is_slow(&pool, 4099));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_of_time_and_of_the_file),
        cmocka_unit_test(nodes_hold_replicas_in_order),
        cmocka_unit_test(nodes_hold_whole_replicas_of_ranks),
        cmocka_unit_test(events_are_of_whole_replicas),
        cmocka_unit_test(waits_grow_by_the_factor_and_stop_somewhere),
        cmocka_unit_test(slow_replicas_are_a_share_and_spread),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
