#include "input/tuples.h"

#include "base/check.h"
#include "input/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = 64 };

/* Tuples so far, outside the arena, which cannot give room back. */
struct growing {
    struct tuples *tuples;
    const struct field *columns;
    int32_t room;
};

int tuples_refuse(const struct tuples *tuples, int32_t i, const char *reason,
                  struct err *err)
{
    if (tuples->file != NULL) {
        return err_at(err, tuples->file, tuples->lines[i], "%s", reason);
    }
    struct err whole;
    err_set(&whole, "number %" PRId32 " of the list: %.900s", i + 1, reason);
    return settings_refuse(tuples->entry, whole.text, err);
}

/* "time:rate", as the list or the file has it. */
static void form_print(const struct growing *growing, char separator, char form[80])
{
    size_t used = 0;
    form[0] = '\0';
    for (int32_t c = 0; c < growing->tuples->n_columns && used < 80; c++) {
        char between[2] = {c > 0 ? separator : '\0', '\0'};
        used += (size_t)snprintf(form + used, 80 - used, "%s%s", between,
                                 growing->columns[c].key);
    }
}

/* The bytes from `text` on, without blanks around them, as a text. */
static void cell_copy(const char *text, size_t length, char cell[CELL_BYTES])
{
    while (length > 0 && strchr(" \t\r", text[0]) != NULL) {
        text++;
        length--;
    }
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL) {
        length--;
    }
    snprintf(cell, CELL_BYTES, "%.*s", (int)(length < CELL_BYTES ? length : CELL_BYTES),
             text);
}

/* Reads one tuple of `length` bytes as the next one; `reason` says what is wrong. */
static int tuple_read(struct growing *growing, const char *text, size_t length,
                      char separator, struct err *reason)
{
    struct tuples *tuples = growing->tuples;
    int64_t *cells = tuples->cells[tuples->n];
    const char *end = text + length;
    for (int32_t c = 0; c < tuples->n_columns; c++) {
        const char *stop = memchr(text, separator, (size_t)(end - text));
        bool is_last = c + 1 == tuples->n_columns;
        if ((stop == NULL) != is_last) {
            char form[80];
            char whole[CELL_BYTES];
            form_print(growing, separator, form);
            cell_copy(end - length, length, whole);
            return err_set(reason, "'%s' is not of the form %s", whole, form);
        }
        struct field field = growing->columns[c];
        field.offset = 0;
        char cell[CELL_BYTES];
        struct err why;
        cell_copy(text, (size_t)((is_last ? end : stop) - text), cell);
        if (field_read(&field, &cells[c], cell, NULL, &why) != 0) {
            return err_set(reason, "%s: %.900s", field.key, why.text);
        }
        text = is_last ? end : stop + 1;
    }
    return 0;
}

static void make_room(struct growing *growing)
{
    struct tuples *tuples = growing->tuples;
    if (tuples->n < growing->room) {
        return;
    }
    growing->room = growing->room > 0 ? 2 * growing->room : 16;
    size_t room = (size_t)growing->room;
    tuples->cells = memory_grow(tuples->cells, room, sizeof *tuples->cells);
    tuples->lines = memory_grow(tuples->lines, room, sizeof *tuples->lines);
}

/* Moves what was read to the arena. */
static void keep(struct tuples *tuples, struct arena *arena)
{
    size_t n = (size_t)tuples->n;
    if (tuples->cells == NULL) {
        return;
    }
    void *cells = memory_arena_new(arena, n, sizeof *tuples->cells);
    void *lines = memory_arena_new(arena, n, sizeof *tuples->lines);
    memcpy(cells, tuples->cells, n * sizeof *tuples->cells);
    memcpy(lines, tuples->lines, n * sizeof *tuples->lines);
    free(tuples->cells);
    free(tuples->lines);
    tuples->cells = cells;
    tuples->lines = lines;
}

