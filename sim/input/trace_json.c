#include "input/trace_json.h"

#include "base/check.h"
#include "input/trace_csv.h"
#include "input/trace_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where the reader is in an object or list of the line, which may be all of it. */
struct place {
    const struct source_line *line;
    const char *start;
    const char *at;
    const char *end;
};

struct member {
    struct trace_field key;
    struct trace_field value;
};

static struct place begin(const struct source_line *line, struct trace_field field)
{
    return (struct place){line, field.text, field.text, field.text + field.length};
}

static struct trace_field whole(const struct source_line *line)
{
    return (struct trace_field){line->text, line->length};
}

static void skip_blanks(struct place *place)
{
    while (place->at < place->end && strchr(" \t\r\n", *place->at) != NULL) {
        if (*place->at == '\0') { /* which strchr() finds, too */
            return;
        }
        place->at++;
    }
}

static bool is_next(struct place *place, char c)
{
    skip_blanks(place);
    return place->at < place->end && *place->at == c;
}

static bool take(struct place *place, char c)
{
    if (!is_next(place, c)) {
        return false;
    }
    place->at++;
    return true;
}

static int refuse(const struct place *place, const char *expected, struct err *err)
{
    const struct source_line *line = place->line;
    if (place->at == line->text + line->length && !line->has_newline) {
        return err_at(err, line->file, line->number,
                      "the last line breaks off at byte %zu: the file is cut off",
                      line->length + 1);
    }
    return err_at(err, line->file, line->number, "byte %td: expected %s",
                  place->at - line->text + 1, expected);
}

/* Goes behind the string that begins here; false if it is not closed. */
static bool skip_string(struct place *place)
{
    for (place->at++; place->at < place->end; place->at++) {
        if (*place->at == '"') {
            place->at++;
            return true;
        }
        place->at += *place->at == '\\' && place->at + 1 < place->end;
    }
    return false;
}

/* Goes behind the list or object that begins here, by its depth alone. */
static bool skip_nested(struct place *place)
{
    int64_t depth = 0;
    while (place->at < place->end) {
        char c = *place->at;
        if (c == '"') {
            if (!skip_string(place)) {
                return false;
            }
            continue;
        }
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        place->at++;
        if (depth == 0) {
            return true;
        }
    }
    return false;
}

static bool skip_value(struct place *place)
{
    const char *start = place->at;
    if (is_next(place, '"')) {
        return skip_string(place);
    }
    if (is_next(place, '[') || is_next(place, '{')) {
        return skip_nested(place);
    }
    while (place->at < place->end && strchr(",]} \t\r\n", *place->at) == NULL) {
        place->at++;
    }
    return place->at > start;
}

/* Reads "key": value; the place is at the key. */
static int read_member(struct place *place, struct member *member, struct err *err)
{
    if (!is_next(place, '"')) {
        return refuse(place, "a key in double quotes", err);
    }
    const char *start = place->at + 1;
    if (!skip_string(place)) {
        return refuse(place, "the double quote that closes a key", err);
    }
    member->key = (struct trace_field){start, (size_t)(place->at - start - 1)};
    if (!take(place, ':')) {
        return refuse(place, "a colon", err);
    }
    skip_blanks(place);
    start = place->at;
    if (!skip_value(place)) {
        return refuse(place, "a value", err);
    }
    member->value = (struct trace_field){start, (size_t)(place->at - start)};
    return 0;
}

/* Whether what began where the place starts has ended there. */
static int check_end(struct place *place, struct err *err)
{
    skip_blanks(place);
    return place->at == place->end ? 0 : refuse(place, "the end of the line", err);
}

/* The next member of the object: 1, 0 behind the last one, -1 and `err`. */
static int next_member(struct place *place, struct member *member, struct err *err)
{
    bool is_first = place->at == place->start;
    *member = (struct member){{"", 0}, {"", 0}};
    if (is_first && !take(place, '{')) {
        return refuse(place, "'{'", err);
    }
    if (take(place, '}')) {
        return check_end(place, err);
    }
    if (!is_first && !take(place, ',')) {
        return refuse(place, "',' or '}'", err);
    }
    return read_member(place, member, err) == 0 ? 1 : -1;
}

static bool is_text(const char *text, struct trace_field field)
{
    return strlen(text) == field.length && memcmp(text, field.text, field.length) == 0;
}

static int32_t name_of_alias(const struct trace_json_table *table,
                             struct trace_field key)
{
    for (int32_t i = 0; i < table->n_aliases; i++) {
        if (is_text(table->aliases[i].alias, key)) {
            return table->aliases[i].name;
        }
    }
    return -1;
}

static int32_t find(const struct trace_json_table *table, struct trace_field key)
{
    for (int32_t i = 0; i < table->n_names; i++) {
        if (is_text(table->names[i], key)) {
            return i;
        }
    }
    return name_of_alias(table, key);
}

int trace_json_object(const struct trace_json_table *table,
                      const struct source_line *line, struct trace_field object,
                      struct trace_field *fields, struct err *err)
{
    struct place place = begin(line, object);
    struct member member;
    bool seen[TRACE_JSON_KEYS] = {false};
    int got;
    CHECK(table->n_names <= TRACE_JSON_KEYS);
    while ((got = next_member(&place, &member, err)) > 0) {
        int32_t i = find(table, member.key);
        if (i < 0) {
            continue;
        }
        if (seen[i]) {
            return err_at(err, line->file, line->number, "key '%s' is there twice",
                          table->names[i]);
        }
        seen[i] = true;
        bool is_null = is_text("null", member.value);
        fields[i] = is_null ? (struct trace_field){NULL, 0} : member.value;
    }
    for (int32_t i = 0; i < table->n_needed && got == 0; i++) {
        if (fields[i].text == NULL) {
            return err_at(err, line->file, line->number, "key '%s' is missing",
                          table->names[i]);
        }
    }
    return got;
}

