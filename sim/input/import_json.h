/* import_json: a JSON file that others wrote, and what is asked of its objects.
 *
 * An object knows its file and its place in it, so that a message names both:
 * "config.json: text_config.hidden_size: expected an integer, is a string".
 */
#ifndef SERVESIM_INPUT_IMPORT_JSON_H
#define SERVESIM_INPUT_IMPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

/* More in one file is refused; so is what nests deeper than the parser's 2,048. */
enum { IMPORT_JSON_MOST_BYTES = 1 << 28 };

struct import_json {
    char file[256];  /* as errors name it */
    char place[200]; /* "" or "text_config." */
    json_t *json;
};

/* Reads a file ("-": standard input; it may be compressed) that must hold one object.
 * -1 and `err` with file:line:column if it does not; otherwise import_json_close() it. */
int import_json_open(struct import_json *root, const char *path, struct err *err);
/* The same of a text that was read already. */
int import_json_parse(struct import_json *root, const char *file, const char *text,
                      size_t length, struct err *err);
void import_json_close(struct import_json *root);

/* Whether the key is there and not null. */
bool import_json_has(const struct import_json *object, const char *key);

/* The value at `key`, which must be there; -1 and `err` if it is not, or is another type,
 * or is out of bounds.  Texts, arrays and objects stay the file's. */
int import_json_object(const struct import_json *object, const char *key,
                       struct import_json *value, struct err *err);
int import_json_count(const struct import_json *object, const char *key, int64_t least,
                      int64_t greatest, int64_t *value, struct err *err);
int import_json_flag(const struct import_json *object, const char *key, bool *value,
                     struct err *err);
int import_json_text(const struct import_json *object, const char *key,
                     const char **value, struct err *err);
int import_json_array(const struct import_json *object, const char *key,
                      const json_t **value, struct err *err);

/* "an integer", "a string" ...: what it is. */
const char *import_json_kind(const json_t *value);

#endif
