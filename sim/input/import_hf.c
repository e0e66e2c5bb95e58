#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "input/hf.h"
#include "input/hf_precision.h"
#include "input/hf_shape.h"
#include "input/import.h"

/* The rows that a person would write: those without a default, and what differs from it. */
static void print_rows(const struct llm *llm, FILE *out)
{
    struct arena arena = {0};
    struct llm plain;
    field_defaults(&llm_table, &plain, &arena);
    for (int32_t i = 0; i < llm_table.n_fields; i++) {
        const struct field *field = &llm_table.fields[i];
        char text[256], standard[256] = "";
        field_print(field, llm, text);
        if (field->standard != NULL) {
            field_print(field, &plain, standard);
        }
        if (strcmp(text, standard) != 0) {
            fprintf(out, "%s = %s\n", field->key, text);
        }
    }
    memory_arena_free(&arena);
}

static int make(struct hf *hf, const char *path, FILE *notes, struct err *err)
{
    return hf_open(hf, path, notes, err) != 0 || hf_shape_read(hf, err) != 0 ||
                   hf_precision_read(hf, err) != 0
               ? -1
               : 0;
}

static void print_model(const struct hf *hf, const char *notes, FILE *out)
{
    fprintf(out,
            "; A model of type %s: %" PRId64 " parameters, %" PRId64
            " of them active.\n;\n"
            "; From its config.json; biases, vision and the prediction of further "
            "tokens are\n; left out.\n%s\n[model]\n",
            hf->model_type, llm_params(&hf->llm), llm_active_params(&hf->llm), notes);
    print_rows(&hf->llm, out);
    fprintf(out, "model_source = Hugging Face config.json, model_type %s\n",
            hf->model_type);
}

static int run(const char *path, FILE *out, struct err *err)
{
    struct hf hf;
    char *text = NULL;
    size_t length = 0;
    FILE *notes = open_memstream(&text, &length);
    if (notes == NULL) {
        return err_set(err, "no memory for what is imported");
    }
    int status = make(&hf, path, notes, err);
    if (fclose(notes) != 0 && status == 0) {
        status = err_set(err, "no memory for what is imported");
    }
    if (status == 0) {
        print_model(&hf, text, out);
    }
    hf_close(&hf);
    free(text);
    return status;
}

const struct import_kind import_hf = {
    .name = "hf-config",
    .help = "a model's config.json from Hugging Face, as a file for configs/models",
    .run = run,
};
