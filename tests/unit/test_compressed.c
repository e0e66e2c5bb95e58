#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "input/source.h"
#include "output/compressed.h"

#include <signal.h>
#include <sys/resource.h>

enum { N_LINES = 100003 };

static FILE *must_open(const char *path, const char *name)
{
    struct err err = {""};
    FILE *out = compressed_open(path, name, &err);
    assert_string_equal(err.text, "");
    return out;
}

static void write_lines(FILE *out)
{
    for (int64_t i = 0; i < N_LINES; i++) {
        assert_true(fprintf(out, "%lld,%lld\n", (long long)i,
                            (long long)(i * 4099 % 9973)) > 0);
    }
}

static void assert_reads_back(const char *path)
{
    struct err err = {""};
    struct source *source = source_open(path, &err);
    assert_string_equal(err.text, "");
    struct source_line line;
    for (int64_t i = 0; i < N_LINES; i++) {
        char expected[64];
        int n = snprintf(expected, sizeof expected, "%lld,%lld", (long long)i,
                         (long long)(i * 4099 % 9973));
        assert_int_equal(source_next(source, &line, &err), 1);
        assert_int_equal(line.length, n);
        assert_memory_equal(line.text, expected, line.length);
    }
    assert_int_equal(source_next(source, &line, &err), 0);
    source_close(source);
}

static int64_t size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

static void assert_starts(const char *path, const char *magic, size_t n)
{
    char found[4] = "";
    FILE *in = fopen(path, "r");
    assert_int_equal(fread(found, 1, n, in), n);
    assert_memory_equal(found, magic, n);
    fclose(in);
}

static void the_ending_of_the_name_decides_and_everything_reads_back(void **state)
{
    (void)state;
    static const char *const names[] = {"trace.csv", "trace.csv.gz", "trace.csv.zst",
                                        "gz", "zst"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        FILE *out = must_open(names[i], names[i]);
        write_lines(out);
        assert_int_equal(fclose(out), 0);
        assert_reads_back(names[i]);
    }
    assert_starts("trace.csv.gz", "\x1f\x8b", 2);
    assert_starts("trace.csv.zst", "\x28\xb5\x2f\xfd", 4);
    assert_starts("gz", "0,0\n", 4); /* a name is not an ending */
    assert_starts("zst", "0,0\n", 4);
    assert_true(size_of("trace.csv.gz") * 2 < size_of("trace.csv"));
    assert_true(size_of("trace.csv.zst") * 2 < size_of("trace.csv"));
}

static void the_name_decides_and_not_the_path(void **state)
{
    (void)state;
    FILE *out = must_open("trace.tmp.137", "day.csv.zst");
    write_lines(out);
    assert_int_equal(fclose(out), 0);
    assert_starts("trace.tmp.137", "\x28\xb5\x2f\xfd", 4);
    assert_reads_back("trace.tmp.137");
}

static void a_file_of_nothing_is_a_whole_file(void **state)
{
    (void)state;
    static const char *const names[] = {"e.gz", "e.zst"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fclose(must_open(names[i], names[i])), 0);
        assert_true(size_of(names[i]) > 0);
        struct err err = {""};
        struct source *source = source_open(names[i], &err);
        assert_string_equal(err.text, "");
        struct source_line line;
        assert_int_equal(source_next(source, &line, &err), 0);
        source_close(source);
    }
}

static void a_file_that_cannot_be_created_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"x.csv", "x.gz", "x.zst"};
    for (int i = 0; i < 3; i++) {
        struct err err = {""};
        char expected[100];
        snprintf(expected, sizeof expected,
                 "%s: cannot create: No such file or directory", names[i]);
        assert_null(compressed_open("no/where", names[i], &err));
        assert_string_equal(err.text, expected);
        write_file(names[i], "", 0);
        snprintf(expected, sizeof expected, "%s: cannot create: File exists", names[i]);
        assert_null(compressed_open(names[i], names[i], &err));
        assert_string_equal(err.text, expected);
    }
}

/* Writes with room for `most` bytes on the disk; whether anybody said it failed. */
static bool fails_with_room_for(const char *name, rlim_t most)
{
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit limit = {.rlim_cur = most, .rlim_max = before.rlim_max};
    void (*on_signal)(int) = signal(SIGXFSZ, SIG_IGN);
    FILE *out = must_open(name, name);
    setrlimit(RLIMIT_FSIZE, &limit);
    bool failed = false;
    for (int i = 0; i < N_LINES; i++) {
        failed |= fprintf(out, "%d %d\n", i, i * 4099 % 9973) < 0;
    }
    failed |= fclose(out) != 0;
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, on_signal);
    assert_int_equal(unlink(name), 0);
    return failed;
}

static void a_disk_that_fills_up_is_told_by_a_write_or_by_the_close(void **state)
{
    (void)state;
    static const char *const names[] = {"f.csv", "f.gz", "f.zst"};
    for (int i = 0; i < 3; i++) {
        assert_true(fails_with_room_for(names[i], 13));
        assert_true(fails_with_room_for(names[i], 4099));
        assert_false(fails_with_room_for(names[i], 9000011));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ending_of_the_name_decides_and_everything_reads_back),
        cmocka_unit_test(the_name_decides_and_not_the_path),
        cmocka_unit_test(a_file_of_nothing_is_a_whole_file),
        cmocka_unit_test(a_file_that_cannot_be_created_is_an_error),
        cmocka_unit_test(a_disk_that_fills_up_is_told_by_a_write_or_by_the_close),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