int trace_json_row(const struct trace_json_table *table, const struct source_line *line,
                   struct trace_field *fields, struct err *err)
{
    return trace_json_object(table, line, whole(line), fields, err);
}

bool trace_json_names(const struct trace_json_table *table,
                      const struct source_line *line)
{
    struct place place = begin(line, whole(line));
    struct member member;
    struct err unread; /* told when the line is read as a row */
    int got;
    do {
        got = next_member(&place, &member, &unread);
        if (find(table, member.key) >= 0) { /* its value may be cut off */
            return true;
        }
    } while (got > 0);
    return false;
}

void trace_json_ignored(const struct trace_json_table *table,
                        const struct source_line *line,
                        char ignored[TRACE_JSON_IGNORED])
{
    struct place place = begin(line, whole(line));
    struct member member;
    struct err unread; /* the line is read again as a row, which tells what is wrong */
    size_t used = 0;
    ignored[0] = '\0';
    while (next_member(&place, &member, &unread) > 0) {
        const char *before = used > 0 ? ", " : "";
        size_t length = strlen(before) + member.key.length;
        if (find(table, member.key) >= 0 || used + length >= TRACE_JSON_IGNORED) {
            continue;
        }
        snprintf(ignored + used, length + 1, "%s%.*s", before, (int)member.key.length,
                 member.key.text);
        used += length;
    }
    for (char *c = ignored; *c != '\0'; c++) { /* it goes to a terminal */
        *c = *c < ' ' || *c > '~' ? '?' : *c;
    }
}

/* The digits that begin here; false if there are none or they are beyond 64 bits. */
static bool read_integer(struct place *place, int64_t *value)
{
    const char *start = place->at;
    for (*value = 0; place->at < place->end && *place->at >= '0' && *place->at <= '9';
         place->at++) {
        int64_t digit = *place->at - '0';
        if (*value > (INT64_MAX - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
    }
    return place->at > start;
}

int64_t trace_json_list(const struct source_line *line, const char *key,
                        struct trace_field field, int64_t *values, int64_t most,
                        struct err *err)
{
    struct place place = begin(line, field);
    int64_t n = 0;
    bool good = take(&place, '[');
    bool ended = good && take(&place, ']');
    while (good && !ended) {
        if (n == most) {
            return err_at(err, line->file, line->number,
                          "%s: there are more than %" PRId64, key, most);
        }
        skip_blanks(&place);
        good = read_integer(&place, &values[n]);
        n++;
        ended = good && take(&place, ']');
        good = good && (ended || take(&place, ','));
    }
    if (!good || place.at != place.end) {
        return trace_csv_refuse(line, key, field,
                                "is not a list of integers of at least 0", err);
    }
    return n;
}

int trace_json_element(const struct source_line *line, const char *key,
                       struct trace_field list, struct trace_field *element,
                       struct err *err)
{
    struct place place = begin(line, list);
    bool is_first = element->text == NULL;
    if (is_first && !take(&place, '[')) {
        return trace_csv_refuse(line, key, list, "is not a list", err);
    }
    place.at = is_first ? place.at : element->text + element->length;
    if (take(&place, ']')) {
        return check_end(&place, err);
    }
    if (!is_first && !take(&place, ',')) {
        return refuse(&place, "',' or ']'", err);
    }
    skip_blanks(&place);
    const char *start = place.at;
    if (!skip_value(&place)) {
        return refuse(&place, "a value", err);
    }
    *element = (struct trace_field){start, (size_t)(place.at - start)};
    return 1;
}

/* Copies the string without its escapes, as far as there is room: its length.  -1: it has
 * escapes that no label needs. */
static int32_t unescape(struct trace_field field, char *text, int32_t room)
{
    int32_t n = 0;
    for (size_t i = 0; i < field.length && n < room; i++) {
        bool is_escape = field.text[i] == '\\';
        i += is_escape;
        if (is_escape &&
            (i == field.length || (field.text[i] != '\\' && field.text[i] != '/'))) {
            return -1;
        }
        text[n++] = field.text[i];
    }
    return n;
}

int trace_json_label(const struct source_line *line, const char *key,
                     struct trace_field field, char text[TRACE_LABEL_BYTES + 1],
                     const char **label, struct err *err)
{
    char plain[TRACE_LABEL_BYTES + 1];
    bool is_quoted = field.length >= 2 && field.text[0] == '"';
    struct trace_field inner = {field.text + is_quoted, field.length - 2 * is_quoted};
    if (!is_quoted &&
        (field.length == 0 || strchr("-0123456789", field.text[0]) == NULL ||
         field.text[0] == '\0')) {
        return trace_csv_refuse(line, key, field, "is not a text or a number", err);
    }
    int32_t n = unescape(inner, plain, sizeof plain);
    if (n < 0) {
        return trace_csv_refuse(line, key, field, "is not a label (it has escapes)",
                                err);
    }
    inner = n <= TRACE_LABEL_BYTES ? (struct trace_field){plain, (size_t)n} : inner;
    return trace_value_label(line, key, inner, text, label, err);
}
