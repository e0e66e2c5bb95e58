#include "input/measured_names.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "input/config_pool.h"
#include "input/measured_aliases.h"

/* What may be cut off the end of a model's name, and the precision it stands for. */
static const struct {
    const char *text;
    const char *precision;
} endings[] = {
    {"-fp8-dynamic", "fp8"},
    {"-fp8-static", "fp8"},
    {"-fp8-block", "fp8"},
    {"-fp8-kv", "fp8"},
    {"-fp8", "fp8"},
    {"-nvfp4a16", "fp4"},
    {"-nvfp4", "fp4"},
    {"-mxfp4", "fp4"},
    {"-fp4", "fp4"},
    {"-quantized.w8a8", "int8"},
    {"-w8a8", "int8"},
    {"-int8", "int8"},
    {"-quantized.w4a16", "int4"},
    {"-w4a16", "int4"},
    {"-int4", "int4"},
    {"-bnb-4bit", "int4"},
    {"-4bit", "int4"},
    {"-gptq", "int4"},
    {"-awq", "int4"},
    {"-bf16", "bf16"},
    {"-fp16", "bf16"},
    {"-instruct", ""},
    {"-thinking", ""},
    {"-chat", ""},
    {"-preview", ""},
    {"-unsloth", ""},
    {"-base", ""},
    {"-hf", ""},
    {"-it", ""},
    {"-v0.1", ""},
    {"-v0.2", ""},
    {"-v0.3", ""},
};

/* The last part of a path, lower case, with '-' where others write '_', ':' or a blank. */
static void lower(const char *text, char to[MEASURED_NAMES_TEXT])
{
    const char *slash = strrchr(text, '/');
    const char *at = slash != NULL ? slash + 1 : text;
    int32_t n = 0;
    for (; *at != '\0' && n < MEASURED_NAMES_TEXT - 1; at++) {
        to[n++] = strchr("_: ", *at) != NULL ? '-' : (char)tolower((unsigned char)*at);
    }
    to[n] = '\0';
}

static bool cut(char *name, const char *ending)
{
    size_t length = strlen(name);
    size_t n = strlen(ending);
    if (length <= n || strcmp(name + length - n, ending) != 0) {
        return false;
    }
    name[length - n] = '\0';
    return true;
}

/* "-2407", "-0528": the month of a release. */
static bool cut_date(char *name)
{
    size_t length = strlen(name);
    if (length <= 5 || name[length - 5] != '-' ||
        strspn(name + length - 4, "0123456789") != 4) {
        return false;
    }
    name[length - 5] = '\0';
    return true;
}

/* Cuts one ending off; NULL if there is none, else the precision it stands for. */
static const char *cut_ending(char *name)
{
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (cut(name, endings[i].text)) {
            return endings[i].precision;
        }
    }
    return cut_date(name) ? "" : NULL;
}

const char *measured_names_suffix(const char *model)
{
    char name[MEASURED_NAMES_TEXT];
    lower(model, name);
    const char *precision;
    while ((precision = cut_ending(name)) != NULL) {
        if (precision[0] != '\0') {
            return precision;
        }
    }
    return "";
}

