#include "input/bytes.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    RAW_BYTES = 1 << 16,
    MAGIC_BYTES = 4,
    WINDOW_LOG_MOST = 23,
    GZIP_ONLY = 15 + 16 /* zlib's way to say: largest window, gzip header */
};

enum kind { KIND_PLAIN, KIND_GZIP, KIND_ZSTD };

struct bytes {
    char *path;
    bool is_stdin;
    int fd; /* -1: none that is ours to close */
    bool ended;

    uint8_t *raw; /* bytes of the file; [at, length) are not decoded yet */
    size_t at;
    size_t length;
    int64_t n_read;

    struct sha256_ctx hash;
    bool hashed; /* a pass has seen the end: `hex` stands */
    char hex[65];

    enum kind kind;
    bool inside; /* a gzip member or zstd frame that has not ended yet */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

static void hash_end(struct bytes *bytes)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&bytes->hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(bytes->hex + 2 * i, 3, "%02x", digest[i]);
    }
    bytes->hashed = true;
}

/* Reads behind the raw bytes that are still there.  A signal that interrupts it is an
 * error too: nobody should wait for a pipe after Ctrl-C. */
static int read_raw(struct bytes *bytes, struct err *err)
{
    if (bytes->at == bytes->length) {
        bytes->at = 0;
        bytes->length = 0;
    }
    uint8_t *to = bytes->raw + bytes->length;
    int fd = bytes->is_stdin ? STDIN_FILENO : bytes->fd;
    ssize_t n = read(fd, to, RAW_BYTES - bytes->length);
    if (n < 0) {
        return err_set(err, "%s: cannot be read: %s", bytes_name(bytes),
                       strerror(errno));
    }
    bytes->length += (size_t)n;
    bytes->n_read += n;
    bytes->ended = n == 0;
    if (!bytes->hashed) {
        sha256_update(&bytes->hash, (size_t)n, to);
        if (bytes->ended) {
            hash_end(bytes);
        }
    }
    return 0;
}

static int64_t position(const struct bytes *bytes)
{
    return bytes->n_read - (int64_t)(bytes->length - bytes->at);
}

static int broken(const struct bytes *bytes, const char *kind, const char *reason,
                  struct err *err)
{
    return err_set(err,
                   "%s: the %s data is broken near byte %" PRId64 " of the file (%s)",
                   bytes_name(bytes), kind, position(bytes), reason);
}

static int cut_off(const struct bytes *bytes, struct err *err)
{
    return err_set(err,
                   "%s: the %s data breaks off at byte %" PRId64
                   ", the end of the file: the file is cut off",
                   bytes_name(bytes), bytes->kind == KIND_GZIP ? "gzip" : "zstd",
                   position(bytes));
}

static size_t decode_plain(struct bytes *bytes, char *to, size_t room)
{
    size_t left = bytes->length - bytes->at;
    size_t n = left < room ? left : room;
    memcpy(to, bytes->raw + bytes->at, n);
    bytes->at += n;
    return n;
}

static int decode_gzip(struct bytes *bytes, char *to, size_t room, size_t *made,
                       struct err *err)
{
    z_stream *gzip = &bytes->gzip;
    if (!bytes->inside) {
        CHECK(inflateReset(gzip) == Z_OK); /* a file may hold several members */
    }
    gzip->next_in = bytes->raw + bytes->at;
    gzip->avail_in = (uInt)(bytes->length - bytes->at);
    gzip->next_out = (Bytef *)to;
    gzip->avail_out = (uInt)room;
    int result = inflate(gzip, Z_NO_FLUSH);
    bytes->at = bytes->length - gzip->avail_in;
    bytes->inside = result != Z_STREAM_END;
    *made = room - gzip->avail_out;
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) {
        return 0;
    }
    return broken(bytes, "gzip", gzip->msg != NULL ? gzip->msg : zError(result), err);
}

static int decode_zstd(struct bytes *bytes, char *to, size_t room, size_t *made,
                       struct err *err)
{
    ZSTD_inBuffer in = {bytes->raw, bytes->length, bytes->at};
    ZSTD_outBuffer out = {to, room, 0};
    size_t result = ZSTD_decompressStream(bytes->zstd, &out, &in);
    bytes->at = in.pos;
    bytes->inside = result != 0;
    *made = out.pos;
    if (!ZSTD_isError(result)) {
        return 0;
    }
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
        return err_set(
            err,
            "%s: the zstd data needs a window of more than 8 MB: compress it "
            "again without --long or --ultra",
            bytes_name(bytes));
    }
    return broken(bytes, "zstd", ZSTD_getErrorName(result), err);
}

static int decode(struct bytes *bytes, char *to, size_t room, size_t *made,
                  struct err *err)
{
    switch (bytes->kind) {
    case KIND_PLAIN:
        *made = decode_plain(bytes, to, room);
        return 0;
    case KIND_GZIP:
        return decode_gzip(bytes, to, room, made, err);
    case KIND_ZSTD:
        return decode_zstd(bytes, to, room, made, err);
    }
    CHECK(false);
    return -1;
}

