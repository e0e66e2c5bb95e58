#include "output/reorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"

enum {
    REORDER_EMPTY = -1,
    REORDER_BYTES = 16 << 20,
    FIRST_ROOM = 1024,
    LABEL_BYTES = 256
};

/* A record in the file: a hole in the file reads as zeros, so `present` says it is one. */
struct spilled {
    int64_t present;
    struct probe_record record;
    char labels[LABEL_BYTES];
};

static struct probe_record *new_ring(int64_t room)
{
    struct probe_record *records = memory_new((size_t)room, sizeof *records);
    for (int64_t i = 0; i < room; i++) {
        records[i].id = REORDER_EMPTY;
    }
    return records;
}

void reorder_init(struct reorder *reorder, const char *folder, int64_t most_room,
                  void *state,
                  void (*write)(void *state, const struct probe_record *record))
{
    int64_t room = FIRST_ROOM;
    while (2 * room * (int64_t)sizeof(struct probe_record) <= REORDER_BYTES) {
        room *= 2;
    }
    *reorder = (struct reorder){
        .state = state,
        .write = write,
        .folder = folder,
        .room = most_room > 0 && most_room < FIRST_ROOM ? most_room : FIRST_ROOM,
        .most_room = most_room > 0 ? most_room : room,
        .fd = -1,
    };
    reorder->records = new_ring(reorder->room);
}

static struct probe_record *place(const struct reorder *reorder, int64_t id)
{
    return &reorder->records[id & (reorder->room - 1)];
}

static void grow(struct reorder *reorder)
{
    struct probe_record *old = reorder->records;
    int64_t old_room = reorder->room;
    reorder->room *= 2;
    reorder->records = new_ring(reorder->room);
    for (int64_t i = 0; i < old_room; i++) {
        if (old[i].id != REORDER_EMPTY) {
            *place(reorder, old[i].id) = old[i];
        }
    }
    free(old);
}

static void open_spill(struct reorder *reorder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/spill", reorder->folder);
    reorder->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (reorder->fd < 0) {
        reorder->failed = errno;
    } else {
        unlink(path);
    }
}

static void spill(struct reorder *reorder, const struct probe_record *record)
{
    struct spilled spilled = {.present = 1, .record = *record};
    if (record->labels != NULL) {
        size_t length = strlen(record->labels);
        CHECK(length < LABEL_BYTES);
        memcpy(spilled.labels, record->labels, length);
        free(record->labels);
    }
    if (reorder->fd < 0 && reorder->failed == 0) {
        open_spill(reorder);
    }
    if (reorder->failed != 0) {
        return;
    }
    errno = EIO; /* of a short write */
    if (pwrite(reorder->fd, &spilled, sizeof spilled,
               (off_t)record->id * (off_t)sizeof spilled) != sizeof spilled) {
        reorder->failed = errno;
    }
    reorder->n_spilled++;
}

/* The ring has moved: `id` is in it now, and may have been spilled before. */
static void take_back(struct reorder *reorder, int64_t id)
{
    struct spilled spilled = {0};
    ssize_t n =
        pread(reorder->fd, &spilled, sizeof spilled, (off_t)id * (off_t)sizeof spilled);
    if (n != sizeof spilled || spilled.present == 0) {
        return;
    }
    spilled.record.labels = spilled.labels[0] != '\0'
                                ? memory_copy(spilled.labels, strlen(spilled.labels))
                                : NULL;
    *place(reorder, id) = spilled.record;
    reorder->n_spilled--;
    reorder->n_waiting++;
}

static void write_ready(struct reorder *reorder)
{
    for (;;) {
        struct probe_record *record = place(reorder, reorder->base);
        if (reorder->n_waiting == 0 || record->id != reorder->base) {
            return;
        }
        reorder->write(reorder->state, record);
        free(record->labels);
        record->id = REORDER_EMPTY;
        reorder->n_waiting--;
        reorder->base++;
        if (reorder->n_spilled > 0 && reorder->failed == 0) {
            take_back(reorder, reorder->base + reorder->room - 1);
        }
    }
}

void reorder_push(struct reorder *reorder, const struct probe_record *record)
{
    while (record->id >= reorder->base + reorder->room &&
           2 * reorder->room <= reorder->most_room) {
        grow(reorder);
    }
    if (record->id >= reorder->base + reorder->room) {
        spill(reorder, record);
        return;
    }
    *place(reorder, record->id) = *record;
    reorder->n_waiting++;
    write_ready(reorder);
}

bool reorder_failed(const struct reorder *reorder, struct err *err)
{
    if (reorder->failed != 0) {
        err_set(err, "%s: cannot spill finished requests to a temporary file: %s",
                reorder->folder, strerror(reorder->failed));
    }
    return reorder->failed != 0;
}

int reorder_close(struct reorder *reorder, struct err *err)
{
    int status = reorder_failed(reorder, err) ? -1 : 0;
    if (status == 0) {
        CHECK(reorder->n_waiting == 0 && reorder->n_spilled == 0);
    }
    reorder_discard(reorder);
    return status;
}

void reorder_discard(struct reorder *reorder)
{
    for (int64_t i = 0; i < reorder->room && reorder->n_waiting > 0; i++) {
        if (reorder->records[i].id != REORDER_EMPTY) {
            free(reorder->records[i].labels);
        }
    }
    free(reorder->records);
    reorder->records = NULL;
    reorder->n_waiting = 0;
    if (reorder->fd >= 0) {
        close(reorder->fd);
        reorder->fd = -1;
    }
}
