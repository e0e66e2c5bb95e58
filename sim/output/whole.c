#include "output/whole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/compressed.h"

struct contents {
    int (*write)(const void *context, FILE *out, struct err *err);
    const void *context;
};

/* Writes to what is open, and closes it. */
static int write_open(const struct contents *contents, FILE *out, const char *path,
                      struct err *err)
{
    int status = contents->write(contents->context, out, err);
    if (fclose(out) != 0 && status == 0) {
        status = err_set(err, "-o %s: cannot write: %s", path, strerror(errno));
    }
    return status;
}

/* Writes beside `path` and puts it in place. */
static int write_file(const struct contents *contents, const char *path,
                      struct err *err)
{
    char temporary[600];
    if (snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid()) >=
        (int)sizeof temporary) {
        return err_set(err, "-o %.400s...: the path is too long", path);
    }
    FILE *out = compressed_open(temporary, path, err);
    if (out == NULL) {
        return -1;
    }
    int status = write_open(contents, out, path, err);
    if (status == 0 && rename(temporary, path) != 0) {
        status = err_set(err, "-o %s: cannot put the file in place: %s", path,
                         strerror(errno));
    }
    if (status != 0) {
        unlink(temporary);
    }
    return status;
}

int whole_write(const char *path,
                int (*write)(const void *context, FILE *out, struct err *err),
                const void *context, struct err *err)
{
    struct contents contents = {.write = write, .context = context};
    struct stat info;
    if (path[0] == '\0') {
        return err_set(err, "-o: expected a path");
    }
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return err_set(err, "-o %s: is a folder", path);
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        FILE *out = fopen(path, "we");
        return out != NULL
                   ? write_open(&contents, out, path, err)
                   : err_set(err, "-o %s: cannot open: %s", path, strerror(errno));
    }
    char *target = realpath(path, NULL);
    int status = write_file(&contents, target != NULL ? target : path, err);
    free(target);
    return status;
}