int bytes_read(struct bytes *bytes, char *to, size_t room, size_t *made,
               struct err *err)
{
    CHECK(room > 0);
    *made = 0;
    while (*made == 0) {
        if (bytes->at == bytes->length && !bytes->ended && read_raw(bytes, err) != 0) {
            return -1;
        }
        bool no_more = bytes->at == bytes->length;
        if (no_more && !bytes->inside) {
            return 0;
        }
        if (decode(bytes, to, room, made, err) != 0) {
            return -1;
        }
        if (no_more && *made == 0) {
            return cut_off(bytes, err);
        }
    }
    return 0;
}

/* zlib's allocator, so that running out of memory is said the way the house says it. */
static void *zlib_new(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return memory_new(count, size);
}

static void zlib_free(void *opaque, void *block)
{
    (void)opaque;
    free(block);
}

static enum kind kind_of(const uint8_t *first, size_t length)
{
    static const uint8_t zstd[MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};
    if (length >= 2 && first[0] == 0x1f && first[1] == 0x8b) {
        return KIND_GZIP;
    }
    if (length < MAGIC_BYTES) {
        return KIND_PLAIN;
    }
    bool is_skippable = (first[0] & 0xf0) == 0x50 && first[1] == 0x2a &&
                        first[2] == 0x4d && first[3] == 0x18; /* pzstd begins so */
    return is_skippable || memcmp(first, zstd, MAGIC_BYTES) == 0 ? KIND_ZSTD
                                                                 : KIND_PLAIN;
}

static int begin_kind(struct bytes *bytes, struct err *err)
{
    while (bytes->length < MAGIC_BYTES && !bytes->ended) {
        if (read_raw(bytes, err) != 0) {
            return -1;
        }
    }
    bytes->kind = kind_of(bytes->raw, bytes->length);
    if (bytes->kind == KIND_GZIP) {
        bytes->gzip = (z_stream){.zalloc = zlib_new, .zfree = zlib_free};
        CHECK(inflateInit2(&bytes->gzip, GZIP_ONLY) == Z_OK);
    }
    if (bytes->kind == KIND_ZSTD) {
        bytes->zstd = ZSTD_createDStream();
        if (bytes->zstd == NULL) {
            return err_set(err, "%s: no memory left to read it", bytes_name(bytes));
        }
        ZSTD_DCtx_setParameter(bytes->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MOST);
    }
    return 0;
}

static int begin_pass(struct bytes *bytes, struct err *err)
{
    if (!bytes->is_stdin) {
        bytes->fd = open(bytes->path, O_RDONLY | O_CLOEXEC);
        if (bytes->fd < 0) {
            return err_set(err, "%s: cannot be opened: %s", bytes_name(bytes),
                           strerror(errno));
        }
    }
    if (!bytes->hashed) {
        sha256_init(&bytes->hash);
    }
    return begin_kind(bytes, err);
}

static void end_pass(struct bytes *bytes)
{
    if (bytes->kind == KIND_GZIP) {
        inflateEnd(&bytes->gzip);
    }
    ZSTD_freeDStream(bytes->zstd); /* NULL is fine */
    bytes->zstd = NULL;
    bytes->kind = KIND_PLAIN;
    if (bytes->fd >= 0) {
        close(bytes->fd);
    }
    bytes->fd = -1;
    bytes->ended = false;
    bytes->inside = false;
    bytes->at = 0;
    bytes->length = 0;
    bytes->n_read = 0;
}

struct bytes *bytes_open(const char *path, struct err *err)
{
    struct bytes *bytes = memory_new(1, sizeof *bytes);
    bytes->path = memory_copy(path, strlen(path));
    bytes->is_stdin = strcmp(path, "-") == 0;
    bytes->fd = -1;
    bytes->raw = memory_new(RAW_BYTES, 1);
    if (begin_pass(bytes, err) != 0) {
        bytes_close(bytes);
        return NULL;
    }
    return bytes;
}

const char *bytes_name(const struct bytes *bytes)
{
    return bytes->is_stdin ? "standard input" : bytes->path;
}

int bytes_rewind(struct bytes *bytes, struct err *err)
{
    struct stat status;
    if (bytes->is_stdin || (bytes->fd >= 0 && fstat(bytes->fd, &status) == 0 &&
                            !S_ISREG(status.st_mode))) {
        return err_set(err, "%s: cannot be read twice: give a file", bytes_name(bytes));
    }
    end_pass(bytes);
    return begin_pass(bytes, err);
}

int bytes_sha256(struct bytes *bytes, char hex[65], struct err *err)
{
    bytes->at = bytes->length;
    bytes->inside = false;
    while (!bytes->hashed) {
        if (read_raw(bytes, err) != 0) {
            return -1;
        }
        bytes->at = bytes->length;
    }
    bytes->ended = true;
    memcpy(hex, bytes->hex, sizeof bytes->hex);
    return 0;
}

void bytes_close(struct bytes *bytes)
{
    end_pass(bytes);
    free(bytes->raw);
    free(bytes->path);
    free(bytes);
}
