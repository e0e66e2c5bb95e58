/* hf: a model's config.json from Hugging Face on its way to being a struct llm.
 *
 * Every number goes through the row of llm_table that it is for, so its bounds are those of
 * the model file.  What was derived, not read, is noted, and stands in the file's comment.
 */
#ifndef SERVESIM_INPUT_HF_H
#define SERVESIM_INPUT_HF_H

#include <stdio.h>

#include "base/memory.h"
#include "input/import_json.h"
#include "model/llm.h"

struct hf {
    struct import_json root;
    struct import_json text; /* the language model's part of it, or all of it */
    const char *model_type;  /* of that part */
    struct llm llm;
    FILE *notes;
    struct arena arena;
};

/* Reads the file and finds the language model in it.  Whatever it returns, hf_close() it. */
int hf_open(struct hf *hf, const char *path, FILE *notes, struct err *err);
void hf_close(struct hf *hf);

/* Gives the row `row` of llm_table the value; `key` is what messages call it. */
int hf_set(struct hf *hf, const char *row, const char *key, int64_t value,
           struct err *err);

/* The same with the number at `key`, which must be there. */
int hf_copy(struct hf *hf, const char *row, const char *key, struct err *err);

/* The same with `otherwise` (and a note) if the key is not there or null. */
int hf_copy_or(struct hf *hf, const char *row, const char *key, int64_t otherwise,
               struct err *err);

/* The number at `key` without a row, or `otherwise`; from 0 to `greatest`. */
int hf_count_or(struct hf *hf, const char *key, int64_t greatest, int64_t otherwise,
                int64_t *value, struct err *err);

/* "config.json: text_config.KEY: " and what is wrong with it; -1. */
int hf_refuse(const struct hf *hf, const char *key, const char *reason,
              struct err *err);

#endif
