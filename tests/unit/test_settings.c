#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings_world.h"

static void an_override_replaces_or_adds_a_value(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[pool.main]\nreplicas = 7\n"), 0);
    assert_int_equal(world_override(world, "pool.main.replicas=8"), 0);
    assert_int_equal(world_override(world, "pool.main.replicas= 13 "), 0);
    assert_int_equal(world_override(world, "pool.main.trace=a=b.csv"), 0);
    assert_int_equal(world_override(world, "slo.trace="), 0);
    world_assert_value(world, "pool.main", "replicas", "13", 0);
    world_assert_value(world, "pool.main", "trace", "a=b.csv", 0);
    world_assert_value(world, "slo", "trace", "", 0);
    assert_string_equal(settings_find(&world->settings, "pool.main", "replicas")->file,
                        "-s");
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(world->config.pool.replicas, 13);
}

static void an_override_of_another_form_is_an_error(void **state)
{
    struct world *world = *state;
    static const char *const bad[] = {
        "",       "replicas=7", "pool.main.replicas", "=", ".=", "a.=7", ".a=7",
        "a..b=7", "a b.c=7",    "a.replicas =7"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char sentence[128];
        snprintf(sentence, sizeof sentence, "-s %s: this is not section.key=value",
                 bad[i]);
        assert_int_equal(world_override(world, bad[i]), -1);
        assert_string_equal(world->err.text, sentence);
    }
    assert_null(world->settings.first);
}

static void an_overriding_value_must_fit_a_file_too(void **state)
{
    struct world *world = *state;
    char sentence[512];
    const char *comment =
        "the value has a ';' at its start or after a blank, where a comment "
        "begins";
    assert_int_equal(world_override(world, "run.trace=a ;b"), -1);
    snprintf(sentence, sizeof sentence, "-s run.trace=a ;b: %s", comment);
    assert_string_equal(world->err.text, sentence);
    assert_int_equal(world_override(world, "run.trace=a\t;b"), -1);
    assert_int_equal(world_override(world, "run.trace= ;"), -1);
    assert_int_equal(world_override(world, "run.trace=a;b"), 0);
    assert_int_equal(world_override(world, "run.trace=a\nb"), -1);
    assert_string_equal(world->err.text,
                        "-s run.trace=a?b: the value has a control character "
                        "or is not UTF-8");
    assert_int_equal(
        world_override(world, world_text(world, "run.trace=", 'x', 191, "")), 0);
    const char *longer = world_text(world, "run.trace=", 'x', 192, "");
    assert_int_equal(world_override(world, longer), -1);
    snprintf(sentence, sizeof sentence,
             "-s %s: 'key = value' is longer than a line of 199 bytes", longer);
    assert_string_equal(world->err.text, sentence);
}

static void entries_of_a_section_are_read_into_several_structs(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[pool.main]\n"
                                            "replicas = 137\n"
                                            "peak = 1.979PFLOPS\n"
                                            "memory = 85520809984 B\n"
                                            "chunked = on\n"
                                            "batching = sarathi ; chunks\n"
                                            "trace = day one.csv\n"
                                            "step = 4099 ns\n"),
                     0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(world->config.pool.replicas, 137);
    assert_int_equal(world->config.pool.timeout_ns, 60000000);
    assert_int_equal(world->config.pool.memory_bytes, 85520809984);
    assert_int_equal(world->config.pool.chunked, 1);
    assert_int_equal(world->config.pool.batching, 2);
    assert_string_equal(world->config.pool.trace, "day one.csv");
    assert_int_equal(world->config.device.peak_flops, 1979000000000000);
    assert_int_equal(world->config.device.step_fs, 4099000000);
    assert_int_equal(settings_check_used(&world->settings, "pool.NAME", &world->err),
                     0);
}

