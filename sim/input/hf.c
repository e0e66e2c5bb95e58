#include "input/hf.h"

#include <inttypes.h>

/* Where configurations of models that also see or hear keep the language model. */
static const char *const parts[] = {"text_config", "llm_config", "language_config"};

int hf_open(struct hf *hf, const char *path, FILE *notes, struct err *err)
{
    *hf = (struct hf){.notes = notes};
    field_defaults(&llm_table, &hf->llm, &hf->arena);
    if (import_json_open(&hf->root, path, err) != 0) {
        return -1;
    }
    hf->text = hf->root;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (import_json_has(&hf->root, parts[i])) {
            if (import_json_object(&hf->root, parts[i], &hf->text, err) != 0) {
                return -1;
            }
            fprintf(notes, "; Only the language model, %s, is here.\n", parts[i]);
            break;
        }
    }
    const struct import_json *typed =
        import_json_has(&hf->text, "model_type") ? &hf->text : &hf->root;
    return import_json_text(typed, "model_type", &hf->model_type, err);
}

void hf_close(struct hf *hf)
{
    import_json_close(&hf->root);
    memory_arena_free(&hf->arena);
}

int hf_refuse(const struct hf *hf, const char *key, const char *reason, struct err *err)
{
    return err_set(err, "%s: %s%s: %s", hf->text.file, hf->text.place, key, reason);
}

int hf_set(struct hf *hf, const char *row, const char *key, int64_t value,
           struct err *err)
{
    char text[32];
    struct err reason;
    snprintf(text, sizeof text, "%" PRId64, value);
    if (field_read(field_find(&llm_table, row), &hf->llm, text, &hf->arena, &reason) !=
        0) {
        return hf_refuse(hf, key, reason.text, err);
    }
    return 0;
}

int hf_copy(struct hf *hf, const char *row, const char *key, struct err *err)
{
    int64_t value;
    if (import_json_count(&hf->text, key, INT64_MIN, INT64_MAX, &value, err) != 0) {
        return -1;
    }
    return hf_set(hf, row, key, value, err);
}

int hf_copy_or(struct hf *hf, const char *row, const char *key, int64_t otherwise,
               struct err *err)
{
    if (import_json_has(&hf->text, key)) {
        return hf_copy(hf, row, key, err);
    }
    fprintf(hf->notes, "; %s is not given: %s = %" PRId64 ".\n", key, row, otherwise);
    return hf_set(hf, row, key, otherwise, err);
}

int hf_count_or(struct hf *hf, const char *key, int64_t greatest, int64_t otherwise,
                int64_t *value, struct err *err)
{
    *value = otherwise;
    return import_json_has(&hf->text, key)
               ? import_json_count(&hf->text, key, 0, greatest, value, err)
               : 0;
}
