#include "study/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input/settings.h"
#include "input/source.h"
#include "study/diff_better.h"

static const char *const files[] = {"config.ini", "summary.csv", "requests.csv"};

/* Says what is missing before anything is read. */
static int check_folder(const char *folder, struct err *err)
{
    struct stat about;
    if (stat(folder, &about) != 0 || !S_ISDIR(about.st_mode)) {
        return err_set(err, "%s: there is no such folder", folder);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[600];
        int length = snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        if (length >= (int)sizeof path) {
            return err_set(err, "%.80s...: the path is longer than %zu bytes", folder,
                           sizeof path - 1);
        }
        if (stat(path, &about) != 0) {
            return err_set(err,
                           "%s: holds no %s; expected a folder that 'servesim run -o' "
                           "wrote",
                           folder, files[i]);
        }
    }
    return 0;
}

/* Both values of a name, as they are compared: NULL where a run does not have it. */
static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool read_number(const char *text, double *value)
{
    char *end;
    *value = text != NULL ? strtod(text, &end) : 0;
    return text != NULL && *text != '\0' && *end == '\0' && isfinite(*value);
}

static void add_row(struct diff_rows *rows, struct diff_row row)
{
    rows->n_compared++;
    if (is_same(row.before, row.after)) {
        return;
    }
    double before;
    double after;
    if (read_number(row.before, &before) && read_number(row.after, &after)) {
        row.is_number = true;
        row.change = after - before;
        row.percent = before != 0 ? 100 * row.change / fabs(before) : NAN;
        row.better = row.change > 0 ? row.better : -row.better;
        row.better = row.change != 0 ? row.better : 0;
    } else {
        row.better = 0;
    }
    if ((rows->n & (rows->n + 1)) == 0) { /* 0, 1, 3, 7 ...: no room is left */
        rows->list =
            memory_grow(rows->list, 2 * (size_t)rows->n + 1, sizeof *rows->list);
    }
    rows->list[rows->n++] = row;
}

static const char *value_of(const struct settings *settings, const char *section,
                            const char *key)
{
    const struct settings_entry *entry = settings_find(settings, section, key);
    return entry != NULL ? entry->value : NULL;
}

/* The keys of one file; with `extra`, those that the other does not have only. */
static void add_keys(struct diff_rows *rows, const struct settings files_of[2],
                     bool extra, struct arena *arena)
{
    const struct settings *from = &files_of[extra];
    const struct settings_section *section = NULL;
    while ((section = settings_next(from, "", section)) != NULL) {
        for (const struct settings_entry *entry = section->first; entry != NULL;
             entry = entry->next) {
            const char *other = value_of(&files_of[!extra], section->name, entry->key);
            if (extra && other != NULL) {
                continue;
            }
            size_t length = strlen(section->name) + strlen(entry->key) + 2;
            char *name = memory_arena_new(arena, length, 1);
            snprintf(name, length, "%s.%s", section->name, entry->key);
            add_row(rows, (struct diff_row){.name = name,
                                            .unit = "",
                                            .before = extra ? NULL : entry->value,
                                            .after = extra ? entry->value : other});
        }
    }
}

static int read_keys(struct diff *diff, struct arena *arena, struct err *err)
{
    struct settings settings[2] = {{0}};
    for (int i = 0; i < 2; i++) {
        char path[600];
        snprintf(path, sizeof path, "%.500s/%s", diff->folders[i], files[0]);
        if (settings_read(&settings[i], memory_arena_text(arena, path), arena, err) !=
            0) {
            return -1;
        }
    }
    add_keys(&diff->keys, settings, false, arena);
    add_keys(&diff->keys, settings, true, arena);
    return 0;
}

/* The metrics of one run, as text. */
struct table {
    int32_t n;
    const char **names;
    const char **values;
    const char **units;
};

