#include "base/field.h"

#include "base/check.h"
#include "base/quantity.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { TEXT_BYTES = 256, KEY_BYTES = 49 };

/* A number that no text can give: decimal_round() stays above it. */
static const int64_t missing = INT64_MIN;

static size_t choice_length(const char *choice)
{
    return strcspn(choice, "|");
}

/* The choice of that index, or NULL after the last. */
static const char *choice_at(const struct field *field, int64_t index)
{
    const char *choice = index < 0 ? NULL : field->choices;
    for (; choice != NULL && index > 0; index--) {
        choice += choice_length(choice);
        choice = *choice == '|' ? choice + 1 : NULL;
    }
    return choice;
}

/* "a|b|c" as "a, b, c". */
static void choices_print(const struct field *field, char text[TEXT_BYTES])
{
    size_t used = 0;
    for (const char *c = field->choices; *c != '\0' && used + 3 < TEXT_BYTES; c++) {
        text[used++] = *c == '|' ? ',' : *c;
        if (*c == '|') {
            text[used++] = ' ';
        }
    }
    text[used] = '\0';
}

static int flag_read(const char *text, int64_t *value, struct err *err)
{
    static const char *const words[] = {"no",  "yes", "false", "true",
                                        "off", "on",  "0",     "1"};
    for (int i = 0; i < 8; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *value = i % 2;
            return 0;
        }
    }
    return err_set(err, "'%.200s' is not yes or no", text);
}

static int choice_read(const struct field *field, const char *text, int64_t *value,
                       struct err *err)
{
    const char *choice = choice_at(field, 0);
    for (int64_t i = 0; choice != NULL; choice = choice_at(field, ++i)) {
        size_t length = choice_length(choice);
        if (strlen(text) == length && memcmp(text, choice, length) == 0) {
            *value = i;
            return 0;
        }
    }
    char choices[TEXT_BYTES];
    choices_print(field, choices);
    return err_set(err, "'%.200s' is not one of %s", text, choices);
}

static int text_read(char *place, const char *text, struct arena *arena,
                     struct err *err)
{
    if (strlen(text) >= TEXT_BYTES) {
        return err_set(err, "'%.40s...' is longer than %d bytes", text, TEXT_BYTES - 1);
    }
    const char *copy = memory_arena_text(arena, text);
    memcpy(place, &copy, sizeof copy);
    return 0;
}

int field_read(const struct field *field, void *base, const char *text,
               struct arena *arena, struct err *err)
{
    char *place = (char *)base + field->offset; /* offsets count bytes */
    int64_t value = 0;
    int status = 0;
    if (field->type == FIELD_TEXT) {
        return text_read(place, text, arena, err);
    }
    if (field->type == FIELD_FLAG) {
        status = flag_read(text, &value, err);
    } else if (field->type == FIELD_CHOICE) {
        status = choice_read(field, text, &value, err);
    } else {
        status = quantity_read(field, text, &value, err);
    }
    if (status == 0) {
        memcpy(place, &value, sizeof value);
    }
    return status;
}

static int64_t number_at(const struct field *field, const void *base)
{
    int64_t value = 0;
    memcpy(&value, (const char *)base + field->offset, sizeof value);
    return value;
}

static const char *text_at(const struct field *field, const void *base)
{
    const char *text = NULL;
    memcpy(&text, (const char *)base + field->offset, sizeof text);
    return text != NULL ? text : "";
}

void field_print(const struct field *field, const void *base, char text[256])
{
    if (field->type == FIELD_TEXT) {
        CHECK(strlen(text_at(field, base)) < TEXT_BYTES);
        snprintf(text, TEXT_BYTES, "%s", text_at(field, base));
        return;
    }
    int64_t value = number_at(field, base);
    CHECK(value != missing);
    if (field->type == FIELD_FLAG) {
        snprintf(text, TEXT_BYTES, "%s", value != 0 ? "yes" : "no");
    } else if (field->type == FIELD_CHOICE) {
        const char *choice = choice_at(field, value);
        CHECK(choice != NULL && choice_length(choice) < TEXT_BYTES);
        snprintf(text, TEXT_BYTES, "%.*s", (int)choice_length(choice), choice);
    } else {
        quantity_print(field, value, text);
    }
}

/* ", 1 to 8", ", at least 1", ", at most 8" or nothing. */
static void bounds_print(const struct field *field, char text[TEXT_BYTES])
{
    char least[TEXT_BYTES] = "";
    char greatest[TEXT_BYTES] = "";
    if (field->least != NULL) {
        quantity_describe(field, field->least, least);
    }
    if (field->greatest != NULL) {
        quantity_describe(field, field->greatest, greatest);
    }
    if (field->least != NULL && field->greatest != NULL) {
        snprintf(text, TEXT_BYTES, ", %.80s to %.80s", least, greatest);
    } else if (field->least != NULL) {
        snprintf(text, TEXT_BYTES, ", at least %.80s", least);
    } else if (field->greatest != NULL) {
        snprintf(text, TEXT_BYTES, ", at most %.80s", greatest);
    } else {
        text[0] = '\0';
    }
}

