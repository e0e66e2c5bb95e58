#include "input/syntax.h"

#include <errno.h>
#include <string.h>

/* No honest file has more; duplicates are sought by walking what came before. */
enum { MOST_LINES = 10000 };

/* Bytes of the UTF-8 character at `c`; 0 if that is none, or a control character. */
static size_t character_length(const unsigned char *c)
{
    if (c[0] < 0x80) {
        return c[0] == '\t' || (c[0] >= ' ' && c[0] != 0x7F);
    }
    size_t length = c[0] < 0xC2 ? 0 : c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : 4;
    for (size_t i = 1; i < length; i++) {
        if (c[i] < 0x80 || c[i] > 0xBF) {
            return 0; /* the NUL behind the text ends here too */
        }
    }
    bool overlong = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xF0 && c[1] < 0x90);
    bool surrogate = c[0] == 0xED && c[1] > 0x9F;
    bool beyond = c[0] > 0xF4 || (c[0] == 0xF4 && c[1] > 0x8F);
    return overlong || surrogate || beyond ? 0 : length;
}

/* The first byte that is a control character or no UTF-8, or -1; NULs are found too. */
static int strange_byte(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text; /* UTF-8 is unsigned */
    size_t at = 0;
    while (at < length) {
        size_t step = character_length(bytes + at);
        if (step == 0) {
            return bytes[at];
        }
        at += step;
    }
    return -1;
}

/* The bytes up to the end of the line, without it: their number, or -1 at the end of
 * the file.  A line that fills the room is longer than any may be. */
static int64_t raw_line(FILE *file, char line[SYNTAX_ROOM_BYTES])
{
    int64_t n_bytes = 0;
    int c = getc(file);
    if (c == EOF) {
        return -1;
    }
    for (; c != EOF && c != '\n' && n_bytes < SYNTAX_ROOM_BYTES - 1; c = getc(file)) {
        line[n_bytes++] = (char)c;
    }
    n_bytes -= n_bytes > 0 && line[n_bytes - 1] == '\r';
    line[n_bytes] = '\0';
    return n_bytes;
}

int syntax_next(struct syntax_source *source, char line[SYNTAX_ROOM_BYTES],
                struct err *err)
{
    int64_t n_bytes = raw_line(source->file, line);
    if (ferror(source->file)) {
        return err_set(err, "%.700s: cannot be read: %s", source->path,
                       strerror(errno));
    }
    if (n_bytes < 0) {
        return 0;
    }
    source->line++;
    bool has_mark = source->line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0;
    const char *start = has_mark ? line + 3 : line;
    n_bytes -= start - line;
    if (source->line > MOST_LINES) {
        return err_at(err, source->path, source->line,
                      "a configuration has at most %d lines", MOST_LINES);
    }
    if (n_bytes > SYNTAX_LINE_BYTES) {
        return err_at(err, source->path, source->line,
                      "the line is longer than %d bytes", SYNTAX_LINE_BYTES);
    }
    int strange = strange_byte(start, (size_t)n_bytes);
    if (strange >= 0) {
        return err_at(err, source->path, source->line,
                      "byte 0x%02x is a control character or not UTF-8",
                      (unsigned)strange);
    }
    start += strspn(start, " \t");
    memmove(line, start, strlen(start) + 1);
    return 1;
}

bool syntax_name_is_good(const char *name, size_t length, bool is_section)
{
    bool after_letter = false;
    for (size_t i = 0; i < length; i++) {
        bool letter =
            (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
            (name[i] >= '0' && name[i] <= '9') || name[i] == '_' || name[i] == '-';
        if (!letter && !(is_section && name[i] == '.' && after_letter)) {
            return false;
        }
        after_letter = letter;
    }
    return after_letter && length <= SYNTAX_NAME_BYTES;
}

static enum syntax_kind fault_of(const char *text, const char **fault)
{
    *fault = text;
    return SYNTAX_FAULT;
}

static enum syntax_kind header(const char *line, size_t *length, const char **fault)
{
    const char *end = strchr(line, ']');
    if (end == NULL) {
        return fault_of("has no ']'", fault);
    }
    const char *rest = end + 1 + strspn(end + 1, " \t");
    if (*rest != '\0' && *rest != ';') {
        return fault_of("goes on after the section's name", fault);
    }
    *length = (size_t)(end - line - 1);
    if (!syntax_name_is_good(line + 1, *length, true)) {
        return fault_of("is no section name (at most 49 letters, digits, '_', '-' and, "
                        "between others, '.')",
                        fault);
    }
    return SYNTAX_SECTION;
}

enum syntax_kind syntax_line(const char *line, size_t *length, const char **fault)
{
    if (line[0] == '\0' || line[0] == ';' || line[0] == '#') {
        return SYNTAX_NOTHING;
    }
    if (line[0] == '[') {
        return header(line, length, fault);
    }
    *length = strcspn(line, "=:");
    if (line[*length] != '=' || *length == 0) {
        return fault_of("is not 'key = value', a [section] or a comment", fault);
    }
    while (*length > 0 && (line[*length - 1] == ' ' || line[*length - 1] == '\t')) {
        (*length)--;
    }
    if (!syntax_name_is_good(line, *length, false)) {
        return fault_of(
            "does not begin with a key (at most 49 letters, digits, '_' and "
            "'-')",
            fault);
    }
    return SYNTAX_ENTRY;
}

bool syntax_split(char *text, const char **section, const char **key,
                  const char **value)
{
    char *equals = strchr(text, '=');
    char *dot = equals != NULL ? memrchr(text, '.', (size_t)(equals - text)) : NULL;
    if (dot == NULL || !syntax_name_is_good(text, (size_t)(dot - text), true) ||
        !syntax_name_is_good(dot + 1, (size_t)(equals - dot - 1), false)) {
        return false;
    }
    *dot = '\0';
    *equals = '\0';
    *section = text;
    *key = dot + 1;
    *value = equals + 1 + strspn(equals + 1, " \t");
    char *end = text + (*value - text) + strlen(*value);
    while (end > *value && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = '\0';
    }
    return true;
}

const char *syntax_value_fault(const char *key, const char *value)
{
    if (strlen(key) + strlen(" = ") + strlen(value) > SYNTAX_LINE_BYTES) {
        return "'key = value' is longer than a line of 199 bytes";
    }
    if (strange_byte(value, strlen(value)) >= 0) {
        return "the value has a control character or is not UTF-8";
    }
    for (const char *c = strchr(value, ';'); c != NULL; c = strchr(c + 1, ';')) {
        if (c == value || c[-1] == ' ' || c[-1] == '\t') {
            return "the value has a ';' at its start or after a blank, where a comment "
                   "begins";
        }
    }
    return NULL;
}
