#include "output/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/columns.h"

/* Removes a folder of files; folders inside it stay, and so does it then. */
static int remove_folder(const char *path)
{
    DIR *listing = opendir(path);
    if (listing == NULL) {
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(dirfd(listing), entry->d_name, 0);
        }
    }
    closedir(listing);
    return rmdir(path);
}

static bool is_ours(const char *name)
{
    static const char *const others[] = {
        "config.ini",  "summary.csv",   "machine.csv", "critical.csv", "decode.csv",
        "prefill.csv", "compare.csv",   "winners.csv", "compare.svg",  "sweep.ini",
        "sweep.csv",   "sweep.csv.tmp", "journal",     "capacity.csv", "trials.csv",
        "size.csv",    "fleets.csv",    "demand.csv",  "fleet.ini",    "trace.json"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(name, others[i]) == 0) {
            return true;
        }
    }
    for (const struct columns *const *at = columns_all; *at != NULL; at++) {
        if (strcmp(name, (*at)->file) == 0) {
            return true;
        }
    }
    return false;
}

/* Only results are ever replaced: a folder that holds anything else stays. */
static int check_replaceable(const char *path, struct err *err)
{
    int status = 0;
    DIR *listing = opendir(path);
    if (listing == NULL) {
        return err_set(err, "-o %s: cannot look into it: %s", path, strerror(errno));
    }
    for (struct dirent *entry; status == 0 && (entry = readdir(listing)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !is_ours(name)) {
            status =
                err_set(err, "-o %s: holds '%s', which no results do: not overwritten",
                        path, name);
        }
    }
    closedir(listing);
    return status;
}

int folder_create(struct folder *folder, const char *path, bool overwrite,
                  struct err *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    if (length == 0 || length >= sizeof folder->path) {
        return err_set(err, "-o %.500s: expected a path of 1 to %zu bytes", path,
                       sizeof folder->path - 1);
    }
    memcpy(folder->path, path, length);
    folder->path[length] = '\0';
    folder->overwrite = overwrite;
    struct stat info;
    if (lstat(folder->path, &info) == 0) {
        if (!S_ISDIR(info.st_mode)) {
            return err_set(err, "-o %s: exists and is not a folder", folder->path);
        }
        if (!overwrite) {
            return err_set(err, "-o %s: exists already; --overwrite replaces it",
                           folder->path);
        }
        if (check_replaceable(folder->path, err) != 0) {
            return -1;
        }
    }
    snprintf(folder->temporary, sizeof folder->temporary, "%s.tmp.%ld", folder->path,
             (long)getpid());
    if (mkdir(folder->temporary, 0777) != 0) {
        return err_set(err, "-o %s: cannot create %s: %s", folder->path,
                       folder->temporary, strerror(errno));
    }
    return 0;
}

static int sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int status = fsync(fd);
    close(fd);
    return status == 0 || errno == EINVAL || errno == EROFS ? 0 : -1;
}

static int put_in_place(const struct folder *folder)
{
    if (renameat2(AT_FDCWD, folder->temporary, AT_FDCWD, folder->path,
                  RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno == EEXIST && folder->overwrite) {
        if (renameat2(AT_FDCWD, folder->temporary, AT_FDCWD, folder->path,
                      RENAME_EXCHANGE) != 0) {
            return -1;
        }
        remove_folder(folder->temporary); /* now the old results */
        return 0;
    }
    /* a file system without flags: plain rename refuses a folder that is not empty */
    return errno == EINVAL ? rename(folder->temporary, folder->path) : -1;
}

/* Writes the folder's entry in the one above it to disk. */
static int sync_above(const char *path)
{
    char above[400];
    snprintf(above, sizeof above, "%s", path);
    char *end = strrchr(above, '/');
    if (end == NULL) {
        return sync_path(".");
    }
    end[end == above] = '\0';
    return sync_path(above);
}

int folder_commit(struct folder *folder, struct err *err)
{
    struct stat info;
    if (folder->overwrite && lstat(folder->path, &info) == 0 &&
        check_replaceable(folder->path, err) !=
            0) { /* it was not there, or not so, before */
        folder_discard(folder);
        return -1;
    }
    if (sync_path(folder->temporary) != 0 || put_in_place(folder) != 0) {
        err_set(err, "-o %s: cannot put the results in place: %s", folder->path,
                strerror(errno));
        folder_discard(folder);
        return -1;
    }
    if (sync_above(folder->path) != 0) {
        return err_set(err,
                       "-o %s: the results are there, but may not be on disk yet: %s",
                       folder->path, strerror(errno));
    }
    return 0;
}

void folder_discard(struct folder *folder)
{
    remove_folder(folder->temporary);
}
