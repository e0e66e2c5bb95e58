#include "output/compressed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/memory.h"

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name);
    size_t m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

static ssize_t gzip_write(void *cookie, const char *bytes, size_t n)
{
    int written = gzwrite(cookie, bytes, (unsigned)n);
    return written > 0 ? written : 0; /* 0 is the error that fopencookie knows */
}

static int gzip_close(void *cookie)
{
    return gzclose(cookie) == Z_OK ? 0 : -1;
}

struct zstd_file {
    FILE *out;
    ZSTD_CStream *stream;
};

/* Compresses `n` bytes; `mode` ZSTD_e_end finishes the frame. */
static int zstd_put(struct zstd_file *file, const char *bytes, size_t n,
                    ZSTD_EndDirective mode)
{
    char buffer[1 << 16];
    ZSTD_inBuffer in = {.src = bytes, .size = n};
    for (;;) {
        ZSTD_outBuffer out = {.dst = buffer, .size = sizeof buffer};
        size_t left = ZSTD_compressStream2(file->stream, &out, &in, mode);
        if (ZSTD_isError(left) || fwrite(buffer, 1, out.pos, file->out) != out.pos) {
            return -1;
        }
        if (mode == ZSTD_e_end ? left == 0 : in.pos == in.size) {
            return 0;
        }
    }
}

static ssize_t zstd_write(void *cookie, const char *bytes, size_t n)
{
    return zstd_put(cookie, bytes, n, ZSTD_e_continue) == 0 ? (ssize_t)n : 0;
}

static int zstd_close(void *cookie)
{
    struct zstd_file *file = cookie;
    int status = zstd_put(file, NULL, 0, ZSTD_e_end);
    ZSTD_freeCStream(file->stream);
    if (fclose(file->out) != 0) {
        status = -1;
    }
    free(file);
    return status;
}

static FILE *open_zstd(const char *path)
{
    struct zstd_file *file = memory_new(1, sizeof *file);
    file->out = fopen(path, "wxe");
    file->stream = ZSTD_createCStream();
    FILE *out = NULL;
    if (file->out != NULL && file->stream != NULL) {
        out = fopencookie(
            file, "w",
            (cookie_io_functions_t){.write = zstd_write, .close = zstd_close});
    }
    if (out == NULL) {
        if (file->out != NULL) {
            fclose(file->out);
        }
        ZSTD_freeCStream(file->stream);
        free(file);
    }
    return out;
}

static FILE *open_gzip(const char *path)
{
    gzFile file = gzopen(path, "wbex");
    if (file == NULL) {
        return NULL;
    }
    return fopencookie(
        file, "w", (cookie_io_functions_t){.write = gzip_write, .close = gzip_close});
}

FILE *compressed_open(const char *path, const char *name, struct err *err)
{
    FILE *out = ends_with(name, ".gz")    ? open_gzip(path)
                : ends_with(name, ".zst") ? open_zstd(path)
                                          : fopen(path, "wxe");
    if (out == NULL) {
        err_set(err, "%s: cannot create: %s", name, strerror(errno));
    }
    return out;
}
