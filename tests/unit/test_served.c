#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/served.h"

/* The pools that serve requests of these names, as bits. */
static uint64_t pools(const struct served *served, const char *model, const char *klass)
{
    return served_pools(served, served_number(&served->models, model),
                        served_number(&served->classes, klass));
}

static void a_request_goes_to_the_pools_that_serve_its_model_and_its_class(void **state)
{
    (void)state;
    const struct served_keys keys[] = {
        {"llama", "chat"}, {"llama", " batch ,chat"}, {"qwen", ""}, {"", "batch"}};
    struct served served;
    struct arena arena = {0};
    struct err err;
    int32_t faulty = -1;
    assert_int_equal(served_init(&served, keys, 4, &arena, &faulty, &err), 0);
    assert_int_equal(pools(&served, NULL, NULL), 0xf);
    assert_int_equal(pools(&served, "", ""), 0xf);
    assert_int_equal(pools(&served, "llama", NULL), 0xb);
    assert_int_equal(pools(&served, "qwen", NULL), 0xc);
    assert_int_equal(pools(&served, "gemma", NULL), 0x8); /* the one that takes any */
    assert_int_equal(pools(&served, NULL, "chat"), 0x7);
    assert_int_equal(pools(&served, NULL, "batch"), 0xe);
    assert_int_equal(pools(&served, NULL, "voice"), 0x4);
    assert_int_equal(pools(&served, "llama", "chat"), 0x3);
    assert_int_equal(pools(&served, "llama", "batch"), 0xa);
    assert_int_equal(pools(&served, "llama", "voice"), 0);
    memory_arena_free(&arena);
}

static void a_model_that_no_pool_names_is_nobodys(void **state)
{
    (void)state;
    const struct served_keys keys[] = {{"llama", ""}, {"qwen", ""}};
    struct served served;
    struct arena arena = {0};
    struct err err;
    int32_t faulty = -1;
    assert_int_equal(served_init(&served, keys, 2, &arena, &faulty, &err), 0);
    assert_int_equal(pools(&served, "gemma", "chat"), 0);
    assert_int_equal(pools(&served, NULL, "chat"), 3);
    memory_arena_free(&arena);
}

static void assert_refused(const char *classes, const char *reason)
{
    const struct served_keys keys[] = {{"", "chat"}, {"", classes}};
    struct served served;
    struct arena arena = {0};
    struct err err;
    int32_t faulty = -1;
    assert_int_equal(served_init(&served, keys, 2, &arena, &faulty, &err), -1);
    assert_int_equal(faulty, 1);
    assert_string_equal(err.text, reason);
    memory_arena_free(&arena);
}

static void classes_are_names_between_commas(void **state)
{
    (void)state;
    assert_refused("chat,", "'chat,' is not a list of names such as chat, batch");
    assert_refused(" , chat", "' , chat' is not a list of names such as chat, batch");
    assert_refused("a, b,a", "'a, b,a' names 'a' twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_request_goes_to_the_pools_that_serve_its_model_and_its_class),
        cmocka_unit_test(a_model_that_no_pool_names_is_nobodys),
        cmocka_unit_test(classes_are_names_between_commas),
    };
    return cmocka_run_group_tests_name("served", tests, NULL, NULL);
}