static void a_bad_value_of_any_type_is_told_with_file_line_and_key(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *entry;
        const char *sentence;
    } cases[] = {
        {"replicas = x", "a.ini:3: replicas: 'x' is not a count (a whole number, bare "
                         "or with k, m, K or M)"},
        {"replicas = 0", "a.ini:3: replicas: '0' is less than 1"},
        {"timeout = 500GB",
         "a.ini:3: timeout: '500GB' is not a time (a number with ns, us, ms, "
         "s, min or h; bare numbers are ms)"},
        {"step = 5min",
         "a.ini:3: step: '5min' is not a time (a number with fs, ps, ns, us, ms "
         "or s; bare numbers are us)"},
        {"memory = 80 gb",
         "a.ini:3: memory: '80 gb' is not a size (a number with B, kB, MB, GB, "
         "TB, KiB, MiB, GiB or TiB; bare numbers are GB)"},
        {"link = fast",
         "a.ini:3: link: 'fast' is not a bandwidth (a number with B/s, kB/s, "
         "MB/s, GB/s or TB/s; bare numbers are GB/s)"},
        {"peak = 1e5PFLOPS", "a.ini:3: peak: '1e5PFLOPS' is too large"},
        {"peak = 1EFLOPS",
         "a.ini:3: peak: '1EFLOPS' is not a speed (a number with FLOPS, "
         "GFLOPS, TFLOPS or PFLOPS; bare numbers are TFLOPS)"},
        {"idle =",
         "a.ini:3: idle: '' is not a power (a number with mW, W or kW; bare numbers "
         "are W)"},
        {"utilization = 90%",
         "a.ini:3: utilization: '90%' is not a number (a decimal without a unit)"},
        {"utilization = 1.01", "a.ini:3: utilization: '1.01' is greater than 1"},
        {"chunked = perhaps", "a.ini:3: chunked: 'perhaps' is not yes or no"},
        {"batching = orca",
         "a.ini:3: batching: 'orca' is not one of static, unified, sarathi"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "[pool.main]\n\n%s\n", cases[i].entry);
        assert_int_equal(world_read_text(world, text), 0);
        assert_int_equal(world_apply(world, "pool.main"), -1);
        assert_string_equal(world->err.text, cases[i].sentence);
    }
}

static void a_bad_value_of_an_override_is_told_as_it_was_given(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[pool.main]\nreplicas = 7\n"), 0);
    assert_int_equal(world_override(world, "pool.main.replicas=x"), 0);
    assert_int_equal(world_apply(world, "pool.main"), -1);
    assert_string_equal(world->err.text,
                        "-s pool.main.replicas=x: 'x' is not a count (a whole "
                        "number, bare or with k, m, K or M)");
}

static void an_unknown_key_is_an_error_that_suggests_the_nearest(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *key;
        const char *hint;
    } cases[] = {{"replcias", "did you mean 'replicas'?"},
                 {"peaks", "did you mean 'peak'?"},
                 {"utilisation", "did you mean 'utilization'?"},
                 {"cores", "see 'servesim list keys'"},
                 {"xy", "see 'servesim list keys'"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        char sentence[128];
        snprintf(text, sizeof text, "[pool.main]\n%s = 7\n", cases[i].key);
        snprintf(sentence, sizeof sentence,
                 "a.ini:2: [pool.main] unknown key '%s' (%s)", cases[i].key,
                 cases[i].hint);
        assert_int_equal(world_read_text(world, text), 0);
        assert_int_equal(world_apply(world, "pool.main"), -1);
        assert_string_equal(world->err.text, sentence);
    }
    assert_int_equal(world_read_text(world, "[pool.main]\n"), 0);
    assert_int_equal(world_override(world, "pool.main.replcias=7"), 0);
    assert_int_equal(world_apply(world, "pool.main"), -1);
    assert_string_equal(world->err.text,
                        "-s pool.main.replcias=7: [pool.main] unknown key "
                        "'replcias' (did you mean 'replicas'?)");
}

