/* text: a file that is written piece by piece.
 *
 * A write that fails is remembered and reported by text_close().  Who writes rows by the
 * million uses text_room() and base/digits.h.
 */
#ifndef SERVESIM_OUTPUT_TEXT_H
#define SERVESIM_OUTPUT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wide.h"

enum { TEXT_BUFFER = 1 << 18, TEXT_MOST_PIECE = 2048 };

struct text {
    int fd;
    int failed; /* errno of the first write that failed */
    char path[512];
    char *at;
    char buffer[TEXT_BUFFER + TEXT_MOST_PIECE];
};

/* Creates the file `name` in `folder`. */
int text_open(struct text *text, const char *folder, const char *name, struct err *err);

/* Writes what is buffered, syncs and closes; -1 and `err` if anything failed before. */
int text_close(struct text *text, struct err *err);

/* Whether a write has failed so far. */
bool text_failed(const struct text *text, struct err *err);

/* Pieces.  Each is at most TEXT_MOST_PIECE bytes; a printf format is for what is rare. */
void text_string(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_integer(struct text *text, int64_t value);

/* A value of CSV that others wrote: in quotes where it needs them.  Of any length. */
void text_quoted(struct text *text, const char *word);

/* value / 10^decimals with exactly that many decimals (at most 18), value >= 0. */
void text_decimal(struct text *text, int64_t value, int decimals);

/* The same for values beyond 64 bits. */
void text_wide(struct text *text, wide value, int decimals);

/* Nanoseconds as seconds with nine decimals, preceded by a comma; only the comma if the
 * time never came (negative). */
void text_comma_seconds(struct text *text, int64_t ns);

/* A comma and an integer. */
void text_comma_integer(struct text *text, int64_t value);

/* Writes the buffer out if it is full. */
void text_flush_if_full(struct text *text);

/* Where the next piece goes, with TEXT_MOST_PIECE bytes of room; text_took() says where it
 * ended. */
static inline char *text_room(struct text *text)
{
    return text->at;
}

static inline void text_took(struct text *text, char *end)
{
    text->at = end;
    if (end - text->buffer >= TEXT_BUFFER) {
        text_flush_if_full(text);
    }
}

#endif
