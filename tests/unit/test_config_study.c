#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config_world.h"

static void every_table_is_sound(void **state)
{
    (void)state;
    for (int i = 0; i < CONFIG_STUDY_TABLES; i++) {
        field_verify(&config_study_tables[i]);
    }
}

static void what_is_not_said_has_its_default(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world, TRACE_ONLY LINEAR, NULL);
    const struct config_study *study = &world.config.study;
    assert_int_equal(study->runs.seeds, 3);
    assert_int_equal(study->runs.warmup_nano, 100000000);
    assert_int_equal(study->capacity.precision_nano, 10000000);
    assert_string_equal(study->size.accelerators, "");
    assert_int_equal(study->n_overs, 0);
    assert_int_equal(study->given, 0);
    config_world_free(&world);
}

static void what_varies_may_take_several_lines(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world,
                      TRACE_ONLY LINEAR "[over]\n"
                                        "gpu = pool.main.accelerator=a10,l4\n"
                                        "more = ,h100-sxm\n"
                                        "rate = workload.rate_rps=1..8\n",
                      NULL);
    const struct config_study *study = &world.config.study;
    assert_int_equal(study->n_overs, 2);
    assert_string_equal(study->overs[0], "pool.main.accelerator=a10,l4,h100-sxm");
    assert_string_equal(study->overs[1], "workload.rate_rps=1..8");
    config_world_free(&world);
}

static char *printed(const struct config_study *study)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    config_study_print(study, out);
    fclose(out);
    return text;
}

static void only_sections_that_are_given_are_printed(void **state)
{
    (void)state;
    struct config_world world;
    config_world_must(&world, TRACE_ONLY LINEAR "[capacity]\nprecision = 0.137\n",
                      NULL);
    char *text = printed(&world.config.study);
    assert_string_equal(text, "\n[capacity]\nprecision = 0.137\nleast_rps = 0\n"
                              "most_rps = 0\nbest_of =\n");
    free(text);
    config_world_free(&world);
}

static void a_long_list_is_printed_in_lines_that_can_be_read(void **state)
{
    (void)state;
    char list[400] = "workload.rate_rps=1000000";
    for (int i = 1; i < 40; i++) {
        snprintf(list + strlen(list), sizeof list - strlen(list), ",%d", 1000000 + i);
    }
    const char *const overs[] = {list};
    struct config_study study = {.overs = overs, .n_overs = 1};
    char *text = printed(&study);
    char file[1000];
    snprintf(file, sizeof file, TRACE_ONLY LINEAR "%s", text);
    struct config_world world;
    config_world_must(&world, file, NULL);
    assert_int_equal(world.config.study.n_overs, 1);
    assert_string_equal(world.config.study.overs[0], list);
    free(text);
    config_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_sound),
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(what_varies_may_take_several_lines),
        cmocka_unit_test(only_sections_that_are_given_are_printed),
        cmocka_unit_test(a_long_list_is_printed_in_lines_that_can_be_read),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
