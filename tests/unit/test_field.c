#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "field_sample.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_flag_is_any_usual_word(void **state)
{
    (void)state;
    static const char *const yes[] = {"yes", "true", "on", "1", "YES", "True"};
    static const char *const no[] = {"no", "false", "off", "0", "Off", "FALSE"};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(sample_value("chunked", yes[i]), 1);
        assert_int_equal(sample_value("chunked", no[i]), 0);
    }
}

static void a_choice_is_its_place_in_the_list(void **state)
{
    (void)state;
    assert_int_equal(sample_value("batching", "static"), 0);
    assert_int_equal(sample_value("batching", "unified"), 1);
    assert_int_equal(sample_value("batching", "sarathi"), 2);
}

static void an_unreadable_value_is_told_what_would_be_readable(void **state)
{
    (void)state;
    static const char count[] =
        "is not a count (a whole number, bare or with k, m, K or M)";
    static const char size[] =
        "is not a size (a number with B, kB, MB, GB, TB, KiB, MiB, GiB "
        "or TiB; bare numbers are GB)";
    static const char time[] =
        "is not a time (a number with ns, us, ms, s, min or h; bare numbers are ms)";
    static const struct {
        const char *key;
        const char *text;
        const char *is_not;
    } cases[] = {
        {"sequences", "x", count},
        {"sequences", "", count},
        {"sequences", "256 256", count},
        {"sequences", "8ki", count},
        {"sequences", "8 thousand and more", count},
        {"timeout", "12q", time},
        {"timeout", "500GB", time},
        {"timeout", "5 MS", time},
        {"timeout", "5msx", time},
        {"timeout", "inf", time},
        {"timeout", "nan", time},
        {"timeout", "0x1f", time},
        {"timeout", "--5", time},
        {"step", "7min",
         "is not a time (a number with fs, ps, ns, us, ms or s; bare numbers are us)"},
        {"memory", "80gb", size},
        {"memory", "80KB", size},
        {"link", "450GB",
         "is not a bandwidth (a number with B/s, kB/s, MB/s, GB/s or TB/s; bare "
         "numbers are "
         "GB/s)"},
        {"peak", "989T",
         "is not a speed (a number with FLOPS, GFLOPS, TFLOPS or PFLOPS; bare numbers "
         "are "
         "TFLOPS)"},
        {"idle", "70MW",
         "is not a power (a number with mW, W or kW; bare numbers are W)"},
        {"utilization", "90%", "is not a number (a decimal without a unit)"},
        {"chunked", "maybe", "is not yes or no"},
        {"chunked", "", "is not yes or no"},
        {"batching", "orca", "is not one of static, unified, sarathi"},
        {"batching", "stati", "is not one of static, unified, sarathi"},
        {"batching", "", "is not one of static, unified, sarathi"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char reason[512];
        snprintf(reason, sizeof reason, "'%s' %s", cases[i].text, cases[i].is_not);
        sample_refuses(cases[i].key, cases[i].text, reason);
    }
}

static void a_text_is_kept_as_it_is_up_to_255_bytes(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct sample sample = {0};
    struct err err = {""};
    char text[257] = "";
    memset(text, 'x', 255);
    const struct field *field = field_find(&table, "trace");
    assert_int_equal(field_read(field, &sample, text, &arena, &err), 0);
    assert_string_equal(sample.trace, text);
    char printed[256];
    field_print(field, &sample, printed);
    assert_string_equal(printed, text);
    text[255] = 'x';
    assert_int_equal(field_read(field, &sample, text, &arena, &err), -1);
    assert_string_equal(
        err.text,
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is longer than 255 bytes");
    memory_arena_free(&arena);
}

static void assert_printed(const char *key, const char *text, const char *canonical)
{
    int64_t value = sample_value(key, text);
    struct field field = *field_find(&table, key);
    field.offset = 0;
    char printed[256];
    field_print(&field, &value, printed);
    assert_string_equal(printed, canonical);
}

static void a_value_is_printed_exactly_in_the_bare_unit(void **state)
{
    (void)state;
    assert_printed("sequences", "8K", "8192");
    assert_printed("timeout", "1.5min", "90000");
    assert_printed("timeout", "137ns", "0.000137");
    assert_printed("step", "1fs", "0.000000001");
    assert_printed("memory", "85520809984B", "85.520809984");
    assert_printed("link", "3.35TB/s", "3350");
    assert_printed("peak", "1.979PFLOPS", "1979");
    assert_printed("idle", "137mW", "0.137");
    assert_printed("utilization", "0.90", "0.9");
    assert_printed("utilization", "1.0", "1");
    assert_printed("chunked", "on", "yes");
    assert_printed("chunked", "0", "no");
    assert_printed("batching", "sarathi", "sarathi");
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void what_is_printed_is_read_back_for_every_type_and_unit(void **state)
{
    (void)state;
    static const struct field kinds[] = {
        {.key = "a", .type = FIELD_COUNT, .unit = ""},
        {.key = "b", .type = FIELD_TIME, .unit = "min"},
        {.key = "c", .type = FIELD_TIME, .unit = "s"},
        {.key = "d", .type = FIELD_FEMTO, .unit = "s"},
        {.key = "e", .type = FIELD_BYTES, .unit = "GiB"},
        {.key = "f", .type = FIELD_BYTES, .unit = "TB"},
        {.key = "g", .type = FIELD_BANDWIDTH, .unit = "GB/s"},
        {.key = "h", .type = FIELD_FLOPS, .unit = "PFLOPS"},
        {.key = "i", .type = FIELD_POWER, .unit = "kW"},
        {.key = "j", .type = FIELD_NANO, .unit = ""},
        {.key = "k", .type = FIELD_FLAG, .unit = "", .greatest = "1"},
        {.key = "l",
         .type = FIELD_CHOICE,
         .unit = "",
         .choices = "a|b|cc|a b",
         .greatest = "3"},
    };
    uint64_t random = 2463534242U;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (int i = 0; i < 10000; i++) {
            int64_t value = (int64_t)(next_random(&random) >> (1 + i % 63));
            value = kinds[k].greatest != NULL ? value % (kinds[k].greatest[0] - '0' + 1)
                    : i % 2 == 0              ? -value
                                              : value;
            int64_t again = 0;
            char printed[256];
            char canonical[256];
            struct err err = {""};
            field_print(&kinds[k], &value, printed);
            assert_int_equal(field_read(&kinds[k], &again, printed, NULL, &err), 0);
            assert_int_equal(again, value);
            field_print(&kinds[k], &again, canonical);
            assert_string_equal(canonical, printed);
        }
    }
}

static void assert_range(const char *key, const char *expected)
{
    char text[256];
    field_range(field_find(&table, key), text);
    assert_string_equal(text, expected);
}

static void the_range_of_a_field_is_one_line(void **state)
{
    (void)state;
    assert_range("sequences", "default 256, 1 to 1m");
    assert_range("timeout", "default 60 ms, 0 ms to 1h");
    assert_range("step", "default 13.7 us");
    assert_range("memory", "default 80 GB, at least 1 GB");
    assert_range("link", "default 450 GB/s, at most 10TB/s");
    assert_range("utilization", "default 0.9, 0.01 to 1");
    assert_range("chunked", "yes or no; default no");
    assert_range("batching", "one of static, unified, sarathi; default unified");
    assert_range("trace", "default empty");
}

struct outer {
    int64_t before;
    struct sample sample;
};

static void defaults_are_written_into_the_table_s_struct_inside_its_base(void **state)
{
    (void)state;
    struct arena arena = {NULL};
    struct outer outer = {.before = 4099};
    const struct field_table inner = {"sample", fields, N_FIELDS,
                                      offsetof(struct outer, sample)};
    field_defaults(&inner, &outer, &arena);
    assert_int_equal(outer.before, 4099);
    assert_int_equal(outer.sample.sequences, 256);
    assert_int_equal(outer.sample.timeout_ns, 60000000);
    assert_int_equal(outer.sample.peak_flops, 989400000000000);
    assert_int_equal(outer.sample.utilization, 900000000);
    assert_int_equal(outer.sample.batching, 1);
    assert_string_equal(outer.sample.trace, "");
    assert_null(field_missing(&inner, &outer));
    memory_arena_free(&arena);
}

static void a_field_without_a_default_is_missing_until_it_is_read(void **state)
{
    (void)state;
    static const struct field needed[] = {
        {.key = "layers",
         .type = FIELD_COUNT,
         .unit = "",
         .help = "layers of the model"},
        {.key = "name",
         .type = FIELD_TEXT,
         .offset = offsetof(struct sample, trace),
         .unit = "",
         .help = "name of the model"},
    };
    const struct field_table model = {"model", needed, 2,
                                      offsetof(struct outer, sample)};
    struct arena arena = {NULL};
    struct outer outer = {0};
    struct err err = {""};
    field_defaults(&model, &outer, &arena);
    assert_ptr_equal(field_missing(&model, &outer), &needed[0]);
    assert_int_equal(field_read(&needed[0], &outer.sample, "0", &arena, &err), 0);
    assert_ptr_equal(field_missing(&model, &outer), &needed[1]);
    assert_int_equal(field_read(&needed[1], &outer.sample, "llama", &arena, &err), 0);
    assert_null(field_missing(&model, &outer));
    char text[256];
    field_range(&needed[0], text);
    assert_string_equal(text, "must be given");
    memory_arena_free(&arena);
}

static void a_field_is_found_by_its_whole_key(void **state)
{
    (void)state;
    assert_ptr_equal(field_find(&table, "memory"), &fields[3]);
    assert_null(field_find(&table, "memor"));
    assert_null(field_find(&table, ""));
}

static void the_nearest_key_is_at_most_two_letters_away(void **state)
{
    (void)state;
    assert_string_equal(field_nearest(&table, 1, "batchign"), "batching");
    assert_string_equal(field_nearest(&table, 1, "squences"), "sequences");
    assert_string_equal(field_nearest(&table, 1, "idel"), "idle");
    assert_null(field_nearest(&table, 1, "btchn_g"));
    assert_null(field_nearest(&table, 1, "xy"));
    assert_null(field_nearest(&table, 0, "batching"));
}

/* Whether field_verify() aborts over the one row. */
static bool verify_aborts(struct field row)
{
    pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        const struct field_table one = {"one", &row, 1, 0};
        field_verify(&one);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_table_with_a_bad_row_is_a_bug(void **state)
{
    (void)state;
    field_verify(&table);
    const struct field good = {.key = "a_b",
                               .type = FIELD_TIME,
                               .unit = "ms",
                               .standard = "7",
                               .least = "7",
                               .greatest = "0.0137s",
                               .help = ""};
    assert_false(verify_aborts(good));
    struct field bad = good;
    bad.standard = "14";
    assert_true(verify_aborts(bad));
    bad = good;
    bad.unit = "msec";
    assert_true(verify_aborts(bad));
    bad = good;
    bad.least = "7x";
    assert_true(verify_aborts(bad));
    bad = good;
    bad.greatest = "6";
    assert_true(verify_aborts(bad));
    bad = good;
    bad.key = "a b";
    assert_true(verify_aborts(bad));
    bad = good;
    bad.type = FIELD_CHOICE;
    assert_true(verify_aborts(bad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flag_is_any_usual_word),
        cmocka_unit_test(a_choice_is_its_place_in_the_list),
        cmocka_unit_test(an_unreadable_value_is_told_what_would_be_readable),
        cmocka_unit_test(a_text_is_kept_as_it_is_up_to_255_bytes),
        cmocka_unit_test(a_value_is_printed_exactly_in_the_bare_unit),
        cmocka_unit_test(what_is_printed_is_read_back_for_every_type_and_unit),
        cmocka_unit_test(the_range_of_a_field_is_one_line),
        cmocka_unit_test(defaults_are_written_into_the_table_s_struct_inside_its_base),
        cmocka_unit_test(a_field_without_a_default_is_missing_until_it_is_read),
        cmocka_unit_test(a_field_is_found_by_its_whole_key),
        cmocka_unit_test(the_nearest_key_is_at_most_two_letters_away),
        cmocka_unit_test(a_table_with_a_bad_row_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