/* The letters that two names begin with alike. */
static int32_t alike(const char *a, const char *b)
{
    int32_t n = 0;
    while (a[n] != '\0' && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* The preset that begins most like `name`, with three letters at least; "" if none. */
static void find_nearest(const char *folder, const char *name,
                         char nearest[MEASURED_NAMES_TEXT])
{
    char roots[CONFIG_POOL_ROOTS][400];
    config_pool_roots(roots);
    int32_t most = 2;
    nearest[0] = '\0';
    for (int i = 0; i < CONFIG_POOL_ROOTS; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/configs/%s", roots[i], folder);
        DIR *listing = opendir(path);
        for (struct dirent *entry;
             listing != NULL && (entry = readdir(listing)) != NULL;) {
            char preset[256];
            snprintf(preset, sizeof preset, "%s", entry->d_name);
            int32_t n = alike(name, preset);
            if (cut(preset, ".ini") && strlen(preset) < MEASURED_NAMES_TEXT &&
                (n > most || (n == most && strcmp(preset, nearest) < 0))) {
                most = n;
                memcpy(nearest, preset, strlen(preset) + 1);
            }
        }
        if (listing != NULL) {
            closedir(listing);
        }
    }
}

static int refuse(const char *what, const char *folder, const char *text,
                  const char *name, struct err *err)
{
    char nearest[MEASURED_NAMES_TEXT];
    find_nearest(folder, name, nearest);
    return err_set(
        err, "%s: '%.100s' is not known: there is no configs/%s/%.100s.ini%s%s%s", what,
        text, folder, name, nearest[0] != '\0' ? " (the nearest is " : "", nearest,
        nearest[0] != '\0' ? ")" : "");
}

/* Whether it is a preset; `alias`, unless NULL, is the preset that it stands for. */
static bool find(const char *folder, const char *alias, char *name)
{
    char path[512];
    if (alias != NULL) {
        snprintf(name, MEASURED_NAMES_TEXT, "%s", alias);
    }
    return name[0] != '\0' && config_pool_find(folder, name, path);
}

static void cut_front(char *name, const char *front)
{
    size_t n = strlen(front);
    if (strncmp(name, front, n) == 0) {
        memmove(name, name + n, strlen(name + n) + 1);
    }
}

/* "Meta-Llama-3.1-8B" and "llama3.1:8b" are Llama-3.1-8B. */
static void normalise_llama(char *name)
{
    enum { LETTERS = 5 }; /* "llama" */
    size_t length = strlen(name);
    if (strncmp(name, "meta-llama-", 11) == 0) {
        cut_front(name, "meta-");
    } else if (strncmp(name, "llama", LETTERS) == 0 &&
               isdigit((unsigned char)name[LETTERS]) &&
               length + 1 < MEASURED_NAMES_TEXT) {
        memmove(name + LETTERS + 1, name + LETTERS, length - LETTERS + 1);
        name[LETTERS] = '-';
    }
}

int measured_names_model(const char *text, char preset[MEASURED_NAMES_TEXT],
                         struct err *err)
{
    lower(text, preset);
    normalise_llama(preset);
    while (!find("models", measured_aliases_model(preset), preset)) {
        if (cut_ending(preset) == NULL) {
            return refuse("model", "models", text, preset, err);
        }
    }
    return 0;
}

int measured_names_system(const char *text, char preset[MEASURED_NAMES_TEXT],
                          struct err *err)
{
    static const char *const fronts[] = {"nvidia-", "tesla-", "geforce-", "amd-",
                                         "instinct-"};
    lower(text, preset);
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) {
        cut_front(preset, fronts[i]);
    }
    if (!find("accelerators", measured_aliases_system(preset), preset)) {
        return refuse("system", "accelerators", text, preset, err);
    }
    return 0;
}

/* The precisions as measurements name them; the first of a row is what they mean. */
static const char *const spellings[][8] = {
    {"bf16", "bfloat16", "fp16", "float16", "half", NULL},
    {"fp8", "fp8-dynamic", "fp8-static", "fp8-block", "fp8-e4m3", "w8a8-fp8", NULL},
    {"int8", "w8a8", "w8a8-int8", "gptq-int8", NULL},
    {"int4", "w4a16", "awq", "gptq", "awq-int4", "gptq-int4", "bnb-4bit", NULL},
    {"fp4", "nvfp4", "mxfp4", NULL},
};

enum checkpoint { BF16, FP8, INT8, INT4, FP4, UNKNOWN };

static enum checkpoint find_checkpoint(const char *text)
{
    char name[MEASURED_NAMES_TEXT];
    lower(text, name);
    for (int i = 0; i < UNKNOWN; i++) {
        for (const char *const *at = spellings[i]; *at != NULL; at++) {
            if (strcmp(name, *at) == 0) {
                return (enum checkpoint)i;
            }
        }
    }
    return UNKNOWN;
}

static void set(struct llm *llm, int64_t weights, int64_t attention, int64_t experts,
                int64_t kv)
{
    llm->weight_precision = weights;
    llm->attention_precision = attention;
    llm->expert_precision = experts;
    llm->kv_precision = kv;
    llm->compute_precision = PRECISION_SAME;
}

int measured_names_precision(const char *text, const char *preset, struct llm *llm,
                             struct err *err)
{
    enum { SAME = PRECISION_SAME };
    if (text[0] == '\0' || strcmp(text, "auto") == 0) {
        return 0;
    }
    int64_t experts = llm->expert_precision;
    bool fp8_kv = llm->kv_lora_rank > 0 || strcmp(preset, "llama-3.1-70b") == 0;
    switch (find_checkpoint(text)) {
    case BF16:
        set(llm, PRECISION_BF16, SAME, SAME, PRECISION_BF16);
        return 0;
    case FP8:
        set(llm, PRECISION_FP8, SAME, SAME, fp8_kv ? PRECISION_FP8 : PRECISION_BF16);
        return 0;
    case INT8:
        set(llm, PRECISION_INT8, SAME, SAME, PRECISION_BF16);
        return 0;
    case INT4:
        if (experts == PRECISION_INT4) {
            set(llm, PRECISION_BF16, SAME, PRECISION_INT4, PRECISION_BF16);
        } else {
            set(llm, PRECISION_INT4, SAME, SAME, PRECISION_BF16);
        }
        return 0;
    case FP4:
        if (experts == PRECISION_MXFP4) {
            set(llm, PRECISION_BF16, SAME, PRECISION_MXFP4, PRECISION_FP8);
        } else {
            set(llm, PRECISION_NVFP4, llm->n_experts > 0 ? PRECISION_BF16 : SAME, SAME,
                PRECISION_FP8);
        }
        return 0;
    case UNKNOWN:
        break;
    }
    return err_set(err,
                   "precision: '%.60s' is not one of bf16, fp16, fp8, int8, int4, "
                   "fp4, nvfp4, mxfp4",
                   text);
}