/* "metric,value,unit": texts of our own, which have no commas. */
static int read_metric(struct table *table, const struct source_line *line,
                       struct arena *arena, struct err *err)
{
    const char *text = line->text;
    const char *end = text + line->length;
    const char *first = memchr(text, ',', line->length);
    const char *second = first != NULL && first + 1 <= end
                             ? memchr(first + 1, ',', (size_t)(end - first - 1))
                             : NULL;
    if (second == NULL || memchr(second + 1, ',', (size_t)(end - second - 1)) != NULL) {
        return err_at(err, line->file, line->number, "is not 'metric,value,unit'");
    }
    for (const char *at = text; at < end; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) { /* char may be signed */
            return err_at(err, line->file, line->number, "has a control character");
        }
    }
    if (table->n == DIFF_MOST_ROWS) {
        return err_at(err, line->file, line->number, "more than %d metrics",
                      DIFF_MOST_ROWS);
    }
    const char *starts[] = {text, first + 1, second + 1};
    const char *stops[] = {first, second, end};
    char *words[3];
    for (int i = 0; i < 3; i++) {
        size_t length = (size_t)(stops[i] - starts[i]);
        words[i] = memory_arena_new(arena, length + 1, 1);
        memcpy(words[i], starts[i], length);
    }
    table->names[table->n] = words[0];
    table->values[table->n] = words[1];
    table->units[table->n++] = words[2];
    return 0;
}

static int read_table(struct table *table, const char *folder, struct arena *arena,
                      struct err *err)
{
    char path[600];
    struct source_line line;
    snprintf(path, sizeof path, "%.500s/%s", folder, files[1]);
    struct source *source = source_open(path, err);
    if (source == NULL) {
        return -1;
    }
    *table = (struct table){.names = ARENA_NEW(arena, DIFF_MOST_ROWS, const char *),
                            .values = ARENA_NEW(arena, DIFF_MOST_ROWS, const char *),
                            .units = ARENA_NEW(arena, DIFF_MOST_ROWS, const char *)};
    int status = source_next(source, &line, err);
    if (status == 0 ||
        (status > 0 &&
         (line.length != 17 || memcmp(line.text, "metric,value,unit", 17) != 0))) {
        status = err_set(err, "%s: does not begin with 'metric,value,unit'", path);
    }
    while (status > 0 && (status = source_next(source, &line, err)) > 0) {
        status = read_metric(table, &line, arena, err) == 0 ? 1 : -1;
    }
    source_close(source);
    return status < 0 ? -1 : 0;
}

static int32_t find(const struct table *table, const char *name)
{
    for (int32_t i = 0; i < table->n; i++) {
        if (strcmp(table->names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static int read_metrics(struct diff *diff, struct arena *arena, struct err *err)
{
    struct table tables[2];
    if (read_table(&tables[0], diff->folders[0], arena, err) != 0 ||
        read_table(&tables[1], diff->folders[1], arena, err) != 0) {
        return -1;
    }
    for (int side = 0; side < 2; side++) {
        const struct table *from = &tables[side];
        const struct table *to = &tables[!side];
        for (int32_t i = 0; i < from->n; i++) {
            int32_t other = find(to, from->names[i]);
            if (side == 1 && other >= 0) {
                continue;
            }
            const char *there = other >= 0 ? to->values[other] : NULL;
            add_row(&diff->metrics,
                    (struct diff_row){.name = from->names[i],
                                      .unit = from->units[i],
                                      .before = side == 0 ? from->values[i] : NULL,
                                      .after = side == 0 ? there : from->values[i],
                                      .better = diff_better(from->names[i])});
        }
    }
    return 0;
}

int diff_read(struct diff *diff, const char *const folders[2], struct arena *arena,
              struct err *err)
{
    *diff = (struct diff){.folders = {folders[0], folders[1]}};
    for (int i = 0; i < 2; i++) {
        if (check_folder(folders[i], err) != 0) {
            return -1;
        }
    }
    if (read_keys(diff, arena, err) != 0 || read_metrics(diff, arena, err) != 0) {
        return -1;
    }
    return diff_requests_read(&diff->requests, folders, err);
}

void diff_free(struct diff *diff)
{
    free(diff->keys.list);
    free(diff->metrics.list);
}

bool diff_any(const struct diff *diff)
{
    const struct diff_requests *requests = &diff->requests;
    return diff->keys.n > 0 || diff->metrics.n > 0 || requests->n_differ > 0 ||
           requests->is_other || requests->n_rows[0] != requests->n_rows[1];
}
