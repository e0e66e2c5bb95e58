#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "settings_world.h"

static void a_file_is_read_with_sections_comments_and_lines(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "# a comment\n"
                                            "; another: key\n"
                                            "\n"
                                            "  [run]  ; a section\n"
                                            "seed = 4099\n"
                                            "\t  seeds=a;b # c\t; said inline\n"
                                            "[pool.prefill-1]\n"
                                            "[empty]\n"
                                            "name = a = b: c\n"
                                            "none =\n"
                                            "last = #3"),
                     0);
    world_assert_value(world, "run", "seed", "4099", 5);
    world_assert_value(world, "run", "seeds", "a;b # c", 6);
    world_assert_value(world, "empty", "name", "a = b: c", 9);
    world_assert_value(world, "empty", "none", "", 10);
    world_assert_value(world, "empty", "last", "#3", 11);
    assert_string_equal(settings_find(&world->settings, "run", "seed")->file, "a.ini");
    assert_null(settings_find(&world->settings, "run", "see"));
    assert_null(settings_find(&world->settings, "ru", "seed"));
}

static void a_byte_order_mark_crlf_and_utf_8_are_fine(void **state)
{
    struct world *world = *state;
    assert_int_equal(
        world_read_text(world, "\xEF\xBB\xBF[run]\r\n"
                               "trace = \xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x80.csv\r\n"
                               "\r\n"
                               "seed = 7\r\n"),
        0);
    world_assert_value(world, "run", "trace",
                       "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x80.csv", 2);
    world_assert_value(world, "run", "seed", "7", 4);
    assert_int_equal(world_read_text(world, "\xEF\xBB\xBF"), 0);
    assert_int_equal(world_read_text(world, ""), 0);
    assert_null(world->settings.first);
}

static void an_indented_line_is_a_line_of_its_own(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, "[run]\nseed = 7\n  limit = 137\n\tx=y\n"),
                     0);
    world_assert_value(world, "run", "seed", "7", 2);
    world_assert_value(world, "run", "limit", "137", 3);
    world_assert_value(world, "run", "x", "y", 4);
}

static void a_line_of_199_bytes_is_read_whole_and_200_are_an_error(void **state)
{
    struct world *world = *state;
    const char *value = world_text(world, "", 'x', 199 - 8, "");
    assert_int_equal(world_read_text(world, world_text(world, "[run]\ntrace = ", 'x',
                                                       199 - 8, "\r\n")),
                     0);
    world_assert_value(world, "run", "trace", value, 2);
    world_assert_error(world, world_text(world, "[run]\ntrace = ", 'x', 200 - 8, "\n"),
                       "a.ini:2: the line is longer than 199 bytes");
    world_assert_error(world, world_text(world, "[run]\n;", 'x', 199, ""),
                       "a.ini:2: the line is longer than 199 bytes");
    world_assert_error(world, world_text(world, "\xEF\xBB\xBF;", 'x', 199, "\r\n"),
                       "a.ini:1: the line is longer than 199 bytes");
    assert_int_equal(
        world_read_text(world, world_text(world, "\xEF\xBB\xBF;", 'x', 198, "\r\n")),
        0);
    world_assert_error(world, world_text(world, "[run]\n;", 'x', 100000, "\n"),
                       "a.ini:2: the line is longer than 199 bytes");
}

static void a_value_that_would_not_fit_when_written_again_is_an_error(void **state)
{
    struct world *world = *state;
    world_assert_error(
        world, world_text(world, "[run]\ntrace=", 'x', 199 - 6, "\n"),
        "a.ini:2: trace: 'key = value' is longer than a line of 199 bytes");
    world_assert_error(
        world, "[run]\ntrace=;x\n",
        "a.ini:2: trace: the value has a ';' at its start or after a blank, where a "
        "comment begins");
}

static void a_name_has_at_most_49_bytes(void **state)
{
    struct world *world = *state;
    char sentence[512];
    const char *rule =
        "is no section name (at most 49 letters, digits, '_', '-' and, between "
        "others, '.')";
    assert_int_equal(
        world_read_text(world, world_text(world, "[", 's', 49, "]\nx = 1\n")), 0);
    world_assert_value(world, world_text(world, "", 's', 49, ""), "x", "1", 2);
    snprintf(sentence, sizeof sentence, "a.ini:1: '%s' %s",
             world_text(world, "[", 's', 50, "]"), rule);
    world_assert_error(world, world_text(world, "[", 's', 50, "]\nx = 1\n"), sentence);
    assert_int_equal(
        world_read_text(world, world_text(world, "[run]\n", 'k', 49, " = 7\n")), 0);
    world_assert_value(world, "run", world_text(world, "", 'k', 49, ""), "7", 2);
    snprintf(sentence, sizeof sentence,
             "a.ini:2: '%s' does not begin with a key (at most 49 letters, digits, '_' "
             "and '-')",
             world_text(world, "", 'k', 50, " = 7"));
    world_assert_error(world, world_text(world, "[run]\n", 'k', 50, " = 7\n"),
                       sentence);
}

static void a_name_has_letters_digits_and_few_signs(void **state)
{
    struct world *world = *state;
    static const char *const bad[] = {"[]",     "[ run]",    "[run ]", "[a b]",
                                      "[a.]",   "[.a]",      "[a..b]", "[a;b]",
                                      "[a ;b]", "[\xC3\xA4]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(world_read_text(world, bad[i]), -1);
        assert_string_equal(
            strstr(world->err.text, "is no"),
            "is no section name (at most 49 letters, digits, '_', '-' and, "
            "between others, '.')");
    }
    world_assert_error(
        world, "[run]\nmy key = 7\n",
        "a.ini:2: 'my key = 7' does not begin with a key (at most 49 letters, digits, "
        "'_' and '-')");
    world_assert_error(
        world, "[run]\na.b = 7\n",
        "a.ini:2: 'a.b = 7' does not begin with a key (at most 49 letters, digits, '_' "
        "and '-')");
}