/* "default 60 ms" or "must be given". */
static void standard_print(const struct field *field, char text[TEXT_BYTES])
{
    char standard[TEXT_BYTES] = "empty";
    if (field->standard == NULL) {
        snprintf(text, TEXT_BYTES, "must be given");
        return;
    }
    if (quantity_is_number(field->type)) {
        quantity_describe(field, field->standard, standard);
    } else if (field->standard[0] != '\0') {
        snprintf(standard, TEXT_BYTES, "%s", field->standard);
    }
    snprintf(text, TEXT_BYTES, "default %.200s", standard);
}

void field_range(const struct field *field, char text[256])
{
    char standard[TEXT_BYTES];
    char values[TEXT_BYTES] = "";
    standard_print(field, standard);
    if (field->type == FIELD_CHOICE) {
        choices_print(field, values);
        snprintf(text, TEXT_BYTES, "one of %.180s; %.60s", values, standard);
    } else if (field->type == FIELD_FLAG) {
        snprintf(text, TEXT_BYTES, "yes or no; %.60s", standard);
    } else {
        if (quantity_is_number(field->type)) {
            bounds_print(field, values);
        }
        snprintf(text, TEXT_BYTES, "%.80s%.170s", standard, values);
    }
}

const struct field *field_find(const struct field_table *table, const char *key)
{
    for (int32_t i = 0; i < table->n_fields; i++) {
        if (strcmp(table->fields[i].key, key) == 0) {
            return &table->fields[i];
        }
    }
    return NULL;
}

/* Letters to change, insert or leave out to turn one key into the other. */
static int32_t distance(const char *a, const char *b)
{
    int32_t row[KEY_BYTES + 1];
    int32_t length = (int32_t)strlen(b);
    CHECK(length <= KEY_BYTES);
    for (int32_t j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (int32_t i = 0; a[i] != '\0'; i++) {
        int32_t diagonal = row[0];
        row[0] = i + 1;
        for (int32_t j = 0; j < length; j++) {
            int32_t changed = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            int32_t shorter = (row[j] < diagonal ? row[j] : diagonal) + 1;
            row[j + 1] = changed < shorter ? changed : shorter;
        }
    }
    return row[length];
}

const char *field_nearest(const struct field_table *tables, int32_t n_tables,
                          const char *key)
{
    const char *nearest = NULL;
    int32_t length = (int32_t)strlen(key);
    int32_t least = length < 3 ? length : 3; /* two changes, never every letter */
    for (int32_t t = 0; t < n_tables; t++) {
        for (int32_t i = 0; i < tables[t].n_fields; i++) {
            int32_t changes = distance(key, tables[t].fields[i].key);
            nearest = changes < least ? tables[t].fields[i].key : nearest;
            least = changes < least ? changes : least;
        }
    }
    return nearest;
}

void field_defaults(const struct field_table *table, void *base, struct arena *arena)
{
    char *inside = (char *)base + table->base; /* offsets count bytes */
    for (int32_t i = 0; i < table->n_fields; i++) {
        const struct field *field = &table->fields[i];
        struct err err;
        if (field->standard != NULL) {
            CHECK(field_read(field, inside, field->standard, arena, &err) == 0);
        } else if (field->type == FIELD_TEXT) {
            CHECK(field_read(field, inside, "", arena, &err) == 0);
        } else {
            memcpy(inside + field->offset, &missing, sizeof missing);
        }
    }
}

const struct field *field_missing(const struct field_table *table, const void *base)
{
    const char *inside = (const char *)base + table->base;
    for (int32_t i = 0; i < table->n_fields; i++) {
        const struct field *field = &table->fields[i];
        bool absent = field->type == FIELD_TEXT ? text_at(field, inside)[0] == '\0'
                                                : number_at(field, inside) == missing;
        if (field->standard == NULL && absent) {
            return field;
        }
    }
    return NULL;
}

static void verify_default(const struct field *field, struct arena *arena)
{
    struct { /* the field alone, wherever its struct has it */
        int64_t value;
        const char *text;
    } alone = {0, NULL};
    struct field copy = *field;
    copy.offset = 0;
    void *place =
        field->type == FIELD_TEXT ? (void *)&alone.text : (void *)&alone.value;
    struct err err;
    CHECK(field->standard == NULL ||
          field_read(&copy, place, field->standard, arena, &err) == 0);
}

void field_verify(const struct field_table *table)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    struct arena arena = {NULL};
    for (int32_t i = 0; i < table->n_fields; i++) {
        const struct field *field = &table->fields[i];
        size_t length = strlen(field->key);
        CHECK(length > 0 && length <= KEY_BYTES &&
              strspn(field->key, letters) == length);
        CHECK(field_find(table, field->key) == field);
        CHECK(field->help != NULL && field->unit != NULL);
        CHECK((field->type == FIELD_CHOICE) == (field->choices != NULL));
        if (quantity_is_number(field->type)) {
            quantity_verify(field);
        }
        verify_default(field, &arena);
    }
    memory_arena_free(&arena);
}
