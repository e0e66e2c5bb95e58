#include "study/grid.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "base/wide.h"
#include "input/syntax.h"

/* An axis while it is read. */
struct reading {
    const char *over; /* as the user wrote it */
    struct grid *grid;
    struct grid_axis *axis;
    struct arena *arena;
    int64_t room; /* for values */
};

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    return text;
}

static int add_key(struct reading *reading, char *name, struct err *err)
{
    struct grid *grid = reading->grid;
    const char *section;
    const char *shown;
    const char *value;
    size_t room = strlen(name) + 2;
    char *text = ARENA_NEW(reading->arena, room, char);
    snprintf(text, room, "%s=", name); /* syntax_split() wants a value */
    if (!syntax_split(text, &section, &shown, &value)) {
        return err_set(err, "--over %.700s: '%.200s' is not section.key", reading->over,
                       name);
    }
    for (int32_t i = 0; i < grid->n_keys; i++) {
        if (strcmp(grid->keys[i].name, name) == 0) {
            return err_set(err, "--over %.700s: '%.200s' is varied twice",
                           reading->over, name);
        }
    }
    if (grid->n_keys == GRID_MOST_KEYS) {
        return err_set(err, "--over %.700s: more than %d keys vary", reading->over,
                       GRID_MOST_KEYS);
    }
    grid->keys[grid->n_keys++] = (struct grid_key){.name = name, .shown = shown};
    reading->axis->n_keys++;
    return 0;
}

/* A new point of the axis: the words between ':' for keys that vary together. */
static int add_value(struct reading *reading, char *value, struct err *err)
{
    struct grid_axis *axis = reading->axis;
    if (axis->n_values == GRID_MOST_VALUES) {
        return err_set(err, "--over %.700s: more than %d values", reading->over,
                       GRID_MOST_VALUES);
    }
    if (axis->n_values == reading->room) {
        int64_t more = reading->room > 0 ? 2 * reading->room : 16;
        const char **values =
            ARENA_NEW(reading->arena, more * axis->n_keys, const char *);
        for (int64_t i = 0; i < axis->n_values * axis->n_keys; i++) {
            values[i] = axis->values[i];
        }
        axis->values = values;
        reading->room = more;
    }
    const char **words = &axis->values[axis->n_values * axis->n_keys];
    int32_t n = 0;
    bool together = axis->n_keys > 1;
    for (char *rest = value; rest != NULL;) {
        char *word = trim(together ? strsep(&rest, ":") : rest);
        rest = together ? rest : NULL;
        if (*word == '\0') {
            return err_set(err, "--over %.700s: one of its values is empty",
                           reading->over);
        }
        if (n < axis->n_keys) {
            words[n] = word;
        }
        n++;
    }
    if (n != axis->n_keys) {
        return err_set(err, "--over %.500s: %d values stand together for %d keys",
                       reading->over, n, axis->n_keys);
    }
    axis->n_values++;
    return 0;
}

static bool scan(const char *text, int64_t *nano)
{
    return decimal_scan(text, strlen(text), 9, nano);
}

/* "1..8", "0.5..2+0.5" or "1..64*2" as numbers of 10^-9; false: another kind of text. */
static bool read_range(const char *text, int64_t range[3], char *sign)
{
    char copy[128];
    char *to = strstr(text, "..");
    if (to == NULL || strlen(text) >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, strlen(text) + 1);
    to = copy + (to - text);
    *to = '\0';
    to += 2;
    char *step = strpbrk(to, "+*");
    *sign = '+';
    range[2] = 1000000000;
    if (step != NULL) {
        *sign = *step;
        *step = '\0';
        if (!scan(step + 1, &range[2])) {
            return false;
        }
    }
    return scan(copy, &range[0]) && scan(to, &range[1]);
}

static int add_range(struct reading *reading, const int64_t range[3], char sign,
                     struct err *err)
{
    bool grows = sign == '+' ? range[2] > 0 : range[2] > 1000000000 && range[0] > 0;
    if (!grows || range[1] < range[0]) {
        return err_set(err,
                       "--over %.700s: a range goes from its first number up to its "
                       "second: FROM..TO, FROM..TO+STEP or FROM..TO*FACTOR",
                       reading->over);
    }
    for (wide at = range[0]; at <= range[1];) {
        char *value = ARENA_NEW(reading->arena, 48, char);
        decimal_print((int64_t)at, 9, value);
        if (add_value(reading, value, err) != 0) {
            return -1;
        }
        at = sign == '+' ? at + range[2] : at * range[2] / 1000000000;
    }
    return 0;
}

/* A value of an axis, to be sorted. */
struct value {
    const char **words;
    int32_t n_words;
    int64_t at;
};

static int compare_words(const struct value *a, const struct value *b)
{
    int order = 0;
    for (int32_t i = 0; i < a->n_words && order == 0; i++) {
        order = strcmp(a->words[i], b->words[i]);
    }
    return order;
}

