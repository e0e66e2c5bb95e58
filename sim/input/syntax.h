/* syntax: what a configuration file may hold.
 *
 * inih cuts long lines and names without a word, takes an indented line for the rest of
 * the one before, and drops what follows a section header.  These rules leave it no
 * room for any of that: what they let through, it reads as it was meant.
 */
#ifndef SERVESIM_INPUT_SYNTAX_H
#define SERVESIM_INPUT_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* The room has place for a byte order mark, one byte too many, "\r" and the end. */
enum {
    SYNTAX_LINE_BYTES = 199,
    SYNTAX_NAME_BYTES = 49,
    SYNTAX_ROOM_BYTES = 3 + SYNTAX_LINE_BYTES + 3,
};

struct syntax_source {
    const char *path;
    FILE *file;
    int64_t line; /* the number of the line last read */
};

enum syntax_kind {
    SYNTAX_NOTHING, /* blank or a comment */
    SYNTAX_SECTION,
    SYNTAX_ENTRY,
    SYNTAX_FAULT,
};

/* The next line into `line`, without blanks in front, which to inih would continue the
 * line before, and without its end: 1, 0 at the end of the file, or -1. */
int syntax_next(struct syntax_source *source, char line[SYNTAX_ROOM_BYTES],
                struct err *err);

/* Whether that is a name a key, or a section (with inner dots), can have. */
bool syntax_name_is_good(const char *name, size_t length, bool is_section);

/* What a line without blanks in front is.  *length is that of the section's name (from
 * line + 1) or of the key; *fault says what is wrong. */
enum syntax_kind syntax_line(const char *line, size_t *length, const char **fault);

/* Cuts "section.key=value" in place, the value without blanks around it; false if it is
 * not of that form. */
bool syntax_split(char *text, const char **section, const char **key,
                  const char **value);

/* What is wrong with a value, NULL if "key = value" reads back as it is. */
const char *syntax_value_fault(const char *key, const char *value);

#endif
