#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "input/source.h"

#include <fcntl.h>
#include <sys/resource.h>

enum { MIB = 1 << 20 };

static struct source *must_open(const char *path)
{
    struct err err = {0};
    struct source *source = source_open(path, &err);
    assert_string_equal(err.text, "");
    return source;
}

static void assert_line(struct source *source, int64_t number, const char *text,
                        bool has_newline)
{
    struct err err = {0};
    struct source_line line;
    int result = source_next(source, &line, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(result, 1);
    assert_int_equal(line.number, number);
    assert_int_equal(line.length, strlen(text));
    assert_memory_equal(line.text, text, line.length);
    assert_int_equal(line.has_newline, has_newline);
}

static void assert_refused(struct source *source, const char *text)
{
    struct err err = {0};
    struct source_line line;
    assert_int_equal(source_next(source, &line, &err), -1);
    assert_string_equal(err.text, text);
}

static void assert_end(struct source *source)
{
    struct err err = {0};
    struct source_line line;
    assert_int_equal(source_next(source, &line, &err), 0);
}

static void lines_are_counted_and_the_last_one_says_whether_it_was_closed(void **state)
{
    (void)state;
    write_file("a.csv", "one,1\r\n\nthree", 13);
    struct source *source = must_open("a.csv");
    assert_string_equal(source_name(source), "a.csv");
    assert_line(source, 1, "one,1\r", true);
    assert_line(source, 2, "", true);
    assert_line(source, 3, "three", false);
    assert_end(source);
    assert_end(source);
    source_close(source);
}

static void an_empty_file_has_no_lines(void **state)
{
    (void)state;
    write_file("empty", "", 0);
    struct source *source = must_open("empty");
    assert_end(source);
    source_close(source);
}

static void a_line_of_1_mib_is_read_and_a_longer_one_is_passed_over(void **state)
{
    (void)state;
    char *text = memory_new(10 * MIB + 7, 1);
    memset(text, '7', 10 * MIB);
    text[MIB] = '\n';
    text[2 * MIB + 2] = '\n';
    memcpy(text + 10 * MIB, "\nlast\n", 6);
    write_file("long", text, 10 * MIB + 6);
    struct source *source = must_open("long");
    struct err err;
    struct source_line line;
    assert_int_equal(source_next(source, &line, &err), 1);
    assert_int_equal(line.length, MIB);
    assert_refused(source, "long:2: the line is longer than 1 MiB");
    assert_false(source_broken(source));
    assert_refused(source, "long:3: the line is longer than 1 MiB");
    assert_int_equal(source_line_number(source), 3);
    assert_line(source, 4, "last", true);
    assert_end(source);
    source_close(source);
    free(text);
}

static void a_decompression_bomb_does_not_grow_memory(void **state)
{
    (void)state;
    enum { BOMB_MIB = 96 };
    char *text = memory_new(MIB, 1);
    memset(text, 'x', MIB);
    uint8_t *bytes = memory_new(MIB, 1);
    write_file("bomb", bytes, to_gzip(text, MIB, BOMB_MIB, bytes, MIB));
    struct rusage before;
    struct rusage after;
    getrusage(RUSAGE_SELF, &before);
    struct source *source = must_open("bomb");
    assert_refused(source, "bomb:1: the line is longer than 1 MiB");
    assert_end(source);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < BOMB_MIB / 3 * 1024); /* in KiB */
    source_close(source);
    free(bytes);
    free(text);
}

static void a_nul_byte_is_an_error_at_its_line_and_reading_goes_on_below(void **state)
{
    (void)state;
    write_file("nul", "one\ntw\0o\nthree\n\0", 16);
    struct source *source = must_open("nul");
    assert_line(source, 1, "one", true);
    assert_refused(source,
                   "nul:2: the line holds a NUL byte: this is no text in UTF-8");
    assert_line(source, 3, "three", true);
    assert_refused(source,
                   "nul:4: the line holds a NUL byte: this is no text in UTF-8");
    assert_false(source_broken(source));
    assert_end(source);
    source_close(source);
}

static void rewinding_reads_again_and_the_hash_stays_that_of_the_file(void **state)
{
    (void)state;
    static const char hash[] = "bbfb79e82216bd2db1ad2c507d44ddf8"
                               "0aeb12f64f9562056afe93aad43154d9";
    write_file("a.txt", "alpha\nbeta", 10);
    struct err err = {0};
    struct source *source = must_open("a.txt");
    char hex[65];
    for (int pass = 0; pass < 3; pass++) {
        assert_line(source, 1, "alpha", true);
        if (pass > 0) { /* the first pass is left before its end */
            assert_line(source, 2, "beta", false);
            assert_end(source);
        }
        assert_int_equal(source_rewind(source, &err), 0);
    }
    assert_line(source, 1, "alpha", true);
    assert_int_equal(source_sha256(source, hex, &err), 0);
    assert_string_equal(hex, hash);
    assert_end(source);
    source_close(source);
}

static void a_broken_file_stays_broken_until_it_is_rewound(void **state)
{
    (void)state;
    static const char message[] =
        "a.gz: the gzip data breaks off at byte 20, the end of "
        "the file: the file is cut off";
    uint8_t bytes[256];
    size_t length = to_gzip("alpha\nbeta\n", 11, 1, bytes, sizeof bytes);
    write_file("a.gz", bytes, 20);
    struct source *source = must_open("a.gz");
    struct err err = {0};
    char hex[65];
    struct source_line line;
    while (source_next(source, &line, &err) == 1) {
    }
    assert_string_equal(err.text, message);
    assert_true(source_broken(source));
    assert_refused(source, message);
    assert_int_equal(source_sha256(source, hex, &err), -1);
    assert_string_equal(err.text, message);
    write_file("a.gz", bytes, length);
    assert_int_equal(source_rewind(source, &err), 0);
    assert_line(source, 1, "alpha", true);
    source_close(source);
}

static void a_file_that_vanished_cannot_be_rewound(void **state)
{
    (void)state;
    write_file("gone", "4099\n", 5);
    struct source *source = must_open("gone");
    remove("gone");
    struct err err = {0};
    assert_int_equal(source_rewind(source, &err), -1);
    assert_string_equal(err.text, "gone: cannot be opened: No such file or directory");
    assert_true(source_broken(source));
    assert_refused(source, "gone: cannot be opened: No such file or directory");
    source_close(source);
}

static void standard_input_is_read_once(void **state)
{
    (void)state;
    write_file("in", "alpha\n", 6);
    int kept = dup(STDIN_FILENO);
    int file = open("in", O_RDONLY);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    struct source *source = must_open("-");
    assert_line(source, 1, "alpha", true);
    assert_end(source);
    struct err err = {0};
    assert_int_equal(source_rewind(source, &err), -1);
    assert_string_equal(err.text, "standard input: cannot be read twice: give a file");
    source_close(source);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* it is not ours to close */
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_counted_and_the_last_one_says_whether_it_was_closed),
        cmocka_unit_test(an_empty_file_has_no_lines),
        cmocka_unit_test(a_line_of_1_mib_is_read_and_a_longer_one_is_passed_over),
        cmocka_unit_test(a_decompression_bomb_does_not_grow_memory),
        cmocka_unit_test(a_nul_byte_is_an_error_at_its_line_and_reading_goes_on_below),
        cmocka_unit_test(rewinding_reads_again_and_the_hash_stays_that_of_the_file),
        cmocka_unit_test(a_broken_file_stays_broken_until_it_is_rewound),
        cmocka_unit_test(a_file_that_vanished_cannot_be_rewound),
        cmocka_unit_test(standard_input_is_read_once),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