static void a_section_that_nobody_used_is_an_error(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[pool.main]\nreplicas = 7\n\n[foo]\n"), 0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(
        settings_check_used(&world->settings, "run, pool.NAME", &world->err), -1);
    assert_string_equal(
        world->err.text,
        "a.ini:4: unknown section [foo] (expected one of run, pool.NAME)");
    assert_int_equal(world_read_text(world, "[pool.main]\nreplicas = 7\n"), 0);
    assert_int_equal(world_override(world, "pool.mian.replicas=8"), 0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(
        settings_check_used(&world->settings, "run, pool.NAME", &world->err), -1);
    assert_string_equal(world->err.text,
                        "-s pool.mian.replicas=8: unknown section [pool.mian] "
                        "(expected one of run, pool.NAME)");
}

static void an_entry_that_nobody_used_is_an_error(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[run]\nseed = 7\nsede = 8\n"), 0);
    assert_string_equal(settings_use(&world->settings, "run", "seed")->value, "7");
    assert_null(settings_use(&world->settings, "run", "limit"));
    assert_null(settings_use(&world->settings, "slo", "limit"));
    assert_int_equal(settings_check_used(&world->settings, "run", &world->err), -1);
    assert_string_equal(world->err.text,
                        "a.ini:3: [run] unknown key 'sede' (see 'servesim list keys')");
    settings_use_section(&world->settings, "run");
    settings_use_section(&world->settings, "slo");
    assert_int_equal(settings_check_used(&world->settings, "run", &world->err), 0);
}

static void what_was_used_otherwise_is_not_applied(void **state)
{
    struct world *world = *state;
    assert_int_equal(
        world_read_text(world, "[pool.main]\naccelerator = h100\nreplicas = 7\n"), 0);
    assert_non_null(settings_use(&world->settings, "pool.main", "accelerator"));
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(world_apply(world, "pool.main"),
                     0); /* a second time, as two pools would */
    assert_int_equal(world->config.pool.replicas, 7);
    assert_int_equal(settings_check_used(&world->settings, "pool.NAME", &world->err),
                     0);
}

static void a_section_that_the_file_does_not_have_changes_nothing(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[run]\n"), 0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(world->config.pool.memory_bytes, 80000000000);
}

static void a_field_without_a_default_must_be_given(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "\n[pool.main]\ntimeout = 7\n"), 0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(settings_check_given(&world->settings, "pool.main", tables, 2,
                                          &world->config, &world->err),
                     -1);
    assert_string_equal(
        world->err.text,
        "a.ini:2: [pool.main] must give 'replicas' (how many replicas)");
    assert_int_equal(settings_check_given(&world->settings, "pool.b", tables, 2,
                                          &world->config, &world->err),
                     -1);
    assert_string_equal(world->err.text,
                        "a.ini: [pool.b] must give 'replicas' (how many replicas)");
    assert_int_equal(world_override(world, "pool.main.replicas=7"), 0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    assert_int_equal(settings_check_given(&world->settings, "pool.main", tables, 2,
                                          &world->config, &world->err),
                     0);
}

static void a_caller_s_own_reason_is_put_behind_the_place(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[pool.main]\nrole = judge\n"), 0);
    const struct settings_entry *entry =
        settings_find(&world->settings, "pool.main", "role");
    assert_int_equal(settings_refuse(entry, "'judge' is no role", &world->err), -1);
    assert_string_equal(world->err.text, "a.ini:2: role: 'judge' is no role");
}

static void sections_of_a_prefix_come_in_the_order_of_the_file(void **state)
{
    struct world *world = *state;
    assert_int_equal(
        world_read_text(world, "[pool.b]\n[run]\n[pool.a]\n[pools]\n[pool.c]\nx = 7\n"),
        0);
    assert_int_equal(world_override(world, "pool.Z.replicas=7"), 0);
    char names[64] = "";
    const struct settings_section *section =
        settings_next(&world->settings, "pool.", NULL);
    for (; section != NULL;
         section = settings_next(&world->settings, "pool.", section)) {
        strcat(names, section->name);
        strcat(names, " ");
    }
    assert_string_equal(names, "pool.b pool.a pool.c pool.Z ");
}

