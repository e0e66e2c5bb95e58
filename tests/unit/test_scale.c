#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/boot.h"
#include "policy/policy.h"

#include <string.h>

static const int64_t second_ns = 1000000000;

static int64_t desired(const char *name, const struct scale_view *view,
                       const struct scale_config *config)
{
    const struct scale_ops *ops = policy_scale(name);
    assert_non_null(ops);
    return ops->desired(view, config);
}

static void every_scaler_has_a_name_of_its_own_and_is_found_by_it(void **state)
{
    (void)state;
    assert_non_null(policy_scale_all[0]);
    for (int i = 0; policy_scale_all[i] != NULL; i++) {
        const struct scale_ops *ops = policy_scale_all[i];
        assert_true(strlen(ops->help) >= 10);
        assert_true(ops->help[strlen(ops->help) - 1] != '.');
        assert_ptr_equal(policy_scale(ops->name), ops);
    }
    assert_null(policy_scale("none"));
    assert_null(policy_scale("queues"));
}

/* 3 ready ones with 20 waiting, 17 running, 230 of 411 blocks used; 2 boot, 4 are held. */
static const struct scale_replica three[] = {
    {.n_waiting = 13, .n_running = 7, .used_blocks = 137, .total_blocks = 137},
    {.n_waiting = 0, .n_running = 9, .used_blocks = 93, .total_blocks = 137},
    {.n_waiting = 7, .n_running = 1, .used_blocks = 0, .total_blocks = 137},
};
static const struct scale_view busy = {
    .ready = three, .n_ready = 3, .n_starting = 2, .n_held = 4};

static void a_queue_wants_the_waiting_and_the_held_over_its_target(void **state)
{
    (void)state;
    struct scale_config config = {.target_nano = 5 * second_ns};
    assert_int_equal(desired("queue", &busy, &config), 5); /* 24 / 5 */
    config.target_nano = 4 * second_ns;
    assert_int_equal(desired("queue", &busy, &config), 6);
    config.target_nano = 4000000001;
    assert_int_equal(desired("queue", &busy, &config), 6);
    config.target_nano = 3999999999;
    assert_int_equal(desired("queue", &busy, &config), 7);
    config.target_nano = 1;
    assert_int_equal(desired("queue", &busy, &config), INT32_MAX);
    struct scale_view quiet = {.ready = &three[1], .n_ready = 1};
    assert_int_equal(desired("queue", &quiet, &config), 0);
}

static void concurrency_counts_those_who_run_too(void **state)
{
    (void)state;
    struct scale_config config = {.target_nano = 4100000000};
    assert_int_equal(desired("concurrency", &busy, &config), 10); /* 41 / 4.1 */
    config.target_nano--;
    assert_int_equal(desired("concurrency", &busy, &config), 11);
}

static void kv_wants_the_used_blocks_over_a_share_of_one_replica(void **state)
{
    (void)state;
    struct scale_config config = {.target_nano = 700000000};
    assert_int_equal(desired("kv", &busy, &config), 3); /* 230 / 95.9 = 2.4 */
    config.target_nano = 400000000;
    assert_int_equal(desired("kv", &busy, &config), 5); /* 230 / 54.8 = 4.2 */
    struct scale_view none = {.n_starting = 7, .n_held = 137};
    assert_int_equal(desired("kv", &none, &config), 7);
}

static void rate_divides_what_came_in_the_window_by_its_length(void **state)
{
    (void)state;
    struct scale_config config = {.target_nano = 500000000};
    struct scale_view view = {.window_ns = 60 * second_ns, .n_sent = 89, .n_held = 1};
    assert_int_equal(desired("rate", &view, &config), 3); /* 1.5 per second */
    view.n_sent++;
    assert_int_equal(desired("rate", &view, &config), 4);
    view.n_sent = 0;
    view.n_held = 0;
    assert_int_equal(desired("rate", &view, &config), 0);
}

static void a_schedule_sees_the_clock_only(void **state)
{
    (void)state;
    struct timetable_point points[] = {{0, 4}, {13 * second_ns, 7}};
    struct scale_config config = {
        .schedule = {.period_ns = 40 * second_ns, .points = points, .n = 2}};
    struct scale_view view = busy;
    view.now_ns = 40 * second_ns - 1;
    assert_int_equal(desired("schedule", &view, &config), 7);
    view.now_ns++;
    assert_int_equal(desired("schedule", &view, &config), 4);
}

static void a_missed_slo_wants_a_step_more_and_a_met_one_a_step_less(void **state)
{
    (void)state;
    struct scale_config config = {
        .target_nano = 990000000, .up_step = 3, .down_step = 2};
    struct scale_replica calm[] = {
        {.n_running = 5, .used_blocks = 109, .total_blocks = 137},
        {.n_running = 1, .used_blocks = 1, .total_blocks = 137},
    };
    struct scale_view view = {
        .ready = calm, .n_ready = 2, .n_finished = 100, .n_met = 98};
    assert_int_equal(desired("slo", &view, &config), 5);
    config.up_step = 0; /* any number: the least that helps */
    assert_int_equal(desired("slo", &view, &config), 3);
    view.n_met = 99; /* 110 blocks are more than 80 % of the 137 that one has */
    assert_int_equal(desired("slo", &view, &config), 2);
    calm[1].used_blocks = 0; /* 109 are not */
    assert_int_equal(desired("slo", &view, &config), 0);
    config.down_step = 0;
    assert_int_equal(desired("slo", &view, &config), 1);
    calm[0].n_waiting = 1;
    assert_int_equal(desired("slo", &view, &config), 2);
    calm[0].n_waiting = 0;
    view.n_starting = 1;
    assert_int_equal(desired("slo", &view, &config), 3);
}

