/* import_args: the command that starts a server, as a configuration of ours.
 *
 * The command is split as a shell splits it: blanks, quotes, and lines continued with a
 * backslash.  A flag is `--flag value` or `--flag=value`, '_' may stand for '-', and the
 * last one wins.  Each program has a table of its flags; one that is not in it is
 * refused, one that is known and not simulated is named in a comment and on stderr, as is
 * what a reader must know of the others.
 */
#ifndef SERVESIM_INPUT_IMPORT_ARGS_H
#define SERVESIM_INPUT_IMPORT_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/memory.h"

enum import_args_effect {
    IMPORT_ARGS_SET,   /* sets `key` */
    IMPORT_ARGS_PLAIN, /* nothing that a simulation could see, such as --port */
    IMPORT_ARGS_LOST   /* it matters, and is not simulated */
};

struct import_args_flag {
    const char *name;
    enum import_args_effect effect;
    const char *key;   /* of a pool, or one of the program's own in capitals; of what is
                          lost: why, or NULL */
    const char *value; /* that a flag without a value sets; NULL: it takes one */
};

struct import_args_paste;

/* A program that can be imported. */
struct import_args_program {
    const char *name;     /* of the kind: "vllm-args" */
    const char *expected; /* how its command begins, for errors */
    const char *const
        *markers; /* the word the flags follow ends so; NULL ends the list */
    const struct import_args_flag *flags;
    int32_t n_flags;
    /* The way back, for keys that the table alone does not tell: true if it has added
     * what stands for the pool's value of the key (input/import_args_paste.h). */
    bool (*paste)(struct import_args_paste *to, const char *key, const char *value);
};

extern const struct import_args_program import_vllm_args_program;
extern const struct import_args_program import_sglang_args_program;

struct import_args_setting {
    const char *flag; /* as it was written */
    const char *key;
    const char *value;
};

/* What a command says, the last of each key; it lives in the arena. */
struct import_args {
    const struct import_args_program *program;
    struct arena *arena;
    struct import_args_setting *settings;
    int32_t n_settings;
    const char **plain; /* names of flags */
    int32_t n_plain;
    const char **lost; /* names, some with a reason */
    int32_t n_lost;
    const char **remarks; /* sentences */
    int32_t n_remarks;
};

/* Reads `text`, a command if it has a blank in it, else the name of a file with one ("-":
 * standard input). */
int import_args_read(struct import_args *args,
                     const struct import_args_program *program, const char *text,
                     struct arena *arena, struct err *err);

/* The value of a key; NULL if no flag gave it. */
const char *import_args_get(const struct import_args *args, const char *key);

/* A whole number of at least 1 by that key, or `standard`. */
int import_args_count(const struct import_args *args, const char *key, int64_t standard,
                      int64_t *value, struct err *err);

/* Sets a key as if `flag` had. */
void import_args_set(struct import_args *args, const char *flag, const char *key,
                     const char *value);

/* -1 and `err` unless the key's value is one of `choices` ("fcfs, priority"), or not given. */
int import_args_choose(const struct import_args *args, const char *key,
                       const char *choices, struct err *err);

/* Notes a flag that is not simulated, and why (NULL: it just is not). */
void import_args_lose(struct import_args *args, const char *flag, const char *reason);

/* Notes a flag that no simulation would see. */
void import_args_ignore(struct import_args *args, const char *flag);

/* Notes a sentence for whoever reads what is made. */
void import_args_remark(struct import_args *args, const char *sentence);

/* "vllm-args: --flag: 'value' " and `reason`; -1. */
int import_args_refuse(const struct import_args *args, const char *key,
                       const char *reason, struct err *err);

#endif
