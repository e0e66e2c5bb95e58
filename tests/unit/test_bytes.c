#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../support/files.h"
#include "base/memory.h"
#include "input/bytes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <zstd.h>

enum { MOST = 1 << 20 };

static struct bytes *must_open(const char *path)
{
    struct err err = {0};
    struct bytes *bytes = bytes_open(path, &err);
    assert_string_equal(err.text, "");
    return bytes;
}

static void assert_not_opened(const char *path, const char *text)
{
    struct err err = {0};
    assert_null(bytes_open(path, &err));
    assert_string_equal(err.text, text);
}

/* Reads to the end, at most `step` bytes at a time, and gives how the last read went.
 */
static int read_all(struct bytes *bytes, char *to, size_t step, size_t *length,
                    struct err *err)
{
    *length = 0;
    for (;;) {
        size_t made = 0;
        if (bytes_read(bytes, to + *length, step, &made, err) != 0) {
            return -1;
        }
        if (made == 0) {
            return 0;
        }
        assert_true(made <= step);
        *length += made;
        assert_true(*length + step <= MOST);
    }
}

static void assert_contents(const char *path, size_t step, const char *text,
                            size_t length)
{
    char *to = memory_new(MOST, 1);
    struct err err = {0};
    struct bytes *bytes = must_open(path);
    size_t made;
    assert_int_equal(read_all(bytes, to, step, &made, &err), 0);
    assert_int_equal(made, length);
    assert_memory_equal(to, text, length);
    bytes_close(bytes);
    free(to);
}

/* What comes before the fault is `text` or its beginning; it returns how much. */
static size_t assert_broken(const char *path, const char *text, const char *message)
{
    char *to = memory_new(MOST, 1);
    struct err err = {0};
    struct bytes *bytes = must_open(path);
    size_t made;
    assert_int_equal(read_all(bytes, to, 4099, &made, &err), -1);
    assert_string_equal(err.text, message);
    assert_true(made <= strlen(text));
    assert_memory_equal(to, text, made);
    bytes_close(bytes);
    free(to);
    return made;
}

static void gzip_members_one_behind_the_other_read_as_one_text(void **state)
{
    (void)state;
    uint8_t bytes[256];
    write_file("two", bytes, to_gzip("alpha\nbe", 8, 1, bytes, sizeof bytes));
    append_file("two", bytes, to_gzip("", 0, 1, bytes, sizeof bytes));
    append_file("two", bytes, to_gzip("ta\ngamma\n", 9, 1, bytes, sizeof bytes));
    assert_contents("two", 4099, "alpha\nbeta\ngamma\n", 17);
    assert_contents("two", 1, "alpha\nbeta\ngamma\n", 17);
}

static void zstd_frames_with_a_skippable_one_in_front_read_as_one_text(void **state)
{
    (void)state;
    static const uint8_t skippable[] = {0x5c, 0x2a, 0x4d, 0x18, 3,  0,
                                        0,    0,    'x',  'y',  'z'};
    uint8_t bytes[256];
    write_file("two", skippable, sizeof skippable);
    append_file("two", bytes, ZSTD_compress(bytes, sizeof bytes, "alpha\nbe", 8, 3));
    append_file("two", bytes, ZSTD_compress(bytes, sizeof bytes, "", 0, 3));
    append_file("two", bytes, ZSTD_compress(bytes, sizeof bytes, "ta\ngamma", 8, 19));
    assert_contents("two", 4099, "alpha\nbeta\ngamma", 16);
    assert_contents("two", 1, "alpha\nbeta\ngamma", 16);
}

static void a_long_text_is_the_same_plain_gzip_and_zstd(void **state)
{
    (void)state;
    enum { ROWS = 40993, ROW_BYTES = 13, LENGTH = ROWS * ROW_BYTES };
    char *text = memory_new(LENGTH + 1, 1);
    for (int i = 0; i < ROWS; i++) {
        snprintf(text + (size_t)i * ROW_BYTES, ROW_BYTES + 1, "%06d,%05d\n", i,
                 i % 4099);
    }
    uint8_t *bytes = memory_new(LENGTH, 1);
    write_file("long", text, LENGTH);
    write_file("long.gz", bytes, to_gzip(text, LENGTH, 1, bytes, LENGTH));
    write_file("long.zst", bytes, ZSTD_compress(bytes, LENGTH, text, LENGTH, 3));
    const char *paths[] = {"long", "long.gz", "long.zst"};
    for (int i = 0; i < 3; i++) {
        assert_contents(paths[i], 137, text, LENGTH);
        assert_contents(paths[i], 65536, text, LENGTH);
    }
    free(bytes);
    free(text);
}

static void the_name_of_a_file_does_not_say_how_it_is_compressed(void **state)
{
    (void)state;
    uint8_t bytes[64];
    write_file("a.gz", "\x1f", 1);
    assert_contents("a.gz", 4099, "\x1f", 1);
    write_file("b.csv", bytes, to_gzip("4099\n", 5, 1, bytes, sizeof bytes));
    assert_contents("b.csv", 4099, "4099\n", 5);
    write_file("c.zst", "", 0);
    assert_contents("c.zst", 4099, "", 0);
}