static void a_window_in_which_nothing_finished_tells_nothing_of_the_slo(void **state)
{
    (void)state;
    struct scale_config config = {.target_nano = 990000000, .down_step = 1};
    struct scale_replica calm[] = {{.n_running = 1, .total_blocks = 137},
                                   {.total_blocks = 137}};
    struct scale_view view = {.ready = calm, .n_ready = 2};
    assert_int_equal(desired("slo", &view, &config), 2);
    calm[0].n_running = 0; /* but nobody is there */
    assert_int_equal(desired("slo", &view, &config), 1);
}

static void wva_keeps_a_tenth_of_kv_and_three_requests_to_spare(void **state)
{
    (void)state;
    struct scale_config config = {0};
    struct scale_replica r[] = {
        {.n_waiting = 2, .used_blocks = 700, .total_blocks = 1000},
        {.n_waiting = 2, .used_blocks = 700, .total_blocks = 1000},
    };
    struct scale_view view = {.ready = r, .n_ready = 2};
    assert_int_equal(desired("wva", &view, &config), 2); /* just enough */
    r[0].used_blocks++;
    assert_int_equal(desired("wva", &view, &config), 3);
    r[0].used_blocks--;
    r[1].n_waiting++; /* 2.5 to spare */
    assert_int_equal(desired("wva", &view, &config), 3);
    r[1].n_waiting = 5; /* saturated: what the other has to spare is enough */
    assert_int_equal(desired("wva", &view, &config), 2);
    r[0].used_blocks = 800; /* so is the other */
    assert_int_equal(desired("wva", &view, &config), 3);
    view.n_starting = 1;
    assert_int_equal(desired("wva", &view, &config), 3);
}

static void wva_lets_one_go_if_the_others_would_have_enough_to_spare(void **state)
{
    (void)state;
    struct scale_config config = {0};
    struct scale_replica r[] = {
        {.n_waiting = 1, .used_blocks = 400, .total_blocks = 1000},
        {.n_waiting = 1, .used_blocks = 300, .total_blocks = 1000},
    };
    struct scale_view view = {.ready = r, .n_ready = 2};
    assert_int_equal(desired("wva", &view, &config), 1);
    r[1].used_blocks = 301;
    assert_int_equal(desired("wva", &view, &config), 2);
    r[1].used_blocks = 300;
    r[1].n_waiting = 2;
    assert_int_equal(desired("wva", &view, &config), 2);
    view.n_ready = 1; /* the last one is not let go */
    assert_int_equal(desired("wva", &view, &config), 1);
    view.n_ready = 0;
    assert_int_equal(desired("wva", &view, &config), 1);
}

static void a_boot_is_the_sum_of_its_parts_unless_it_is_given(void **state)
{
    (void)state;
    struct scale_boot boot = {.image_ns = 13700000000,
                              .storage_bytes_per_s = 1370000000,
                              .graph_capture_ns = 4099000000};
    /* 16,060,522,496 bytes take 11.7230091211... s */
    assert_int_equal(boot_length_ns(&boot, 16060522496), 29522009121);
    assert_int_equal(boot_length_ns(&boot, 0), 17799000000);
    boot.storage_bytes_per_s = 2000000000;
    assert_int_equal(boot_length_ns(&boot, 1), 17799000001); /* half a ns goes up */
    boot.storage_bytes_per_s = 0;
    assert_int_equal(boot_length_ns(&boot, 16060522496), 17799000000);
    boot.boot_ns = 41;
    assert_int_equal(boot_length_ns(&boot, 16060522496), 41);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scaler_has_a_name_of_its_own_and_is_found_by_it),
        cmocka_unit_test(a_queue_wants_the_waiting_and_the_held_over_its_target),
        cmocka_unit_test(concurrency_counts_those_who_run_too),
        cmocka_unit_test(kv_wants_the_used_blocks_over_a_share_of_one_replica),
        cmocka_unit_test(rate_divides_what_came_in_the_window_by_its_length),
        cmocka_unit_test(a_schedule_sees_the_clock_only),
        cmocka_unit_test(a_missed_slo_wants_a_step_more_and_a_met_one_a_step_less),
        cmocka_unit_test(a_window_in_which_nothing_finished_tells_nothing_of_the_slo),
        cmocka_unit_test(wva_keeps_a_tenth_of_kv_and_three_requests_to_spare),
        cmocka_unit_test(a_boot_is_the_sum_of_its_parts_unless_it_is_given),
        cmocka_unit_test(wva_lets_one_go_if_the_others_would_have_enough_to_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