/* The text that settings_print() writes for both tables, in a section. */
static void print_config(const struct config *config, char *text, size_t room)
{
    memset(text, 0, room);
    FILE *out = fmemopen(text, room, "w");
    fputs("[pool.main]\n", out);
    settings_print(out, &tables[0], config);
    settings_print(out, &tables[1], config);
    fclose(out);
}

static void a_table_is_written_as_lines_that_a_person_would_write(void **state)
{
    struct world *world = *state;
    char text[2048];
    assert_int_equal(
        world_read_text(world, "[pool.main]\nreplicas = 7\nmemory = 79.6474609375GiB\n"
                               "timeout=137ns\nutilization = 0.90\nidle = 13mW\n"),
        0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    print_config(&world->config, text, sizeof text);
    assert_string_equal(text, "[pool.main]\n"
                              "replicas = 7\n"
                              "timeout = 0.000137\n"
                              "memory = 85.520809984\n"
                              "utilization = 0.9\n"
                              "chunked = no\n"
                              "batching = unified\n"
                              "trace =\n"
                              "step = 13.7\n"
                              "link = 450\n"
                              "peak = 989.4\n"
                              "idle = 0.013\n");
}

static void a_written_file_reads_back_to_the_same_values(void **state)
{
    struct world *world = *state;
    char text[2048];
    char again[2048];
    assert_int_equal(world_read_text(world, "[pool.main]\n"), 0);
    assert_int_equal(world_override(world, "pool.main.replicas=1m"), 0);
    assert_int_equal(world_override(world, "pool.main.timeout=9223372036854775807ns"),
                     0);
    assert_int_equal(world_override(world, "pool.main.step=-1fs"), 0);
    assert_int_equal(world_override(world, "pool.main.peak=9223372036854775807FLOPS"),
                     0);
    assert_int_equal(world_override(world, world_text(world, "pool.main.trace=#a;b  =[",
                                                      '\t', 180, "x")),
                     0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    struct config first = world->config;
    print_config(&first, text, sizeof text);
    assert_int_equal(world_read_text(world, text), 0);
    assert_int_equal(world_apply(world, "pool.main"), 0);
    print_config(&world->config, again, sizeof again);
    assert_string_equal(again, text);
    assert_string_equal(world->config.pool.trace, first.pool.trace);
    assert_int_equal(world->config.pool.timeout_ns, INT64_MAX);
    assert_int_equal(world->config.device.step_fs, -1);
    assert_int_equal(world->config.device.peak_flops, INT64_MAX);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(an_override_replaces_or_adds_a_value),
        cmocka_unit_test(an_override_of_another_form_is_an_error),
        cmocka_unit_test(an_overriding_value_must_fit_a_file_too),
        cmocka_unit_test(entries_of_a_section_are_read_into_several_structs),
        cmocka_unit_test(a_bad_value_of_any_type_is_told_with_file_line_and_key),
        cmocka_unit_test(a_bad_value_of_an_override_is_told_as_it_was_given),
        cmocka_unit_test(an_unknown_key_is_an_error_that_suggests_the_nearest),
        cmocka_unit_test(a_section_that_nobody_used_is_an_error),
        cmocka_unit_test(an_entry_that_nobody_used_is_an_error),
        cmocka_unit_test(what_was_used_otherwise_is_not_applied),
        cmocka_unit_test(a_section_that_the_file_does_not_have_changes_nothing),
        cmocka_unit_test(a_field_without_a_default_must_be_given),
        cmocka_unit_test(a_caller_s_own_reason_is_put_behind_the_place),
        cmocka_unit_test(sections_of_a_prefix_come_in_the_order_of_the_file),
        cmocka_unit_test(a_table_is_written_as_lines_that_a_person_would_write),
        cmocka_unit_test(a_written_file_reads_back_to_the_same_values),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        tests[i].setup_func = world_begin;
        tests[i].teardown_func = world_end;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
