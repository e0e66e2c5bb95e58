#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "config_world.h"

#define BOOK TRACE_ONLY "[price]\nbook = ./book.ini\n" HARDWARE

static void write_book(const char *text)
{
    write_file("book.ini", text, strlen(text));
}

static void a_book_stands_over_the_accelerator_and_under_the_pool(void **state)
{
    (void)state;
    struct config_world world;
    write_book("[h100-sxm]\nusd_per_hour = 1.37\nprice_source = Theirs\n");
    config_world_must(&world, BOOK, NULL);
    assert_int_equal(world.config.pools[0].accelerator.usd_per_hour_nano, 1370000000);
    assert_string_equal(world.config.pools[0].accelerator.price_source, "Theirs");
    /* what the book does not say stays as it was */
    assert_int_equal(world.config.pools[0].accelerator.usd_per_hour_reserved_nano,
                     2350000000);
    config_world_free(&world);
    config_world_must(&world, BOOK, "pool.main.usd_per_hour=2");
    assert_int_equal(world.config.pools[0].accelerator.usd_per_hour_nano, 2000000000);
    assert_string_equal(world.config.pools[0].accelerator.price_source, "given");
    config_world_free(&world);
}

static void who_is_not_in_the_book_keeps_a_price(void **state)
{
    (void)state;
    struct config_world world;
    write_book("[a10]\nusd_per_hour = 1.37\n");
    config_world_must(&world, BOOK, NULL);
    assert_int_equal(world.config.pools[0].accelerator.usd_per_hour_nano, 3990000000);
    config_world_free(&world);
}

static void each_mistake_is_told_whole(void **state)
{
    (void)state;
    assert_config_refused(TRACE_ONLY "[price]\nbook = none\n" HARDWARE, NULL,
                          "run.ini: [price] book: 'none' is not known: there is no "
                          "configs/prices/none.ini (see 'servesim list prices')");
    write_book("[h100-sxm]\nusd_per_houre = 1.37\n");
    struct config_world world;
    assert_int_equal(config_world_read(&world, BOOK, NULL), -1);
    assert_non_null(strstr(world.err.text, "book.ini:2: "));
    assert_non_null(strstr(world.err.text, "usd_per_houre"));
    config_world_free(&world);
}

/* The whole of each book, not only what a run reads of it. */
static void every_book_we_ship_is_sound(void **state)
{
    (void)state;
    static const char *const books[] = {"hyperstack", "lambda", "gcp"};
    for (size_t i = 0; i < sizeof books / sizeof books[0]; i++) {
        struct arena arena = {0};
        struct settings file = {0};
        struct accelerator gpu = {0};
        struct err err = {""};
        char path[512];
        char gpu_path[512];
        assert_true(config_pool_find("prices", books[i], path));
        settings_read(&file, path, &arena, &err);
        const struct settings_section *section = NULL;
        while ((section = settings_next(&file, "", section)) != NULL) {
            assert_true(config_pool_find("accelerators", section->name, gpu_path));
            settings_apply(&file, section->name, &accelerator_table, 1, &gpu, &arena,
                           &err);
            assert_true(gpu.usd_per_hour_nano > 0);
        }
        settings_check_used(&file, "", &err);
        assert_string_equal(err.text, "");
        memory_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_book_stands_over_the_accelerator_and_under_the_pool),
        cmocka_unit_test(who_is_not_in_the_book_keeps_a_price),
        cmocka_unit_test(each_mistake_is_told_whole),
        cmocka_unit_test(every_book_we_ship_is_sound),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
