/* files: a folder of its own for each test program, and files in it.
 *
 * enter_folder and leave_folder are the group's setup and teardown; between them the
 * program stands in an empty folder, so that messages hold bare file names.
 */
#ifndef SERVESIM_TESTS_FILES_H
#define SERVESIM_TESTS_FILES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static inline int enter_folder(void **state)
{
    char *folder = strdup("/tmp/servesim.XXXXXX");
    *state = folder;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static inline int leave_folder(void **state)
{
    DIR *folder = opendir(".");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        remove(entry->d_name);
    }
    closedir(folder);
    int result = chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1;
    free(*state);
    return result;
}

static inline void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void append_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* `text` `n` times as one gzip member. */
static inline size_t to_gzip(const char *text, size_t length, int n, uint8_t *to,
                             size_t room)
{
    z_stream gzip = {0};
    assert_int_equal(deflateInit2(&gzip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    gzip.next_out = to;
    gzip.avail_out = (uInt)room;
    for (int i = 0; i < n; i++) {
        gzip.next_in = (Bytef *)(uintptr_t)text; /* zlib only reads it */
        gzip.avail_in = (uInt)length;
        assert_int_equal(deflate(&gzip, Z_NO_FLUSH), Z_OK);
    }
    assert_int_equal(deflate(&gzip, Z_FINISH), Z_STREAM_END);
    size_t made = room - gzip.avail_out;
    deflateEnd(&gzip);
    return made;
}

#endif