/* A file cut anywhere gives what came before the cut, then one sentence. */
static void check_cut(const uint8_t *bytes, size_t length, const char *text,
                      const char *kind)
{
    size_t most = 0;
    for (size_t cut = 5; cut < length; cut++) {
        char expected[256];
        snprintf(
            expected, sizeof expected,
            "cut: the %s data breaks off at byte %zu, the end of the file: the file "
            "is cut off",
            kind, cut);
        write_file("cut", bytes, cut);
        size_t made = assert_broken("cut", text, expected);
        most = made > most ? made : most;
    }
    assert_int_equal(most, strlen(text)); /* all but the checksum was there */
}

static void a_cut_off_compressed_file_is_one_sentence(void **state)
{
    (void)state;
    static const char text[] = "0.0137,4099,4093\n0.0137,4099,17\n0.0139,4099,4093\n";
    uint8_t bytes[256];
    check_cut(bytes, to_gzip(text, strlen(text), 1, bytes, sizeof bytes), text, "gzip");

    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    size_t length = ZSTD_compress2(zstd, bytes, sizeof bytes, text, strlen(text));
    ZSTD_freeCCtx(zstd);
    check_cut(bytes, length, text, "zstd");
}

static void broken_compressed_data_is_one_sentence_with_its_place(void **state)
{
    (void)state;
    uint8_t bytes[512];
    char expected[256];
    size_t length = to_gzip("some line 0137\n", 15, 1, bytes, sizeof bytes);
    write_file("a.gz", bytes, length);
    append_file("a.gz", "trailing", 8);
    snprintf(
        expected, sizeof expected,
        "a.gz: the gzip data is broken near byte %zu of the file (incorrect header "
        "check)",
        length + 2);
    assert_int_equal(assert_broken("a.gz", "some line 0137\n", expected), 15);

    bytes[length - 5] ^= 0x40; /* the last byte of the checksum */
    write_file("b.gz", bytes, length);
    snprintf(expected, sizeof expected,
             "b.gz: the gzip data is broken near byte %zu of the file (incorrect data "
             "check)",
             length - 4);
    assert_broken("b.gz", "some line 0137\n", expected);

    write_file("c.zst", "\x28\xb5\x2f\xfd\x20\x03\xff\xff\xff\xff", 10);
    assert_broken(
        "c.zst", "",
        "c.zst: the zstd data is broken near byte 0 of the file (Data corruption "
        "detected)");
}

static void a_zstd_window_over_8_mb_is_refused(void **state)
{
    (void)state;
    for (int log = 23; log <= 24; log++) {
        uint8_t bytes[256];
        ZSTD_CCtx *zstd = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, log);
        ZSTD_inBuffer in = {"4099\n", 5, 0};
        ZSTD_outBuffer out = {bytes, sizeof bytes, 0};
        ZSTD_compressStream2(zstd, &out, &in,
                             ZSTD_e_flush); /* the size stays unknown */
        ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_end);
        ZSTD_freeCCtx(zstd);
        write_file("w.zst", bytes, out.pos);
        if (log == 23) {
            assert_contents("w.zst", 4099, "4099\n", 5);
        } else {
            assert_broken(
                "w.zst", "",
                "w.zst: the zstd data needs a window of more than 8 MB: compress "
                "it again without --long or --ultra");
        }
    }
}

static void what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    assert_int_equal(mkdir("folder", 0700), 0);
    write_file("locked", "4099\n", 5);
    assert_int_equal(chmod("locked", 0), 0);
    assert_not_opened("folder", "folder: cannot be read: Is a directory");
    assert_not_opened("no/such",
                      "no/such: cannot be opened: No such file or directory");
    bool is_root = geteuid() == 0;
    if (is_root && seteuid(65534) != 0) {
        skip();
    }
    struct err err = {0};
    struct bytes *bytes = bytes_open("locked", &err);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_null(bytes);
    assert_string_equal(err.text, "locked: cannot be opened: Permission denied");
}

static void the_hash_covers_what_was_not_read(void **state)
{
    (void)state;
    write_file("abc", "abc", 3);
    struct bytes *bytes = must_open("abc");
    struct err err = {0};
    char hex[65];
    assert_int_equal(bytes_sha256(bytes, hex, &err), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-4 */
    char c;
    size_t made = 4099;
    assert_int_equal(bytes_read(bytes, &c, 1, &made, &err), 0);
    assert_int_equal(made, 0);
    bytes_close(bytes);
}

static void a_pipe_is_read_once(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "4099\n", 5), 5);
    close(ends[1]);
    char path[64];
    char expected[128];
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    snprintf(expected, sizeof expected, "%s: cannot be read twice: give a file", path);
    struct bytes *bytes = must_open(path);
    struct err err = {0};
    assert_int_equal(bytes_rewind(bytes, &err), -1);
    assert_string_equal(err.text, expected);
    bytes_close(bytes);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_members_one_behind_the_other_read_as_one_text),
        cmocka_unit_test(zstd_frames_with_a_skippable_one_in_front_read_as_one_text),
        cmocka_unit_test(a_long_text_is_the_same_plain_gzip_and_zstd),
        cmocka_unit_test(the_name_of_a_file_does_not_say_how_it_is_compressed),
        cmocka_unit_test(a_cut_off_compressed_file_is_one_sentence),
        cmocka_unit_test(broken_compressed_data_is_one_sentence_with_its_place),
        cmocka_unit_test(a_zstd_window_over_8_mb_is_refused),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(the_hash_covers_what_was_not_read),
        cmocka_unit_test(a_pipe_is_read_once),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
