#include "input/source.h"

#include "base/memory.h"
#include "input/bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE_MOST_BYTES = 1 << 20,
    FILL_BYTES = 1 << 16, /* at a time, so that what is read stays in the cache */
    TEXT_BYTES = LINE_MOST_BYTES + FILL_BYTES
};

struct source {
    struct bytes *bytes;
    char *text; /* [at, length) is not handed out yet */
    size_t at;
    size_t length;
    bool ended;
    bool dropping; /* the rest of a line that was too long is still to come */
    bool has_nul;  /* some line may have one: look at each */
    int64_t line;
    bool broken;
    struct err why;
};

static int set_broken(struct source *source, const struct err *err)
{
    source->broken = true;
    source->why = *err;
    return -1;
}

/* Moves what is left of the text to the front and reads more behind it. */
static int fill(struct source *source, struct err *err)
{
    size_t left = source->length - source->at;
    memmove(source->text, source->text + source->at, left);
    source->at = 0;
    source->length = left;
    char *end = source->text + left;
    size_t made = 0;
    if (bytes_read(source->bytes, end, FILL_BYTES, &made, err) != 0) {
        return set_broken(source, err);
    }
    source->has_nul = source->has_nul || memchr(end, '\0', made) != NULL;
    source->length += made;
    source->ended = made == 0;
    return 0;
}

static int drop_line(struct source *source, struct err *err)
{
    while (source->dropping) {
        char *start = source->text + source->at;
        size_t left = source->length - source->at;
        char *newline = memchr(start, '\n', left);
        source->at += newline != NULL ? (size_t)(newline - start) + 1 : left;
        source->dropping = newline == NULL && !source->ended;
        if (source->dropping && fill(source, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int too_long(struct source *source, struct err *err)
{
    source->dropping = true;
    source->line++;
    return err_at(err, source_name(source), source->line,
                  "the line is longer than 1 MiB");
}

/* Reads until a whole line lies at `at`: 1 and its *length, 0 at the end, -1. */
static int find_line(struct source *source, size_t *length, bool *has_newline,
                     struct err *err)
{
    for (size_t seen = 0;;) {
        char *start = source->text + source->at;
        size_t left = source->length - source->at;
        char *newline = memchr(start + seen, '\n', left - seen);
        *has_newline = newline != NULL;
        *length = newline != NULL ? (size_t)(newline - start) : left;
        if (*length > LINE_MOST_BYTES) {
            return too_long(source, err);
        }
        if (newline != NULL || source->ended) {
            return newline != NULL || left > 0;
        }
        seen = left;
        if (fill(source, err) != 0) {
            return -1;
        }
    }
}

int source_next(struct source *source, struct source_line *line, struct err *err)
{
    if (source->broken) {
        *err = source->why;
        return -1;
    }
    if (source->dropping && drop_line(source, err) != 0) {
        return -1;
    }
    size_t length;
    bool has_newline;
    int result = find_line(source, &length, &has_newline, err);
    if (result != 1) {
        return result;
    }
    source->line++;
    line->file = source_name(source);
    line->number = source->line;
    line->text = source->text + source->at;
    line->length = length;
    line->has_newline = has_newline;
    source->at += length + has_newline;
    if (source->has_nul && memchr(line->text, '\0', length) != NULL) {
        return err_at(err, line->file, line->number,
                      "the line holds a NUL byte: this is no text in UTF-8");
    }
    return 1;
}

int source_peek(struct source *source, struct source_line *start, struct err *err)
{
    if (source->broken) {
        *err = source->why;
        return -1;
    }
    if (source->at == source->length && !source->ended && fill(source, err) != 0) {
        return -1;
    }
    *start = (struct source_line){
        .file = source_name(source),
        .number = source->line + 1,
        .text = source->text + source->at,
        .length = source->length - source->at,
        .has_newline = true,
    };
    return start->length > 0;
}

int source_all(struct source *source, size_t most, char **text, size_t *length,
               struct err *err)
{
    size_t room = FILL_BYTES;
    *text = memory_new(room, 1);
    *length = 0;
    while (!source->ended || source->at < source->length) {
        size_t n = source->length - source->at;
        if (*length + n > most) {
            free(*text);
            return err_set(err, "%s: more than %zu MB", source_name(source),
                           most >> 20);
        }
        while (*length + n > room) {
            room *= 2;
            *text = memory_grow(*text, room, 1);
        }
        memcpy(*text + *length, source->text + source->at, n);
        *length += n;
        source->at = source->length;
        if (!source->ended && fill(source, err) != 0) {
            free(*text);
            return -1;
        }
    }
    return 0;
}

struct source *source_open(const char *path, struct err *err)
{
    struct bytes *bytes = bytes_open(path, err);
    if (bytes == NULL) {
        return NULL;
    }
    struct source *source = memory_new(1, sizeof *source);
    source->bytes = bytes;
    source->text = memory_new(TEXT_BYTES, 1);
    return source;
}

const char *source_name(const struct source *source)
{
    return bytes_name(source->bytes);
}

bool source_broken(const struct source *source)
{
    return source->broken;
}

int64_t source_line_number(const struct source *source)
{
    return source->line;
}

int source_rewind(struct source *source, struct err *err)
{
    struct source fresh = {.bytes = source->bytes, .text = source->text};
    *source = fresh;
    return bytes_rewind(source->bytes, err) == 0 ? 0 : set_broken(source, err);
}

int source_sha256(struct source *source, char hex[65], struct err *err)
{
    if (source->broken) {
        *err = source->why;
        return -1;
    }
    source->at = source->length;
    source->ended = true;
    int result = bytes_sha256(source->bytes, hex, err);
    return result == 0 ? 0 : set_broken(source, err);
}

void source_close(struct source *source)
{
    bytes_close(source->bytes);
    free(source->text);
    free(source);
}
