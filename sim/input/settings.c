#include "input/settings.h"

#include "base/check.h"
#include "input/syntax.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <string.h>

enum { PLACE_BYTES = 1024 };

static struct settings_section *section_find(const struct settings *settings,
                                             const char *name)
{
    struct settings_section *section = settings->first;
    while (section != NULL && strcmp(section->name, name) != 0) {
        section = section->next;
    }
    return section;
}

static struct settings_entry *entry_find(const struct settings_section *section,
                                         const char *key)
{
    struct settings_entry *entry = section != NULL ? section->first : NULL;
    while (entry != NULL && strcmp(entry->key, key) != 0) {
        entry = entry->next;
    }
    return entry;
}

static struct settings_section *section_add(struct settings *settings, const char *name,
                                            int64_t line, struct arena *arena)
{
    struct settings_section *section = ARENA_NEW(arena, 1, struct settings_section);
    section->name = memory_arena_text(arena, name);
    section->line = line;
    if (settings->last == NULL) {
        settings->first = section;
    } else {
        settings->last->next = section;
    }
    settings->last = section;
    return section;
}

static struct settings_entry *entry_add(struct settings_section *section,
                                        const char *key, struct arena *arena)
{
    struct settings_entry *entry = ARENA_NEW(arena, 1, struct settings_entry);
    entry->section = section->name;
    entry->key = memory_arena_text(arena, key);
    if (section->last == NULL) {
        section->first = entry;
    } else {
        section->last->next = entry;
    }
    section->last = entry;
    return entry;
}

/* How a message about the entry begins: "a.ini:7" or "-s run.seed=x". */
static void place_print(const struct settings_entry *entry, char place[PLACE_BYTES])
{
    if (entry->line > 0) {
        snprintf(place, PLACE_BYTES, "%.700s:%" PRId64, entry->file, entry->line);
    } else {
        snprintf(place, PLACE_BYTES, "-s %s.%s=%.200s", entry->section, entry->key,
                 entry->value);
    }
}

int settings_refuse(const struct settings_entry *entry, const char *reason,
                    struct err *err)
{
    char place[PLACE_BYTES];
    place_print(entry, place);
    if (entry->line > 0) {
        return err_set(err, "%s: %s: %s", place, entry->key, reason);
    }
    return err_set(err, "%s: %s", place, reason);
}

static int value_set(struct settings_entry *entry, const char *value, const char *file,
                     int64_t line, struct arena *arena, struct err *err)
{
    entry->value = memory_arena_text(arena, value);
    entry->file = file;
    entry->line = line;
    const char *fault = syntax_value_fault(entry->key, value);
    return fault != NULL ? settings_refuse(entry, fault, err) : 0;
}

/* What inih's two callbacks share. */
struct reading {
    struct settings *settings;
    struct syntax_source source;
    bool failed;
    struct arena *arena;
    struct err *err;
};

static int section_begin(struct reading *reading, const char *text, size_t length)
{
    char name[SYNTAX_NAME_BYTES + 1];
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    const struct settings_section *before = section_find(reading->settings, name);
    if (before != NULL) {
        return err_at(reading->err, reading->settings->file, reading->source.line,
                      "section [%s] has begun on line %" PRId64 " already", name,
                      before->line);
    }
    section_add(reading->settings, name, reading->source.line, reading->arena);
    return 0;
}

static int line_check(struct reading *reading, const char *line)
{
    const char *path = reading->source.path;
    size_t length = 0;
    const char *fault = NULL;
    switch (syntax_line(line, &length, &fault)) {
    case SYNTAX_NOTHING:
        return 0;
    case SYNTAX_SECTION:
        return section_begin(reading, line + 1, length);
    case SYNTAX_ENTRY:
        if (reading->settings->last == NULL) {
            return err_at(reading->err, path, reading->source.line,
                          "'%s' stands before the first [section]", line);
        }
        return 0;
    case SYNTAX_FAULT:
        break;
    }
    return err_at(reading->err, path, reading->source.line, "'%s' %s", line, fault);
}

