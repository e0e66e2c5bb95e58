/* settings: a configuration file as sections of key = value, and what was asked of it.
 *
 * A mistyped key that is silently ignored costs its author a day, so everything in the
 * file must be used by somebody: unknown keys, duplicates and unused sections are
 * errors with file and line.  The file is UTF-8 in lines of at most 199 bytes; '#' and
 * ';' begin a comment at the start of a line, ';' also after a blank.  What
 * settings_print() writes settings_read() reads back to the same values.
 */
#ifndef SERVESIM_INPUT_SETTINGS_H
#define SERVESIM_INPUT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/field.h"
#include "base/memory.h"

struct settings_entry {
    const char *section;
    const char *key;
    const char *value;
    const char *file; /* "-s" and line 0 if it came from the command line */
    int64_t line;
    bool used;
    bool taken; /* by settings_use(): settings_apply() leaves it alone */
    struct settings_entry *next;
};

struct settings_section {
    const char *name;
    int64_t line; /* of its header; 0 if only -s speaks of it */
    bool used;
    struct settings_entry *first; /* in the order of the file */
    struct settings_entry *last;
    struct settings_section *next;
};

/* Zeroed: empty.  One file each; everything in it lives in the arena. */
struct settings {
    const char *file;
    struct settings_section *first; /* in the order of the file */
    struct settings_section *last;
};

/* Reads the file at `path` into empty settings. */
int settings_read(struct settings *settings, const char *path, struct arena *arena,
                  struct err *err);

/* Sets what "section.key=value" says, as given with -s: replaces the value or adds it.
 * The key is what stands between the last '.' and the first '='. */
int settings_override(struct settings *settings, const char *text, struct arena *arena,
                      struct err *err);

/* The entry, or NULL. */
const struct settings_entry *settings_find(const struct settings *settings,
                                           const char *section, const char *key);

/* The same for a caller who deals with the value himself: marks it used and keeps
 * settings_apply() from it. */
const struct settings_entry *settings_use(struct settings *settings,
                                          const char *section, const char *key);

/* Takes the table's keys out of the section, but for those that came with -s. */
void settings_drop(struct settings *settings, const char *section,
                   const struct field_table *table);

/* Marks the section and all in it used. */
void settings_use_section(struct settings *settings, const char *section);

/* The first section after `after` (NULL: the first of all) whose name starts with
 * `prefix`, in the order of the file; NULL after the last. */
const struct settings_section *settings_next(const struct settings *settings,
                                             const char *prefix,
                                             const struct settings_section *after);

/* The section of that name, or NULL. */
const struct settings_section *settings_section(const struct settings *settings,
                                                const char *name);

/* Reads every entry of the section (none if the file has no such section) into the
 * structs inside `base` and marks it used.  The keys of the tables must differ.  Fields
 * without an entry are left as they are. */
int settings_apply(struct settings *settings, const char *section,
                   const struct field_table *tables, int32_t n_tables, void *base,
                   struct arena *arena, struct err *err);

/* After all settings_apply(): -1 if a field without a default is still not given. */
int settings_check_given(const struct settings *settings, const char *section,
                         const struct field_table *tables, int32_t n_tables,
                         const void *base, struct err *err);

/* -1 if anything was not used.  `known` lists the sections there are, to be told. */
int settings_check_used(const struct settings *settings, const char *known,
                        struct err *err);

/* Fills `err` with the place of the entry and the reason ("'x' is not ..."); -1. */
int settings_refuse(const struct settings_entry *entry, const char *reason,
                    struct err *err);

/* Writes "key = value" lines for the table's struct inside `base`. */
void settings_print(FILE *out, const struct field_table *table, const void *base);

#endif
