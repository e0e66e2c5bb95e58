#include "input/import_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "input/bytes.h"

/* All of the file; free() it. */
static int read_all(struct bytes *bytes, char **text, size_t *length, struct err *err)
{
    size_t room = 1 << 16;
    char *buffer = memory_new(room, 1);
    size_t n = 0;
    for (size_t made = 1; made > 0; n += made) {
        if (n == IMPORT_JSON_MOST_BYTES) {
            free(buffer);
            return err_set(err, "%s: more than %d MB of JSON", bytes_name(bytes),
                           IMPORT_JSON_MOST_BYTES >> 20);
        }
        if (n == room) {
            room *= 2;
            buffer = memory_grow(buffer, room, 1);
        }
        if (bytes_read(bytes, buffer + n, room - n, &made, err) != 0) {
            free(buffer);
            return -1;
        }
    }
    *text = buffer;
    *length = n;
    return 0;
}

int import_json_parse(struct import_json *root, const char *file, const char *text,
                      size_t length, struct err *err)
{
    json_error_t fault;
    *root = (struct import_json){0};
    snprintf(root->file, sizeof root->file, "%.200s", file);
    root->json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &fault);
    if (root->json == NULL) {
        return err_set(err, "%s:%d:%d: not JSON: %s", root->file, fault.line,
                       fault.column, fault.text);
    }
    if (!json_is_object(root->json)) {
        err_set(err, "%s: expected an object, is %s", root->file,
                import_json_kind(root->json));
        import_json_close(root);
        return -1;
    }
    return 0;
}

int import_json_open(struct import_json *root, const char *path, struct err *err)
{
    char *text = NULL;
    size_t length = 0;
    struct bytes *bytes = bytes_open(path, err);
    *root = (struct import_json){0};
    if (bytes == NULL) {
        return -1;
    }
    int status = read_all(bytes, &text, &length, err);
    if (status == 0) {
        status = import_json_parse(root, bytes_name(bytes), text, length, err);
    }
    free(text);
    bytes_close(bytes);
    return status;
}

void import_json_close(struct import_json *root)
{
    json_decref(root->json);
    root->json = NULL;
}

const char *import_json_kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with decimals";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

bool import_json_has(const struct import_json *object, const char *key)
{
    const json_t *value = json_object_get(object->json, key);
    return value != NULL && !json_is_null(value);
}

/* Says what is wrong with the value; -1. */
static int refuse(const struct import_json *object, const char *key,
                  const char *expected, struct err *err)
{
    const json_t *value = json_object_get(object->json, key);
    if (value == NULL) {
        return err_set(err, "%s: %s%s: is missing", object->file, object->place, key);
    }
    return err_set(err, "%s: %s%s: expected %s, is %s", object->file, object->place,
                   key, expected, import_json_kind(value));
}

int import_json_object(const struct import_json *object, const char *key,
                       struct import_json *value, struct err *err)
{
    json_t *json = json_object_get(object->json, key);
    if (!json_is_object(json)) {
        return refuse(object, key, "an object", err);
    }
    struct import_json inner = *object;
    snprintf(inner.place, sizeof inner.place, "%.130s%.60s.", object->place, key);
    inner.json = json;
    *value = inner;
    return 0;
}

int import_json_count(const struct import_json *object, const char *key, int64_t least,
                      int64_t greatest, int64_t *value, struct err *err)
{
    const json_t *json = json_object_get(object->json, key);
    if (!json_is_integer(json)) {
        return refuse(object, key, "an integer", err);
    }
    *value = json_integer_value(json);
    if (*value < least || *value > greatest) {
        return err_set(err,
                       "%s: %s%s: %" PRId64 " is not between %" PRId64 " and %" PRId64,
                       object->file, object->place, key, *value, least, greatest);
    }
    return 0;
}

int import_json_flag(const struct import_json *object, const char *key, bool *value,
                     struct err *err)
{
    const json_t *json = json_object_get(object->json, key);
    if (!json_is_boolean(json)) {
        return refuse(object, key, "true or false", err);
    }
    *value = json_is_true(json);
    return 0;
}

int import_json_text(const struct import_json *object, const char *key,
                     const char **value, struct err *err)
{
    const json_t *json = json_object_get(object->json, key);
    if (!json_is_string(json)) {
        return refuse(object, key, "a string", err);
    }
    *value = json_string_value(json);
    return 0;
}

int import_json_array(const struct import_json *object, const char *key,
                      const json_t **value, struct err *err)
{
    *value = json_object_get(object->json, key);
    return json_is_array(*value) ? 0 : refuse(object, key, "an array", err);
}