/* inih's reader. */
static char *next_line(char *text, int size, void *stream)
{
    struct reading *reading = stream; /* inih knows it as void */
    char line[SYNTAX_ROOM_BYTES];
    int status = 0;
    if (!reading->failed) {
        status = syntax_next(&reading->source, line, reading->err);
    }
    if (status == 1 && line_check(reading, line) != 0) {
        status = -1;
    }
    if (status != 1) {
        reading->failed = reading->failed || status < 0;
        return NULL;
    }
    CHECK(strlen(line) < (size_t)size);
    return memcpy(text, line, strlen(line) + 1);
}

/* inih's handler: 0 if the entry is an error. */
static int keep_entry(void *stream, const char *section, const char *key,
                      const char *value)
{
    struct reading *reading = stream;
    struct settings_section *last = reading->settings->last;
    CHECK(strcmp(last->name, section) == 0);
    const struct settings_entry *before = entry_find(last, key);
    if (before != NULL) {
        err_at(reading->err, reading->settings->file, reading->source.line,
               "[%s] %s was given on line %" PRId64 " already", section, key,
               before->line);
        reading->failed = true;
    } else {
        struct settings_entry *entry = entry_add(last, key, reading->arena);
        reading->failed =
            value_set(entry, value, reading->settings->file, reading->source.line,
                      reading->arena, reading->err) != 0;
    }
    return !reading->failed;
}

int settings_read(struct settings *settings, const char *path, struct arena *arena,
                  struct err *err)
{
    CHECK(settings->first == NULL);
    settings->file = memory_arena_text(arena, path);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set(err, "%.700s: cannot be opened: %s", path, strerror(errno));
    }
    struct reading reading = {.settings = settings,
                              .source = {settings->file, file, 0},
                              .arena = arena,
                              .err = err};
    int status = ini_parse_stream(next_line, &reading, keep_entry, &reading);
    CHECK(status == 0 || reading.failed); /* the syntax left inih nothing to refuse */
    fclose(file);
    return reading.failed ? -1 : 0;
}

int settings_override(struct settings *settings, const char *text, struct arena *arena,
                      struct err *err)
{
    const char *name = NULL;
    const char *key = NULL;
    const char *value = NULL;
    if (!syntax_split(memory_arena_text(arena, text), &name, &key, &value)) {
        return err_set(err, "-s %.700s: this is not section.key=value", text);
    }
    struct settings_section *section = section_find(settings, name);
    if (section == NULL) {
        section = section_add(settings, name, 0, arena);
    }
    struct settings_entry *entry = entry_find(section, key);
    if (entry == NULL) {
        entry = entry_add(section, key, arena);
    }
    return value_set(entry, value, "-s", 0, arena, err);
}

const struct settings_entry *settings_find(const struct settings *settings,
                                           const char *section, const char *key)
{
    return entry_find(section_find(settings, section), key);
}

const struct settings_entry *settings_use(struct settings *settings,
                                          const char *section, const char *key)
{
    struct settings_section *inside = section_find(settings, section);
    struct settings_entry *entry = entry_find(inside, key);
    if (entry != NULL) {
        inside->used = true;
        entry->used = true;
        entry->taken = true;
    }
    return entry;
}

void settings_drop(struct settings *settings, const char *section,
                   const struct field_table *table)
{
    struct settings_section *of = section_find(settings, section);
    struct settings_entry **link = &of->first;
    of->last = NULL;
    while (*link != NULL) {
        struct settings_entry *entry = *link;
        if (entry->line > 0 && field_find(table, entry->key) != NULL) {
            *link = entry->next;
        } else {
            of->last = entry;
            link = &entry->next;
        }
    }
}

void settings_use_section(struct settings *settings, const char *section)
{
    struct settings_section *inside = section_find(settings, section);
    if (inside == NULL) {
        return;
    }
    inside->used = true;
    for (struct settings_entry *at = inside->first; at != NULL; at = at->next) {
        at->used = true;
    }
}

const struct settings_section *settings_next(const struct settings *settings,
                                             const char *prefix,
                                             const struct settings_section *after)
{
    const struct settings_section *section =
        after != NULL ? after->next : settings->first;
    while (section != NULL && strncmp(section->name, prefix, strlen(prefix)) != 0) {
        section = section->next;
    }
    return section;
}

