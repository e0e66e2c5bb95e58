#include "input/import_args.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "input/source.h"

enum { MOST_WORDS = 1000, MOST_BYTES = 1 << 16 };

struct words {
    const char *at[MOST_WORDS];
    int32_t n;
};

static int read_file(const char *path, char *text, struct err *err)
{
    struct source *source = source_open(path, err);
    if (source == NULL) {
        return -1;
    }
    struct source_line line;
    size_t used = 0;
    int result;
    while ((result = source_next(source, &line, err)) == 1) {
        if (used + line.length + 2 > MOST_BYTES) {
            result = err_set(err, "%s: longer than %d bytes", source_name(source),
                             MOST_BYTES);
            break;
        }
        memcpy(text + used, line.text, line.length);
        used += line.length;
        text[used++] = '\n';
    }
    text[used] = '\0';
    source_close(source);
    return result;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A backslash at the end of a line joins it with the next. */
static bool is_continued(const char *at)
{
    return at[0] == '\\' && (at[1] == '\n' || (at[1] == '\r' && at[2] == '\n'));
}

/* Copies one word from *at to `to` without its quotes; NULL if a quote stays open. */
static char *copy_word(const char **at, char *to)
{
    char quote = '\0';
    const char *from = *at;
    for (; *from != '\0' && (quote != '\0' || !is_blank(*from)); from++) {
        if (quote == '\0' && is_continued(from)) {
            break;
        }
        if (quote == '\0' && (*from == '\'' || *from == '"')) {
            quote = *from;
        } else if (*from == quote) { /* never '\0': the loop has ended there */
            quote = '\0';
        } else if (*from == '\\' && quote != '\'' && from[1] != '\0') {
            *to++ = *++from;
        } else {
            *to++ = *from;
        }
    }
    *to++ = '\0';
    *at = from;
    return quote == '\0' ? to : NULL;
}

/* `room` has as many bytes as `text` and one more: a word is never longer than it was. */
static int split(const struct import_args *args, const char *text, char *room,
                 struct words *words, struct err *err)
{
    for (const char *at = text; *at != '\0';) {
        if (is_blank(*at)) {
            at++;
            continue;
        }
        if (is_continued(at)) {
            at += at[1] == '\n' ? 2 : 3;
            continue;
        }
        if (words->n == MOST_WORDS) {
            return err_set(err, "%s: the command has more than %d words",
                           args->program->name, MOST_WORDS);
        }
        words->at[words->n++] = room;
        room = copy_word(&at, room);
        if (room == NULL) {
            return err_set(err, "%s: a quote is not closed", args->program->name);
        }
    }
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The first word after the program's name; 0 if it is not there. */
static int32_t find_start(const struct import_args *args, const struct words *words)
{
    for (int32_t i = 0; i < words->n; i++) {
        const char *tag = strchr(words->at[i], ':'); /* of a container image */
        for (const char *const *at = args->program->markers; *at != NULL; at++) {
            size_t n = strlen(*at);
            bool is_image = tag != NULL && (size_t)(tag - words->at[i]) >= n &&
                            memcmp(tag - n, *at, n) == 0;
            if (is_image || ends_with(words->at[i], *at)) {
                bool serves =
                    i + 1 < words->n && strcmp(words->at[i + 1], "serve") == 0;
                return i + 1 + serves;
            }
        }
    }
    return 0;
}

const char *import_args_get(const struct import_args *args, const char *key)
{
    for (int32_t i = 0; i < args->n_settings; i++) {
        if (strcmp(args->settings[i].key, key) == 0) {
            return args->settings[i].value;
        }
    }
    return NULL;
}

void import_args_set(struct import_args *args, const char *flag, const char *key,
                     const char *value)
{
    int32_t i = 0;
    while (i < args->n_settings && strcmp(args->settings[i].key, key) != 0) {
        i++;
    }
    args->settings[i] = (struct import_args_setting){flag, key, value};
    args->n_settings += i == args->n_settings;
}

void import_args_lose(struct import_args *args, const char *flag, const char *reason)
{
    char text[160];
    snprintf(text, sizeof text, reason == NULL ? "%.64s" : "%.64s (%.80s)", flag,
             reason);
    args->lost[args->n_lost++] = memory_arena_text(args->arena, text);
}

void import_args_ignore(struct import_args *args, const char *flag)
{
    args->plain[args->n_plain++] = flag;
}

void import_args_remark(struct import_args *args, const char *sentence)
{
    args->remarks[args->n_remarks++] = sentence;
}

int import_args_refuse(const struct import_args *args, const char *key,
                       const char *reason, struct err *err)
{
    for (int32_t i = 0; i < args->n_settings; i++) {
        const struct import_args_setting *setting = &args->settings[i];
        if (strcmp(setting->key, key) == 0) {
            return err_set(err, "%s: %.64s: '%.64s' %s", args->program->name,
                           setting->flag, setting->value, reason);
        }
    }
    return err_set(err, "%s: %s", args->program->name, reason);
}

int import_args_choose(const struct import_args *args, const char *key,
                       const char *choices, struct err *err)
{
    const char *value = import_args_get(args, key);
    for (const char *at = choices; value != NULL && *at != '\0';) {
        size_t n = strcspn(at, ",");
        if (strlen(value) == n && memcmp(at, value, n) == 0) {
            return 0;
        }
        at += n + strspn(at + n, ", ");
    }
    char reason[200];
    snprintf(reason, sizeof reason, "is not one of %.180s", choices);
    return value == NULL ? 0 : import_args_refuse(args, key, reason, err);
}

int import_args_count(const struct import_args *args, const char *key, int64_t standard,
                      int64_t *value, struct err *err)
{
    const char *text = import_args_get(args, key);
    *value = standard;
    if (text == NULL) {
        return 0;
    }
    if (!decimal_scan(text, strlen(text), 0, value) || strchr(text, '.') != NULL ||
        *value < 1 || *value > 100000) {
        return import_args_refuse(args, key, "is not a whole number from 1 to 100000",
                                  err);
    }
    return 0;
}

/* The flag's name as tables have it: '-' for '_', without "=value". */
static char *name_of(const struct import_args *args, const char *word)
{
    char *name = memory_arena_text(args->arena, word);
    name[strcspn(name, "=")] = '\0';
    for (char *at = name; strncmp(name, "--", 2) == 0 && *at != '\0'; at++) {
        *at = *at == '_' ? '-' : *at;
    }
    return name;
}

static const struct import_args_flag *find_flag(
    const struct import_args_program *program, const char *name)
{
    for (int32_t i = 0; i < program->n_flags; i++) {
        if (strcmp(program->flags[i].name, name) == 0) {
            return &program->flags[i];
        }
    }
    return NULL;
}

static void note(struct import_args *args, const struct import_args_flag *flag,
                 const char *name, const char *value)
{
    switch (flag->effect) {
    case IMPORT_ARGS_SET:
        import_args_set(args, name, flag->key, value);
        break;
    case IMPORT_ARGS_PLAIN:
        import_args_ignore(args, name);
        break;
    case IMPORT_ARGS_LOST:
        import_args_lose(args, name, flag->key);
        break;
    }
}

/* Reads the flag at words->at[*i] and moves on to its last word. */
static int read_flag(struct import_args *args, const struct words *words, int32_t *i,
                     struct err *err)
{
    const char *word = words->at[*i];
    const char *equals = strchr(word, '=');
    const char *name = name_of(args, word);
    const struct import_args_flag *flag = find_flag(args->program, name);
    if (flag == NULL) {
        return err_set(err, "%s: the flag '%.64s' is not known", args->program->name,
                       name);
    }
    if (flag->value != NULL && equals != NULL) {
        return err_set(err, "%s: %s takes no value", args->program->name, name);
    }
    const char *value = flag->value != NULL ? flag->value : NULL;
    if (value == NULL && equals != NULL) {
        value = equals + 1;
    } else if (value == NULL) {
        if (*i + 1 == words->n || strncmp(words->at[*i + 1], "--", 2) == 0) {
            return err_set(err, "%s: %s: its value is missing", args->program->name,
                           name);
        }
        value = words->at[++*i];
    }
    note(args, flag, name, memory_arena_text(args->arena, value));
    return 0;
}

static int read_words(struct import_args *args, const struct words *words,
                      struct err *err)
{
    int32_t first = find_start(args, words);
    if (first == 0) {
        return err_set(err, "%s: the command does not start a server: expected %s",
                       args->program->name, args->program->expected);
    }
    args->settings = ARENA_NEW(args->arena, words->n + 100, struct import_args_setting);
    args->plain = ARENA_NEW(args->arena, words->n + 100, const char *);
    args->lost = ARENA_NEW(args->arena, words->n + 100, const char *);
    args->remarks = ARENA_NEW(args->arena, 100, const char *);
    for (int32_t i = first; i < words->n; i++) {
        if (words->at[i][0] == '-') {
            if (read_flag(args, words, &i, err) != 0) {
                return -1;
            }
        } else if (i == first) {
            import_args_set(args, "MODEL", "MODEL",
                            memory_arena_text(args->arena, words->at[i]));
        } else {
            return err_set(err,
                           "%s: '%.64s' is not a flag, and no flag before it "
                           "takes a value",
                           args->program->name, words->at[i]);
        }
    }
    return 0;
}

int import_args_read(struct import_args *args,
                     const struct import_args_program *program, const char *text,
                     struct arena *arena, struct err *err)
{
    *args = (struct import_args){.program = program, .arena = arena};
    if (strpbrk(text, " \t\n") == NULL) {
        char *content = ARENA_NEW(arena, MOST_BYTES + 1, char);
        if (read_file(text, content, err) != 0) {
            return -1;
        }
        text = content;
    }
    struct words words = {.n = 0};
    char *room = ARENA_NEW(arena, strlen(text) + 2, char);
    return split(args, text, room, &words, err) == 0 ? read_words(args, &words, err)
                                                     : -1;
}
