#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_world.h"

#define TWO LINEAR "replicas = 3\n[pool.other]\ncost = linear\nnum_gpu_blocks = 137\n"

static const int64_t second_ns = 1000000000;

static void a_pool_without_a_section_is_not_scaled(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world, TRACE_ONLY TWO "[scale.main]\npolicy = wva\nmax = 7\n",
                      NULL);
    const struct pool_config *pools = world.config.pools;
    assert_string_equal(pools[0].scale.policy, "wva");
    assert_int_equal(pools[0].most_replicas, 7);
    assert_int_equal(pools[0].scale.interval_ns, 15 * second_ns);
    assert_int_equal(pools[0].scale.down_cooldown_ns, 300 * second_ns);
    assert_int_equal(pools[0].scale.down_step, 1);
    assert_string_equal(pools[1].scale.policy, "none");
    assert_int_equal(pools[1].most_replicas, 0);
    config_world_free(&world);
}

static void what_a_section_leaves_out_follows_from_the_rest(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world,
                      TRACE_ONLY "[slo]\nttft_ms = 13.7\nattainment = 0.95\n" TWO
                                 "[scale.main]\npolicy = slo\ninterval = 7s\n"
                                 "[scale.other]\npolicy = schedule\n"
                                 "schedule = 0:4 13h:37\n",
                      NULL);
    const struct scale_config *main = &world.config.pools[0].scale;
    const struct scale_config *other = &world.config.pools[1].scale;
    assert_int_equal(main->target_nano, 950000000);
    assert_int_equal(main->window_ns, 7 * second_ns);
    assert_int_equal(main->max_replicas, 3); /* as many as there are */
    assert_int_equal(other->max_replicas, 37);
    assert_int_equal(world.config.pools[1].most_replicas, 37);
    assert_int_equal(other->schedule.n, 2);
    config_world_free(&world);
}

static void boots_may_be_described_without_a_scaler(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world, TRACE_ONLY LINEAR "[scale.main]\nimage_s = 4.1\n", NULL);
    assert_int_equal(world.config.pools[0].scale.boot.image_ns, 4100000000);
    assert_int_equal(world.config.pools[0].most_replicas, 0);
    config_world_free(&world);
}

static void gpus_may_be_shared_by_several_pools(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world,
                      TRACE_ONLY LINEAR "[pool.b]\ncost = linear\nnum_gpu_blocks = 7\n"
                                        "shares_gpus_with = main\n"
                                        "[pool.c]\ncost = linear\nnum_gpu_blocks = 7\n"
                                        "shares_gpus_with = main\n"
                                        "[sleep]\nwake_ms = 137\n",
                      "sleep.max_dwell=41");
    assert_int_equal(world.config.pools[0].shares_pool, 0);
    assert_int_equal(world.config.pools[1].shares_pool, 1);
    assert_int_equal(world.config.pools[2].shares_pool, 1);
    assert_int_equal(world.config.sleep.wake_ns, 137000000);
    assert_int_equal(world.config.sleep.max_dwell_ns, 41 * second_ns);
    config_world_free(&world);
}

static void what_is_printed_is_read_back_as_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        TRACE_ONLY TWO "[scale.main]\npolicy = queue\ntarget = 3.7\nmax = 9\n"
                       "[scale.other]\nboot_s = 13.7\n",
        TRACE_ONLY "[slo]\ne2e_ms = 4099\n" TWO "[scale.other]\npolicy = slo\n"
                   "window = 137s\ninterval = 1s\n[scale.main]\npolicy = schedule\n"
                   "schedule = 0:1 13min:3\nperiod = 41min\n",
        TRACE_ONLY TWO "replicas = 3\nshares_gpus_with = main\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct config_world world;
        struct config_world again;
        config_world_must(&world, texts[i], NULL);
        char *printed = config_world_print(&world);
        config_world_must(&again, printed, NULL);
        char *reprinted = config_world_print(&again);
        assert_string_equal(printed, reprinted);
        assert_true(strstr(printed, i < 2 ? "[scale." : "[sleep]") != NULL);
        free(printed);
        free(reprinted);
        config_world_free(&world);
        config_world_free(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_without_a_section_is_not_scaled),
        cmocka_unit_test(what_a_section_leaves_out_follows_from_the_rest),
        cmocka_unit_test(boots_may_be_described_without_a_scaler),
        cmocka_unit_test(gpus_may_be_shared_by_several_pools),
        cmocka_unit_test(what_is_printed_is_read_back_as_the_same),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
