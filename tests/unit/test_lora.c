#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/replica.h"

/* A replica with two slots and room for three adapters in host memory, and requests 0 to 9,
 * of which number i has adapter i; number 0 has the base model. */
enum { N_REQUESTS = 10 };

struct world {
    struct adapter adapter;
    struct replica replica;
    struct request requests[N_REQUESTS];
    struct replica_grant grants[N_REQUESTS];
};

static void start(struct world *world)
{
    *world = (struct world){.adapter = {.max_loras = 2,
                                        .max_cpu_loras = 3,
                                        .load_fs = 137,
                                        .download_fs = 4099000}};
    world->replica.lora.of = &world->adapter;
    world->replica.grants = world->grants;
    for (int32_t i = 0; i < N_REQUESTS; i++) {
        world->requests[i].adapter = i;
    }
}

static bool admit(struct world *world, int32_t i)
{
    struct request *request = &world->requests[i];
    if (!lora_lets_in(&world->replica, request)) {
        return false;
    }
    lora_admit(&world->replica, request);
    request_list_append(&world->replica.running, request);
    world->replica.grants[world->replica.n_grants++] =
        (struct replica_grant){.request = request, .tokens = 41, .decode = i > 3};
    lora_verify(&world->replica);
    return true;
}

static struct adapter_counts take_step(struct world *world,
                                       struct adapter_counts *decodes)
{
    struct adapter_counts all = {0};
    *decodes = (struct adapter_counts){0};
    lora_count_step(&world->replica, decodes, &all);
    world->replica.n_steps++;
    world->replica.n_grants = 0;
    lora_plan(&world->replica.lora);
    return all;
}

static void leave(struct world *world, int32_t i)
{
    request_list_remove(&world->replica.running, &world->requests[i]);
    lora_recount(&world->replica.lora);
}

static int64_t load_fs(const struct world *world)
{
    return wide_narrow(world->replica.lora.load_fs);
}

static void a_third_adapter_waits_and_a_known_one_or_none_does_not(void **state)
{
    (void)state;
    struct world world;
    start(&world);
    struct request again = {.adapter = 2};
    assert_true(admit(&world, 1) && admit(&world, 2));
    assert_false(admit(&world, 3));
    assert_false(admit(&world, 3)); /* still the same request */
    assert_false(admit(&world, 4));
    assert_int_equal(world.replica.lora.n_skipped, 2);
    assert_true(lora_fits(&world.replica, &again));
    assert_true(admit(&world, 0));
    leave(&world, 1);
    assert_true(admit(&world, 3));
    assert_int_equal(world.replica.lora.n_skipped, 2);
    lora_free(&world.replica.lora);
}

static void an_adapter_is_downloaded_once_and_loaded_when_it_has_no_slot(void **state)
{
    (void)state;
    struct world world;
    struct adapter_counts decodes;
    start(&world);
    assert_true(admit(&world, 1) && admit(&world, 2));
    assert_int_equal(load_fs(&world), 2 * (4099000 + 137));
    take_step(&world, &decodes);
    assert_int_equal(load_fs(&world), 0);
    leave(&world, 1);
    leave(&world, 2);
    assert_true(admit(&world, 1)); /* it is still there */
    assert_int_equal(load_fs(&world), 0);
    assert_true(admit(&world, 3)); /* in the place of 2, which was used before 1 */
    assert_int_equal(load_fs(&world), 4099000 + 137);
    assert_true(lora_has(&world.replica, 1) && lora_has(&world.replica, 3));
    assert_false(lora_has(&world.replica, 2));
    take_step(&world, &decodes);
    leave(&world, 1);
    assert_true(admit(&world, 2)); /* from host memory */
    assert_int_equal(load_fs(&world), 137);
    assert_int_equal(world.replica.lora.n_loads, 4);
    assert_int_equal(world.replica.lora.n_downloads, 3);
    assert_int_equal(wide_narrow(world.replica.lora.loaded_fs), 3 * 4099000 + 4 * 137);
    lora_free(&world.replica.lora);
}