const struct settings_section *settings_section(const struct settings *settings,
                                                const char *name)
{
    return section_find(settings, name);
}

static int refuse_key(const struct settings_entry *entry,
                      const struct field_table *tables, int32_t n_tables,
                      struct err *err)
{
    const char *nearest = field_nearest(tables, n_tables, entry->key);
    char place[PLACE_BYTES];
    place_print(entry, place);
    if (nearest != NULL) {
        return err_set(err, "%s: [%s] unknown key '%s' (did you mean '%s'?)", place,
                       entry->section, entry->key, nearest);
    }
    return err_set(err, "%s: [%s] unknown key '%s' (see 'servesim list keys')", place,
                   entry->section, entry->key);
}

static int entry_apply(const struct settings_entry *entry,
                       const struct field_table *tables, int32_t n_tables, void *base,
                       struct arena *arena, struct err *err)
{
    for (int32_t t = 0; t < n_tables; t++) {
        const struct field *field = field_find(&tables[t], entry->key);
        if (field != NULL) {
            struct err reason;
            char *inside = (char *)base + tables[t].base; /* offsets count bytes */
            int status = field_read(field, inside, entry->value, arena, &reason);
            return status != 0 ? settings_refuse(entry, reason.text, err) : 0;
        }
    }
    return refuse_key(entry, tables, n_tables, err);
}

int settings_apply(struct settings *settings, const char *section,
                   const struct field_table *tables, int32_t n_tables, void *base,
                   struct arena *arena, struct err *err)
{
    struct settings_section *inside = section_find(settings, section);
    if (inside == NULL) {
        return 0;
    }
    inside->used = true;
    for (struct settings_entry *entry = inside->first; entry != NULL;
         entry = entry->next) {
        if (entry->taken) {
            continue;
        }
        if (entry_apply(entry, tables, n_tables, base, arena, err) != 0) {
            return -1;
        }
        entry->used = true;
    }
    return 0;
}

/* Where a section began; its first entry tells if it is of the command line. */
static void section_place_print(const struct settings *settings,
                                const struct settings_section *section,
                                char place[PLACE_BYTES])
{
    if (section == NULL) {
        snprintf(place, PLACE_BYTES, "%.700s", settings->file);
    } else if (section->line > 0) {
        snprintf(place, PLACE_BYTES, "%.700s:%" PRId64, settings->file, section->line);
    } else {
        place_print(section->first, place);
    }
}

int settings_check_given(const struct settings *settings, const char *section,
                         const struct field_table *tables, int32_t n_tables,
                         const void *base, struct err *err)
{
    char place[PLACE_BYTES];
    section_place_print(settings, section_find(settings, section), place);
    for (int32_t t = 0; t < n_tables; t++) {
        const struct field *field = field_missing(&tables[t], base);
        if (field != NULL) {
            return err_set(err, "%s: [%s] must give '%s' (%s)", place, section,
                           field->key, field->help);
        }
    }
    return 0;
}

int settings_check_used(const struct settings *settings, const char *known,
                        struct err *err)
{
    const struct settings_section *section = settings->first;
    for (; section != NULL; section = section->next) {
        if (!section->used) {
            char place[PLACE_BYTES];
            section_place_print(settings, section, place);
            return err_set(err, "%s: unknown section [%s] (expected one of %s)", place,
                           section->name, known);
        }
        const struct settings_entry *entry = section->first;
        for (; entry != NULL; entry = entry->next) {
            if (!entry->used) {
                return refuse_key(entry, NULL, 0, err);
            }
        }
    }
    return 0;
}

void settings_print(FILE *out, const struct field_table *table, const void *base)
{
    const char *inside = (const char *)base + table->base; /* offsets count bytes */
    for (int32_t i = 0; i < table->n_fields; i++) {
        char text[256];
        field_print(&table->fields[i], inside, text);
        const char *blank = text[0] != '\0' ? " " : "";
        fprintf(out, "%s =%s%s\n", table->fields[i].key, blank, text);
    }
}