static int line_read(struct growing *growing, const struct settings_entry *entry,
                     struct err *err)
{
    const char *text = entry->value;
    for (;;) {
        size_t length = strcspn(text, ",");
        struct err reason;
        make_room(growing);
        growing->tuples->entry = entry;
        growing->tuples->lines[growing->tuples->n] = entry->line;
        if (tuple_read(growing, text, length, ':', &reason) != 0) {
            return tuples_refuse(growing->tuples, growing->tuples->n, reason.text, err);
        }
        growing->tuples->n++;
        text += length;
        if (*text == '\0') {
            return 0;
        }
        text++;
    }
}

/* The entry of the n-th line of a list, the first being `key` itself, or NULL. */
static const struct settings_entry *line_use(struct settings *settings,
                                             const char *section, const char *key,
                                             int n)
{
    char name[64];
    snprintf(name, sizeof name, "%.50s_%d", key, n);
    return n <= TUPLES_MOST_LINES ? settings_use(settings, section, n > 1 ? name : key)
                                  : NULL;
}

void tuples_claim(struct settings *settings, const char *section, const char *key)
{
    if (settings_find(settings, section, key) == NULL) {
        return;
    }
    for (int n = 2; line_use(settings, section, key, n) != NULL; n++) {
    }
}

int tuples_read(struct tuples *tuples, const struct field *columns, int32_t n_columns,
                struct settings *settings, const char *section, const char *key,
                struct arena *arena, struct err *err)
{
    *tuples = (struct tuples){.n_columns = n_columns};
    struct growing growing = {.tuples = tuples, .columns = columns};
    const struct settings_entry *entry = settings_use(settings, section, key);
    CHECK(entry != NULL && n_columns <= TUPLES_MOST_COLUMNS);
    const struct settings_entry *first = entry;
    int status = 0;
    for (int n = 2; status == 0 && entry != NULL; n++) {
        /* What -s says replaces the whole list, not its first line. */
        bool is_replaced = first->line == 0 && entry->line > 0;
        status = is_replaced ? 0 : line_read(&growing, entry, err);
        entry = line_use(settings, section, key, n);
    }
    tuples->entry = first;
    keep(tuples, arena);
    return status;
}

/* Whether the first line names the columns: no number has a letter in front. */
static bool is_header(const struct source_line *line)
{
    size_t at = 0;
    while (at < line->length && strchr(" \t\"\xef\xbb\xbf", line->text[at]) != NULL) {
        at++;
    }
    char letter = at < line->length ? line->text[at] : '0';
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

static int file_read(struct growing *growing, struct source *source, struct err *err)
{
    struct tuples *tuples = growing->tuples;
    struct source_line line;
    int got;
    while ((got = source_next(source, &line, err)) > 0) {
        size_t length = line.length;
        length -= length > 0 && line.text[length - 1] == '\r';
        if (length == 0 || (line.number == 1 && is_header(&line))) {
            continue;
        }
        if (tuples->n == TUPLES_MOST) {
            return err_at(err, tuples->file, line.number, "more than %d lines",
                          TUPLES_MOST);
        }
        struct err reason;
        make_room(growing);
        tuples->lines[tuples->n] = line.number;
        if (tuple_read(growing, line.text, length, ',', &reason) != 0) {
            return tuples_refuse(tuples, tuples->n, reason.text, err);
        }
        tuples->n++;
    }
    if (got == 0 && tuples->n == 0) {
        return err_set(err, "%.700s: no line holds numbers", tuples->file);
    }
    return got;
}

int tuples_read_file(struct tuples *tuples, const struct field *columns,
                     int32_t n_columns, struct settings *settings, const char *section,
                     const char *key, struct arena *arena, struct err *err)
{
    *tuples = (struct tuples){.n_columns = n_columns};
    struct growing growing = {.tuples = tuples, .columns = columns};
    tuples->entry = settings_use(settings, section, key);
    CHECK(tuples->entry != NULL && n_columns <= TUPLES_MOST_COLUMNS);
    tuples->file = tuples->entry->value;
    struct source *source = source_open(tuples->file, err);
    if (source == NULL) {
        return -1;
    }
    int status = file_read(&growing, source, err);
    source_close(source);
    keep(tuples, arena);
    return status;
}
