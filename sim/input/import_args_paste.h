/* import_args_paste: values of a pool as flags of the program that serves it.
 *
 * The way back of input/import_args.h, over the same tables: of several names of a flag the
 * first is written.  What a program does where nothing is said needs no flag; a value that
 * no flag can say is named, not hidden.
 */
#ifndef SERVESIM_INPUT_IMPORT_ARGS_PASTE_H
#define SERVESIM_INPUT_IMPORT_ARGS_PASTE_H

#include "engine/pool.h"
#include "input/import_args.h"

enum { IMPORT_ARGS_PASTE_MOST = 100 };

struct import_args_paste {
    const struct import_args_program *program; /* NULL: no flags are known */
    const struct pool_config *pool;
    struct arena *arena;
    const char *flags[IMPORT_ARGS_PASTE_MOST]; /* "--max-num-seqs 64" */
    int32_t n_flags;
    const char *missing[IMPORT_ARGS_PASTE_MOST]; /* "order = sjf" */
    int32_t n_missing;
};

/* The program whose engine, or else whose policy, the pool names; NULL: another one. */
const struct import_args_program *import_args_paste_program(
    const struct pool_config *pool);

/* Flags for the pool's values of these keys; texts live in the arena, or in the pool. */
void import_args_paste_make(struct import_args_paste *paste,
                            const struct pool_config *pool, const char *const *keys,
                            int32_t n_keys, struct arena *arena);

/* Adds the flag by which the program's table sets the key to that value. */
void import_args_paste_add(struct import_args_paste *paste, const char *key,
                           const char *value);

/* The value that the pool has of a key, as a user would write it; it must have the key. */
const char *import_args_paste_value(const struct pool_config *pool, const char *key,
                                    struct arena *arena);

#endif
