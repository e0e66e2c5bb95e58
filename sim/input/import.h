/* import: what other programs write, turned into files of ours.
 *
 * A kind of import is one file, import_NAME.c, that exports one const struct import_kind,
 * and one line in IMPORT_KINDS.
 */
#ifndef SERVESIM_INPUT_IMPORT_H
#define SERVESIM_INPUT_IMPORT_H

#include <stdio.h>

#include "base/err.h"

struct import_kind {
    const char *name; /* as the user types it: "hf-config" */
    const char *help; /* what is read and what becomes of it; no full stop */

    /* Reads the file `path` ("-": standard input) and writes what it made of it to `out`.
     * -1 and `err` if it cannot; what it wrote until then is thrown away. */
    int (*run)(const char *path, FILE *out, struct err *err);
};

#define IMPORT_KINDS(X)           \
    X(import_hf)                  \
    X(import_vllm_args)           \
    X(import_sglang_args)         \
    X(import_vllm_bench)          \
    X(import_vllm_bench_requests) \
    X(import_guidellm)            \
    X(import_guidellm_requests)   \
    X(import_prometheus)

#define IMPORT_DECLARE(kind) extern const struct import_kind kind;
IMPORT_KINDS(IMPORT_DECLARE)
#undef IMPORT_DECLARE

/* All of them, ending with NULL. */
extern const struct import_kind *const import_all[];

/* The one of that name, or NULL. */
const struct import_kind *import_find(const char *name);

#endif
