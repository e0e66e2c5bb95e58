/* importing: what an import makes of a text, and what it says of a bad one. */
#ifndef SERVESIM_TESTS_IMPORTING_H
#define SERVESIM_TESTS_IMPORTING_H

#include "files.h"
#include "input/import.h"

/* Runs the import on `path`; what it made, to free(), or NULL and `err`. */
static inline char *import_file(const char *kind, const char *path, struct err *err)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    err->text[0] = '\0';
    int result = import_find(kind)->run(path, out, err);
    fclose(out);
    if (result != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The same of a file with that content. */
static inline char *import_text(const char *kind, const char *content, size_t length,
                                struct err *err)
{
    remove("f"); /* some file systems wait for the disk when a file is overwritten */
    write_file("f", content, length);
    return import_file(kind, "f", err);
}

static inline void assert_imports(const char *kind, const char *content,
                                  const char *expected)
{
    struct err err;
    char *made = import_text(kind, content, strlen(content), &err);
    assert_string_equal(err.text, "");
    assert_string_equal(made, expected);
    free(made);
}

static inline void assert_import_refuses(const char *kind, const char *content,
                                         const char *message)
{
    struct err err;
    char *made = import_text(kind, content, strlen(content), &err);
    assert_null(made);
    assert_string_equal(err.text, message);
}

/* Cut off anywhere, a file is refused with a sentence or read as far as it goes. */
static inline void assert_survives_truncation(const char *kind, const char *content)
{
    for (size_t n = 0; n < strlen(content); n++) {
        struct err err;
        char *made = import_text(kind, content, n, &err);
        assert_true(made != NULL || strncmp(err.text, "f", 1) == 0);
        free(made);
    }
}

/* A command given as the argument itself. */
static inline void assert_made(const char *kind, const char *command,
                               const char *expected)
{
    struct err err;
    char *made = import_file(kind, command, &err);
    assert_string_equal(err.text, "");
    assert_string_equal(made, expected);
    free(made);
}

static inline void assert_refused(const char *kind, const char *command,
                                  const char *message)
{
    struct err err;
    assert_null(import_file(kind, command, &err));
    assert_string_equal(err.text, message);
}

#endif
