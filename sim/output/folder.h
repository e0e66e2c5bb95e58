/* folder: results appear whole or not at all.
 *
 * Files are written to DIR.tmp.PID beside DIR, synced, and the folder is renamed.  An
 * existing DIR is refused, or with `overwrite` exchanged for the new one in one step.
 */
#ifndef SERVESIM_OUTPUT_FOLDER_H
#define SERVESIM_OUTPUT_FOLDER_H

#include <stdbool.h>

#include "base/err.h"

struct folder {
    char path[400];      /* DIR */
    char temporary[440]; /* where files go until folder_commit() */
    bool overwrite;
};

/* Makes the temporary folder; refuses if DIR exists and is not to be overwritten. */
int folder_create(struct folder *folder, const char *path, bool overwrite,
                  struct err *err);

/* All files are closed: puts the folder under its name. On failure it is discarded. */
int folder_commit(struct folder *folder, struct err *err);

/* Removes the temporary folder and what is in it. */
void folder_discard(struct folder *folder);

#endif