static void what_is_no_entry_section_or_comment_is_an_error(void **state)
{
    struct world *world = *state;
    world_assert_error(
        world, "[run]\n\n seed\n",
        "a.ini:3: 'seed' is not 'key = value', a [section] or a comment");
    world_assert_error(
        world, "[run]\nseed: 7\n",
        "a.ini:2: 'seed: 7' is not 'key = value', a [section] or a comment");
    world_assert_error(world, "[run]\n = 7\n",
                       "a.ini:2: '= 7' is not 'key = value', a [section] or a comment");
    world_assert_error(world, "[run\n", "a.ini:1: '[run' has no ']'");
    world_assert_error(world, "[run] seed = 7\n",
                       "a.ini:1: '[run] seed = 7' goes on after the section's name");
    world_assert_error(world, "seed = 7\n[run]\n",
                       "a.ini:1: 'seed = 7' stands before the first [section]");
}

static void a_second_section_or_key_of_that_name_is_an_error_with_both_lines(
    void **state)
{
    struct world *world = *state;
    world_assert_error(world, "[run]\nseed = 7\n[slo]\nseed = 8\n\n[run]\n",
                       "a.ini:6: section [run] has begun on line 1 already");
    world_assert_error(world, "[run]\nseed = 7\nlimit = 137\nseed = 7\n",
                       "a.ini:4: [run] seed was given on line 2 already");
}

static void the_first_error_is_the_one_that_is_told(void **state)
{
    struct world *world = *state;
    world_assert_error(world, "[run]\nseed = 7\nseed = 8\n[run]\n[\n",
                       "a.ini:3: [run] seed was given on line 2 already");
}

static void bytes_that_are_no_text_are_an_error(void **state)
{
    struct world *world = *state;
    static const char nul[] = "[run]\nseed = 7\0 and more\n";
    assert_int_equal(world_read_bytes(world, nul, sizeof nul - 1), -1);
    assert_string_equal(world->err.text,
                        "a.ini:2: byte 0x00 is a control character or not UTF-8");
    static const char *const bad[] = {"\x01",
                                      "\x1B[31m",
                                      "\x7F",
                                      "a\rb",
                                      "\v",
                                      "\xFF",
                                      "\x80",
                                      "\xC3",
                                      "\xC3(",
                                      "\xC0\xAF",
                                      "\xE0\x80\xAF",
                                      "\xED\xA0\x80",
                                      "\xF0\x80\x80\xAF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80"};
    static const int bytes[] = {0x01, 0x1B, 0x7F, 0x0D, 0x0B, 0xFF, 0x80, 0xC3,
                                0xC3, 0xC0, 0xE0, 0xED, 0xF0, 0xF4, 0xF5};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64];
        char sentence[128];
        snprintf(text, sizeof text, "; %s", bad[i]);
        snprintf(sentence, sizeof sentence,
                 "a.ini:1: byte 0x%02x is a control character or not UTF-8",
                 (unsigned)bytes[i]);
        world_assert_error(world, text, sentence);
    }
}

static void a_file_that_cannot_be_opened_or_read_is_an_error(void **state)
{
    struct world *world = *state;
    assert_int_equal(
        settings_read(&world->settings, "b.ini", &world->arena, &world->err), -1);
    assert_string_equal(world->err.text,
                        "b.ini: cannot be opened: No such file or directory");
    mkdir("folder", 0700);
    assert_int_equal(
        settings_read(&world->settings, "folder", &world->arena, &world->err), -1);
    assert_string_equal(world->err.text, "folder: cannot be read: Is a directory");
    assert_int_equal(
        settings_read(&world->settings, "/dev/zero", &world->arena, &world->err), -1);
    assert_string_equal(world->err.text,
                        "/dev/zero:1: the line is longer than 199 bytes");
}

static void a_configuration_has_at_most_10000_lines(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_read_text(world, world_text(world, "", '\n', 9999, "[run]")),
                     0);
    world_assert_error(world, world_text(world, "", '\n', 10000, "[run]"),
                       "a.ini:10001: a configuration has at most 10000 lines");
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_with_sections_comments_and_lines),
        cmocka_unit_test(a_byte_order_mark_crlf_and_utf_8_are_fine),
        cmocka_unit_test(an_indented_line_is_a_line_of_its_own),
        cmocka_unit_test(a_line_of_199_bytes_is_read_whole_and_200_are_an_error),
        cmocka_unit_test(a_value_that_would_not_fit_when_written_again_is_an_error),
        cmocka_unit_test(a_name_has_at_most_49_bytes),
        cmocka_unit_test(a_name_has_letters_digits_and_few_signs),
        cmocka_unit_test(what_is_no_entry_section_or_comment_is_an_error),
        cmocka_unit_test(
            a_second_section_or_key_of_that_name_is_an_error_with_both_lines),
        cmocka_unit_test(the_first_error_is_the_one_that_is_told),
        cmocka_unit_test(bytes_that_are_no_text_are_an_error),
        cmocka_unit_test(a_file_that_cannot_be_opened_or_read_is_an_error),
        cmocka_unit_test(a_configuration_has_at_most_10000_lines),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        tests[i].setup_func = world_begin;
        tests[i].teardown_func = world_end;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
