#include "output/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Only results are ever replaced: a folder that holds something else stays. */
static int check_replaceable(const char *path, struct err *err)
{
    if (rmdir(path) == 0 || errno == ENOENT) {
        return 0; /* it was empty, or nothing is in the way */
    }
    char config[512];
    snprintf(config, sizeof config, "%s/config.ini", path);
    if (access(config, F_OK) == 0) {
        return 0;
    }
    return err_set(err, "-o %s: holds no results (no config.ini): not overwritten",
                   path);
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
    if (errno ==
        EINVAL) { /* a file system without flags: rename refuses a full folder */
        return rename(folder->temporary, folder->path);
    }
    return -1;
}

int folder_commit(struct folder *folder, struct err *err)
{
    if (folder->overwrite && check_replaceable(folder->path, err) != 0) {
        folder_discard(folder);
        return -1;
    }
    if (sync_path(folder->temporary) != 0 || put_in_place(folder) != 0) {
        err_set(err, "-o %s: cannot put the results in place: %s", folder->path,
                strerror(errno));
        folder_discard(folder);
        return -1;
    }
    return 0;
}

void folder_discard(struct folder *folder)
{
    remove_folder(folder->temporary);
}