/* Host memory forgets what was used longest ago of those that have no slot. */
static void host_memory_keeps_three(void **state)
{
    (void)state;
    struct world world;
    struct adapter_counts decodes;
    start(&world);
    for (int32_t i = 1; i <= 4; i++) { /* one after the other */
        assert_true(admit(&world, i));
        take_step(&world, &decodes);
        leave(&world, i);
    }
    assert_int_equal(world.replica.lora.n_downloads, 4);
    assert_true(lora_has(&world.replica, 3) && lora_has(&world.replica, 4));
    assert_true(admit(&world, 2)); /* in host memory: 2, 3 and 4 */
    assert_int_equal(load_fs(&world), 137);
    take_step(&world, &decodes);
    leave(&world, 2);
    assert_true(admit(&world, 1)); /* forgotten; now 3 is */
    assert_int_equal(load_fs(&world), 4099000 + 137);
    take_step(&world, &decodes);
    assert_true(admit(&world, 4)); /* 2 gives way, for 1 is being used */
    assert_int_equal(load_fs(&world), 137);
    leave(&world, 4);
    assert_true(admit(&world, 3));
    assert_int_equal(load_fs(&world), 137 + 4099000 + 137);
    lora_free(&world.replica.lora);
}

/* Use, not loading, makes an adapter young. */
static void the_slot_of_the_longest_unused_is_taken(void **state)
{
    (void)state;
    struct world world;
    struct adapter_counts decodes;
    start(&world);
    assert_true(admit(&world, 1) && admit(&world, 2));
    take_step(&world, &decodes);
    leave(&world, 2);
    world.replica.grants[world.replica.n_grants++] =
        (struct replica_grant){.request = &world.requests[1], .tokens = 1};
    take_step(&world, &decodes);
    leave(&world, 1);
    assert_true(admit(&world, 3));
    assert_true(lora_has(&world.replica, 1));
    assert_false(lora_has(&world.replica, 2));
    lora_free(&world.replica.lora);
}

static void a_step_counts_tokens_with_an_adapter_and_each_adapter_once(void **state)
{
    (void)state;
    struct world world;
    struct adapter_counts decodes;
    start(&world);
    struct request twin = {.adapter = 4};
    assert_true(admit(&world, 0) && admit(&world, 1) && admit(&world, 4));
    world.replica.grants[world.replica.n_grants++] =
        (struct replica_grant){.request = &twin, .tokens = 3, .decode = true};
    struct adapter_counts all = take_step(&world, &decodes);
    assert_int_equal(all.n_tokens, 41 + 41 + 3);
    assert_int_equal(all.n_adapters, 2);
    assert_int_equal(decodes.n_tokens, 41 + 3);
    assert_int_equal(decodes.n_adapters, 1);
    all = take_step(&world, &decodes);
    assert_int_equal(all.n_tokens + all.n_adapters + decodes.n_adapters, 0);
    lora_free(&world.replica.lora);
}

static void a_replica_that_went_off_has_no_adapters(void **state)
{
    (void)state;
    struct world world;
    struct adapter_counts decodes;
    start(&world);
    assert_true(admit(&world, 1) && admit(&world, 2));
    take_step(&world, &decodes);
    leave(&world, 1);
    leave(&world, 2);
    lora_forget(&world.replica);
    lora_verify(&world.replica);
    assert_true(lora_has(&world.replica, 0)); /* the base model */
    assert_false(lora_has(&world.replica, 1));
    assert_false(lora_has(&world.replica, 4099)); /* of whom nobody has heard */
    assert_true(admit(&world, 1));
    assert_int_equal(load_fs(&world), 4099000 + 137);
    assert_int_equal(world.replica.lora.n_loads, 3);
    lora_free(&world.replica.lora);
}

static void without_slots_adapters_are_labels(void **state)
{
    (void)state;
    struct world world;
    struct adapter_counts decodes;
    start(&world);
    world.replica.lora.of = NULL;
    for (int32_t i = 0; i < N_REQUESTS; i++) {
        assert_true(admit(&world, i));
    }
    struct adapter_counts all = take_step(&world, &decodes);
    assert_int_equal(all.n_tokens + all.n_adapters + world.replica.lora.n_skipped, 0);
    lora_free(&world.replica.lora);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_third_adapter_waits_and_a_known_one_or_none_does_not),
        cmocka_unit_test(an_adapter_is_downloaded_once_and_loaded_when_it_has_no_slot),
        cmocka_unit_test(host_memory_keeps_three),
        cmocka_unit_test(the_slot_of_the_longest_unused_is_taken),
        cmocka_unit_test(a_step_counts_tokens_with_an_adapter_and_each_adapter_once),
        cmocka_unit_test(a_replica_that_went_off_has_no_adapters),
        cmocka_unit_test(without_slots_adapters_are_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