static int compare_values(const void *a, const void *b)
{
    const struct value *x = a;
    const struct value *y = b;
    int order = compare_words(x, y);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* Of values that are there twice the first one that repeats another is told. */
static int check_values(const struct reading *reading, struct err *err)
{
    const struct grid_axis *axis = reading->axis;
    size_t n = (size_t)axis->n_values;
    struct value *sorted = memory_new(n, sizeof *sorted);
    const struct value *second = NULL;
    int status = 0;
    for (int64_t i = 0; i < axis->n_values; i++) {
        sorted[i] = (struct value){&axis->values[i * axis->n_keys], axis->n_keys, i};
    }
    qsort(sorted, n, sizeof *sorted, compare_values);
    for (size_t i = 1; i < n; i++) {
        bool again = compare_words(&sorted[i - 1], &sorted[i]) == 0;
        if (again && (second == NULL || sorted[i].at < second->at)) {
            second = &sorted[i];
        }
    }
    if (second != NULL) {
        status = err_set(err, "--over %.500s: '%.200s' is there twice", reading->over,
                         second->words[0]);
    }
    free(sorted);
    return status;
}

static int read_axis(struct reading *reading, struct err *err)
{
    char *text = memory_arena_text(reading->arena, reading->over);
    char *list = strchr(text, '=');
    if (list == NULL) {
        return err_set(err, "--over %.700s: this is not section.key=v1,v2,...",
                       reading->over);
    }
    *list++ = '\0';
    reading->axis->first_key = reading->grid->n_keys;
    for (char *name; (name = strsep(&text, "+")) != NULL;) {
        if (add_key(reading, trim(name), err) != 0) {
            return -1;
        }
    }
    for (char *value; (value = strsep(&list, ",")) != NULL;) {
        int64_t range[3];
        char sign;
        bool is_range =
            reading->axis->n_keys == 1 && read_range(trim(value), range, &sign);
        int status = is_range ? add_range(reading, range, sign, err)
                              : add_value(reading, trim(value), err);
        if (status != 0) {
            return -1;
        }
    }
    return check_values(reading, err);
}

/* Where keys of two sections have one name, both are shown with their sections. */
static void tell_apart(struct grid *grid)
{
    for (int32_t i = 0; i < grid->n_keys; i++) {
        for (int32_t j = 0; j < i; j++) {
            struct grid_key *one = &grid->keys[j];
            struct grid_key *other = &grid->keys[i];
            if (strcmp(strrchr(one->name, '.'), strrchr(other->name, '.')) == 0) {
                one->shown = one->name;
                other->shown = other->name;
            }
        }
    }
}

int grid_read(struct grid *grid, const char *const *overs, int32_t n, int64_t most,
              struct arena *arena, struct err *err)
{
    *grid = (struct grid){
        .keys = ARENA_NEW(arena, GRID_MOST_KEYS, struct grid_key),
        .axes = ARENA_NEW(arena, (size_t)n + 1, struct grid_axis),
        .n_points = 1,
    };
    for (int32_t i = 0; i < n; i++) {
        struct reading reading = {.over = overs[i],
                                  .grid = grid,
                                  .axis = &grid->axes[grid->n_axes++],
                                  .arena = arena};
        if (read_axis(&reading, err) != 0) {
            return -1;
        }
        grid->n_points *= reading.axis->n_values;
        if (grid->n_points > most) {
            return err_set(err, "--over: more than %lld variants", (long long)most);
        }
    }
    tell_apart(grid);
    return 0;
}

int grid_choose(struct grid *grid, const struct config *config,
                const char *const *overs, int32_t n, int64_t most, struct arena *arena,
                struct err *err)
{
    static const char option[] = "--over";
    *grid = (struct grid){0};
    if (n > 0) {
        return grid_read(grid, overs, n, most, arena, err);
    }
    if (config->study.n_overs == 0) {
        return err_set(err,
                       "%s: nothing varies: give --over section.key=v1,v2,... or a "
                       "section [over]",
                       config->file);
    }
    if (grid_read(grid, config->study.overs, config->study.n_overs, most, arena, err) ==
        0) {
        return 0;
    }
    char reason[sizeof err->text];
    snprintf(reason, sizeof reason, "%s", err->text + sizeof option - 1);
    return err_set(err, "%.300s: [over]%.700s", config->file, reason);
}

static const char *join(const struct grid *grid, const char **values,
                        struct arena *arena)
{
    size_t room = 1;
    for (int32_t k = 0; k < grid->n_keys; k++) {
        room += strlen(grid->keys[k].shown) + strlen("= ") + strlen(values[k]);
    }
    char *label = ARENA_NEW(arena, room, char);
    size_t used = 0;
    for (int32_t k = 0; k < grid->n_keys; k++) {
        used += (size_t)snprintf(label + used, room - used, "%s%s=%s", k > 0 ? " " : "",
                                 grid->keys[k].shown, values[k]);
    }
    return label;
}

void grid_point(struct grid_point *point, const struct grid *grid, int64_t at,
                struct arena *arena)
{
    CHECK(at >= 0 && at < grid->n_points);
    *point = (struct grid_point){
        .values = ARENA_NEW(arena, (size_t)grid->n_keys + 1, const char *),
        .overrides = ARENA_NEW(arena, (size_t)grid->n_keys + 1, const char *),
    };
    for (int32_t a = grid->n_axes - 1; a >= 0; a--) {
        const struct grid_axis *axis = &grid->axes[a];
        const char **words = &axis->values[at % axis->n_values * axis->n_keys];
        at /= axis->n_values;
        for (int32_t i = 0; i < axis->n_keys; i++) {
            int32_t k = axis->first_key + i;
            size_t room = strlen(grid->keys[k].name) + strlen("=") + strlen(words[i]);
            char *text = ARENA_NEW(arena, room + 1, char);
            snprintf(text, room + 1, "%s=%s", grid->keys[k].name, words[i]);
            point->overrides[k] = text;
            point->values[k] = words[i];
        }
    }
    point->label = join(grid, point->values, arena);
}

const char **grid_overrides(const struct grid_point *point, const struct grid *grid,
                            const char *const *overrides, int32_t n,
                            struct arena *arena)
{
    const char **all =
        ARENA_NEW(arena, (size_t)n + (size_t)grid->n_keys + 1, const char *);
    for (int32_t i = 0; i < n; i++) {
        all[i] = overrides[i];
    }
    for (int32_t k = 0; k < grid->n_keys; k++) {
        all[n + k] = point->overrides[k];
    }
    return all;
}
