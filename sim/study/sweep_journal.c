#include "study/sweep_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include "base/check.h"
#include "base/memory.h"

static const char sum_name[] = "\tcrc32=";
enum {
    SUM_LENGTH = sizeof sum_name - 1 + 8 + 1
}; /* 8 digits and the end of the line */

static uint32_t sum_of(const char *line, size_t length)
{
    return (uint32_t)crc32(0, (const unsigned char *)line, (uInt)length);
}

/* The point of a whole line of `length` bytes; -1: it is torn. */
static int64_t check_line(const char *line, size_t length, int64_t n_points)
{
    char expected[SUM_LENGTH + 1];
    if (length <= SUM_LENGTH || line[length - 1] != '\n') {
        return -1;
    }
    size_t body = length - SUM_LENGTH;
    snprintf(expected, sizeof expected, "%s%08" PRIx32 "\n", sum_name,
             sum_of(line, body));
    if (memcmp(line + body, expected, SUM_LENGTH) != 0) {
        return -1;
    }
    char *end;
    int64_t point = strtoll(line, &end, 10);
    return *end == '\t' && point >= 0 && point < n_points ? point : -1;
}

static int read_at(const struct sweep_journal *journal, int64_t offset, char *to,
                   size_t length, struct err *err)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(journal->fd, to + done, length - done, offset + (off_t)done);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return err_set(err, "%s: cannot be read: %s", journal->path,
                           n == 0 ? "it has become shorter" : strerror(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* 1: the journal has that very line; 0: it has not that point; -1: it has another. */
static int compare(const struct sweep_journal *journal, int64_t point, const char *line,
                   size_t length, const char *from, struct err *err)
{
    const struct sweep_journal_place *place = &journal->places[point];
    if (place->length == 0) {
        return 0;
    }
    char *before = memory_new((size_t)place->length, 1);
    int status = read_at(journal, place->offset, before, (size_t)place->length, err);
    if (status == 0) {
        bool same =
            (size_t)place->length == length && memcmp(before, line, length) == 0;
        status = same ? 1
                      : err_set(err,
                                "%s: point %" PRId64 " was there already, with "
                                "other values",
                                from, point);
    }
    free(before);
    return status;
}

/* Calls `visit` with every whole line of the file; *end becomes where the last one ends. */
static int scan(struct sweep_journal *journal, int fd, const char *path, int64_t *end,
                int64_t *n_dropped,
                int (*visit)(struct sweep_journal *journal, int64_t point, char *line,
                             size_t length, int64_t offset, const char *path,
                             struct err *err),
                struct err *err)
{
    FILE *in = fdopen(fd, "r");
    if (in == NULL) {
        close(fd);
        return err_set(err, "%s: cannot be read: %s", path, strerror(errno));
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int64_t offset = 0;
    int status = 0;
    *end = 0;
    while (status == 0 && (length = getline(&line, &room, in)) > 0) {
        int64_t point = check_line(line, (size_t)length, journal->n_points);
        if (point >= 0) {
            status = visit(journal, point, line, (size_t)length, offset, path, err);
        } else {
            (*n_dropped)++;
        }
        offset += length;
        *end = line[length - 1] == '\n' ? offset : *end;
    }
    if (status == 0 && ferror(in)) {
        status = err_set(err, "%s: cannot be read: %s", path, strerror(errno));
    }
    free(line);
    fclose(in);
    return status;
}

static int keep_line(struct sweep_journal *journal, int64_t point, char *line,
                     size_t length, int64_t offset, const char *path, struct err *err)
{
    int found = compare(journal, point, line, length, path, err);
    if (found == 0) {
        journal->places[point] =
            (struct sweep_journal_place){.offset = offset, .length = (int32_t)length};
        journal->n_done++;
    }
    return found < 0 ? -1 : 0;
}

static int set_path(char path[512], const char *folder, struct err *err)
{
    int length = snprintf(path, 512, "%s/journal", folder);
    return length < 512 ? 0
                        : err_set(err, "-o %.400s: the path is longer than %d bytes",
                                  folder, 511 - (int)strlen("/journal"));
}

static int lock_file(int fd, const char *folder, struct err *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    if (errno == EWOULDBLOCK) {
        return err_set(err, "-o %s: another servesim is at work on this sweep", folder);
    }
    return err_set(err, "-o %s: its journal cannot be locked: %s", folder,
                   strerror(errno));
}

int sweep_journal_check_free(const char *folder, struct err *err)
{
    char path[512];
    if (set_path(path, folder, err) != 0) {
        return -1;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    int status = lock_file(fd, folder, err);
    close(fd);
    return status;
}

int sweep_journal_open(struct sweep_journal *journal, const char *folder,
                       int64_t n_points, bool create, struct err *err)
{
    *journal = (struct sweep_journal){.fd = -1, .n_points = n_points};
    pthread_mutex_init(&journal->lock, NULL);
    journal->places = memory_new((size_t)n_points, sizeof *journal->places);
    if (set_path(journal->path, folder, err) != 0) {
        return -1;
    }
    int flags = O_RDWR | O_APPEND | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0);
    journal->fd = open(journal->path, flags, 0666);
    if (journal->fd < 0) {
        return err_set(err, "%s: cannot be opened: %s", journal->path, strerror(errno));
    }
    if (lock_file(journal->fd, folder, err) != 0) {
        return -1;
    }
    int again = open(journal->path, O_RDONLY | O_CLOEXEC); /* has its own position */
    if (again < 0) {
        return err_set(err, "%s: cannot be opened: %s", journal->path, strerror(errno));
    }
    if (scan(journal, again, journal->path, &journal->end, &journal->n_dropped,
             keep_line, err) != 0) {
        return -1;
    }
    if (ftruncate(journal->fd, journal->end) != 0) {
        return err_set(err, "%s: cannot be cut: %s", journal->path, strerror(errno));
    }
    return 0;
}

void sweep_journal_close(struct sweep_journal *journal)
{
    if (journal->places == NULL) {
        return;
    }
    if (journal->fd >= 0) {
        close(journal->fd);
    }
    free(journal->places);
    journal->places = NULL;
    pthread_mutex_destroy(&journal->lock);
}

/* With the lock held. */
static int append(struct sweep_journal *journal, int64_t point, const char *line,
                  size_t length, struct err *err)
{
    ssize_t n = write(journal->fd, line, length);
    if (n != (ssize_t)length) {
        int status = err_set(err, "%s: cannot write: %s", journal->path,
                             n >= 0 ? "no room for the whole line" : strerror(errno));
        /* what was written of it would be dropped as torn; if this fails it will be */
        return ftruncate(journal->fd, journal->end) != 0 ? -1 : status;
    }
    journal->places[point] =
        (struct sweep_journal_place){.offset = journal->end, .length = (int32_t)length};
    journal->end += n;
    journal->n_done++;
    return 0;
}

int sweep_journal_add(struct sweep_journal *journal, int64_t point,
                      const struct metrics *metrics, const char *error, struct err *err)
{
    char *line = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&line, &length);
    CHECK(out != NULL);
    fprintf(out, "%" PRId64, point);
    for (int32_t i = 0; error == NULL && i < metrics->n; i++) {
        fprintf(out, "\t%s=%s", metrics->list[i].name, metrics->list[i].value);
    }
    if (error != NULL) {
        fprintf(out, "\terror=%s", error);
    }
    fflush(out);
    fprintf(out, "%s%08" PRIx32 "\n", sum_name, sum_of(line, length));
    fclose(out);
    CHECK(pthread_mutex_lock(&journal->lock) == 0);
    int status = append(journal, point, line, length, err);
    CHECK(pthread_mutex_unlock(&journal->lock) == 0);
    free(line);
    return status;
}

static int merge_line(struct sweep_journal *journal, int64_t point, char *line,
                      size_t length, int64_t offset, const char *path, struct err *err)
{
    (void)offset; /* of the other journal */
    int found = compare(journal, point, line, length, path, err);
    return found == 0 ? append(journal, point, line, length, err) : found < 0 ? -1 : 0;
}

int sweep_journal_merge(struct sweep_journal *journal, const char *folder,
                        struct err *err)
{
    char path[512];
    int64_t end;
    if (set_path(path, folder, err) != 0) {
        return -1;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, "%s: cannot be opened: %s", path, strerror(errno));
    }
    return scan(journal, fd, path, &end, &journal->n_dropped, merge_line, err);
}

int sweep_journal_sync(struct sweep_journal *journal, struct err *err)
{
    if (fdatasync(journal->fd) == 0 || errno == EINVAL || errno == EROFS) {
        return 0;
    }
    return err_set(err, "%s: cannot write: %s", journal->path, strerror(errno));
}

struct sweep_journal_place *sweep_journal_places(struct sweep_journal *journal)
{
    size_t n = (size_t)journal->n_points;
    struct sweep_journal_place *places = memory_new(n, sizeof *places);
    CHECK(pthread_mutex_lock(&journal->lock) == 0);
    memcpy(places, journal->places, n * sizeof *places);
    CHECK(pthread_mutex_unlock(&journal->lock) == 0);
    return places;
}

int sweep_journal_read(const struct sweep_journal *journal,
                       const struct sweep_journal_place *place,
                       struct sweep_journal_row *row, struct err *err)
{
    size_t length = (size_t)place->length;
    if (row->room < length + 1) {
        row->room = length + 1 > 2 * row->room ? length + 1 : 2 * row->room;
        row->line = memory_grow(row->line, row->room, 1);
    }
    if (read_at(journal, place->offset, row->line, length, err) != 0) {
        return -1;
    }
    if (check_line(row->line, length, journal->n_points) < 0) {
        return err_set(
            err, "%s: was changed by others: its line at byte %" PRId64 " is broken",
            journal->path, place->offset);
    }
    row->line[length - SUM_LENGTH] = '\0';
    char *rest = row->line;
    row->point = strtoll(strsep(&rest, "\t"), NULL, 10);
    row->n = 0;
    for (char *field; (field = strsep(&rest, "\t")) != NULL;) {
        char *value = strchr(field, '=');
        if (value == NULL || row->n == SWEEP_JOURNAL_MOST_FIELDS) {
            return err_set(err, "%s: its line at byte %" PRId64 " is none of ours",
                           journal->path, place->offset);
        }
        *value++ = '\0';
        row->fields[row->n].name = field;
        row->fields[row->n++].value = value;
    }
    return 0;
}

const char *sweep_journal_value(const struct sweep_journal_row *row, const char *name)
{
    for (int32_t i = 0; i < row->n; i++) {
        if (strcmp(row->fields[i].name, name) == 0) {
            return row->fields[i].value;
        }
    }
    return NULL;
}
