/* report: result folders as one HTML page, which analysis/report.py writes.
 *
 * Tables and pictures are pandas' and matplotlib's business, so that this program becomes
 * Python's interpreter: the script lies where configs/ lies, with the program or where it was
 * built, and never in the folder that somebody happens to be in.
 */
#ifndef SERVESIM_CLI_REPORT_H
#define SERVESIM_CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct report_request {
    const char *const *folders;
    int32_t n_folders;
    const char *output; /* NULL: beside the folder, under its name */
    const char *png;    /* a folder for pictures; NULL: none */
    const char *svg;
    bool overwrite;
    bool quiet;
};

/* Flushes standard output and becomes the interpreter; returns only if it cannot, -1 and
 * `err`. */
int report_become(const struct report_request *request, struct err *err);

/* The page that is written without -o for one folder: its name and ".html".  -1 and `err` if
 * it is there and is not to be overwritten, or if the name is too long. */
int report_check_page(const char *folder, bool overwrite, char path[420],
                      struct err *err);

#endif
