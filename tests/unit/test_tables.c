#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "input/arrivals.h"
#include "input/config.h"
#include "input/config_pool.h"

#include <string.h>

static void every_row_of_every_table_is_sound(void **state)
{
    (void)state;
    struct field_table pools[CONFIG_POOL_TABLES];
    config_pool_tables(pools);
    for (int i = 0; i < CONFIG_POOL_TABLES; i++) {
        assert_true(pools[i].n_fields > 0);
        field_verify(&pools[i]);
    }
    for (int32_t i = 0; i < config_n_tables; i++) {
        assert_true(config_tables[i].n_fields > 0);
        field_verify(&config_tables[i]);
    }
    field_verify(&scale_table);
    field_verify(&sleep_table);
    for (int i = 0; i < ARRIVALS_TABLES; i++) {
        field_verify(&arrivals_tables[i]);
    }
}

static void no_two_keys_of_a_pool_are_alike(void **state)
{
    (void)state;
    struct field_table pools[CONFIG_POOL_TABLES];
    config_pool_tables(pools);
    for (int i = 0; i < CONFIG_POOL_TABLES; i++) {
        for (int32_t row = 0; row < pools[i].n_fields; row++) {
            for (int j = 0; j < i; j++) {
                assert_null(field_find(&pools[j], pools[i].fields[row].key));
            }
        }
    }
}

static void sections_have_different_names(void **state)
{
    (void)state;
    for (int32_t i = 0; i < config_n_tables; i++) {
        for (int32_t j = 0; j < i; j++) {
            assert_string_not_equal(config_tables[i].name, config_tables[j].name);
        }
    }
}

static void help_is_one_sentence_without_a_full_stop(void **state)
{
    (void)state;
    struct field_table all[CONFIG_POOL_TABLES + 16];
    int n = CONFIG_POOL_TABLES;
    config_pool_tables(all);
    all[n++] = scale_table;
    all[n++] = sleep_table;
    for (int32_t i = 0; i < config_n_tables; i++) {
        all[n++] = config_tables[i];
    }
    for (int i = 0; i < n; i++) {
        for (int32_t row = 0; row < all[i].n_fields; row++) {
            const char *help = all[i].fields[row].help;
            assert_true(strlen(help) >= 10);
            assert_true(help[strlen(help) - 1] != '.');
            assert_null(strstr(help, "  "));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_every_table_is_sound),
        cmocka_unit_test(no_two_keys_of_a_pool_are_alike),
        cmocka_unit_test(sections_have_different_names),
        cmocka_unit_test(help_is_one_sentence_without_a_full_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
