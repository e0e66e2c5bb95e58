#include "input/import_args_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/pool.h"
#include "input/config_pool.h"
#include "input/measured_names.h"

static int read_llm(struct llm *llm, const char *preset, struct arena *arena,
                    struct err *err)
{
    char path[512];
    struct settings file = {0};
    field_defaults(&llm_table, llm, arena);
    if (!config_pool_find("models", preset, path)) {
        return err_set(err, "configs/models/%s.ini: cannot be found", preset);
    }
    return settings_read(&file, path, arena, err) != 0 ||
                   settings_apply(&file, "model", &llm_table, 1, llm, arena, err) != 0
               ? -1
               : 0;
}

/* The checkpoint's precision: --quantization, else its name, else --dtype. */
static const char *precision_of(const struct import_args *args)
{
    static const char *const checkpoints[][2] = {
        {"modelopt", ""},
        {"compressed-tensors", ""},
        {"modelopt_fp8", "fp8"},
        {"modelopt_fp4", "fp4"},
        {"modelopt_mixed", ""},
        {"awq_marlin", "awq"},
        {"gptq_marlin", "gptq"},
        {"fbgemm_fp8", "fp8"},
        {"moe_wna16", "int4"},
        {"petit_nvfp4", "fp4"},
        {"none", ""},
    };
    const char *text = import_args_get(args, "QUANTIZATION");
    for (size_t i = 0; text != NULL && i < sizeof checkpoints / sizeof *checkpoints;
         i++) {
        text = strcmp(text, checkpoints[i][0]) == 0 ? checkpoints[i][1] : text;
    }
    if (text == NULL || text[0] == '\0') {
        text = measured_names_suffix(import_args_get(args, "MODEL"));
    }
    const char *dtype = import_args_get(args, "DTYPE");
    if (text[0] == '\0' && dtype != NULL && strcmp(dtype, "auto") != 0) {
        text = dtype;
    }
    return text;
}

static int read_kv(struct llm *llm, bool *has_precision, const struct import_args *args,
                   struct err *err)
{
    static const struct {
        const char *text;
        enum precision precision;
    } known[] = {
        {"fp8", PRECISION_FP8},      {"fp8_e4m3", PRECISION_FP8},
        {"fp8_e5m2", PRECISION_FP8}, {"fp8_inc", PRECISION_FP8},
        {"bf16", PRECISION_BF16},    {"bfloat16", PRECISION_BF16},
        {"fp16", PRECISION_BF16},    {"float16", PRECISION_BF16},
        {"fp4_e2m1", PRECISION_FP4}, {"nvfp4", PRECISION_NVFP4},
    };
    const char *text = import_args_get(args, "KV_DTYPE");
    if (text == NULL || strcmp(text, "auto") == 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(text, known[i].text) == 0) {
            llm->kv_precision = known[i].precision;
            *has_precision = true;
            return 0;
        }
    }
    return import_args_refuse(
        args, "KV_DTYPE",
        "is not one of auto, fp8, fp8_e4m3, fp8_e5m2, bf16, fp16, "
        "fp4_e2m1, nvfp4",
        err);
}

/* "program: " in front of what is known of the fault. */
static int refuse(const struct import_args *args, const struct err *reason,
                  struct err *err)
{
    return err_set(err, "%s: %.900s", args->program->name, reason->text);
}

int import_args_config_llm(struct llm *llm, bool *has_precision,
                           const struct import_args *args, const char *preset,
                           const char *precision, struct err *err)
{
    struct err reason;
    *has_precision = precision[0] != '\0';
    if (read_llm(llm, preset, args->arena, err) != 0) {
        return -1;
    }
    if (measured_names_precision(precision, preset, llm, &reason) != 0) {
        return refuse(args, &reason, err);
    }
    return read_kv(llm, has_precision, args, err);
}

int import_args_config_read(struct import_args_config *config,
                            const struct import_args *args, struct err *err)
{
    struct err reason;
    memset(config, 0, sizeof *config);
    const char *model = import_args_get(args, "MODEL");
    const char *accelerator = import_args_get(args, "ACCELERATOR");
    if (model == NULL) {
        return err_set(err, "%s: the command names no model", args->program->name);
    }
    if (accelerator == NULL) {
        return err_set(err,
                       "%s: which GPU? add --accelerator NAME to the command (see "
                       "'servesim list accelerators')",
                       args->program->name);
    }
    if (measured_names_model(model, config->model, &reason) != 0 ||
        measured_names_system(accelerator, config->accelerator, &reason) != 0) {
        return refuse(args, &reason, err);
    }
    return import_args_config_llm(&config->llm, &config->has_precision, args,
                                  config->model, precision_of(args), err);
}

static bool is_own(const char *key)
{
    return key[0] >= 'A' && key[0] <= 'Z';
}

/* Whether a pool has the key, and then whether it takes the value. */
static int check_key(const struct import_args *args,
                     const struct import_args_setting *setting, bool *known,
                     struct err *err)
{
    struct field_table tables[CONFIG_POOL_TABLES];
    config_pool_tables(tables);
    struct pool_config *pool = ARENA_NEW(args->arena, 1, struct pool_config);
    *known = false;
    for (int32_t i = 0; i < CONFIG_POOL_TABLES; i++) {
        const struct field *field = field_find(&tables[i], setting->key);
        if (field == NULL) {
            continue;
        }
        struct err reason;
        *known = true;
        char *inside = (char *)pool + tables[i].base; /* offsets count bytes */
        if (field_read(field, inside, setting->value, args->arena, &reason) != 0) {
            return err_set(err, "%s: %.64s: %.400s", args->program->name, setting->flag,
                           reason.text);
        }
    }
    return 0;
}

static void print_names(FILE *out, const char *title, const char *const *names,
                        int32_t n)
{
    if (n == 0) {
        return;
    }
    fprintf(out, ";\n; %s\n", title);
    for (int32_t i = 0; i < n; i++) {
        fprintf(out, ";   %s\n", names[i]); /* of the table */
    }
}

static void print_precisions(const struct llm *llm, FILE *out)
{
    fprintf(out, "weight_precision = %s\nattention_precision = %s\n",
            precision_name((enum precision)llm->weight_precision),
            precision_name(llm_attention_precision(llm)));
    fprintf(out, "expert_precision = %s\nkv_precision = %s\n",
            precision_name(llm_expert_precision(llm)),
            precision_name((enum precision)llm->kv_precision));
}

static void print_drafting(const struct import_args_speculative *drafting, FILE *out)
{
    if (drafting->method == NULL) {
        return;
    }
    fprintf(out,
            "\n[speculative]\n; acceptance is yours to say: no flag tells how often a "
            "draft is right\nmethod = %s\nnum_speculative_tokens = %" PRId64 "\n",
            drafting->method, drafting->n_tokens);
    if (drafting->draft_model[0] != '\0') {
        fprintf(out, "draft_model = %s\n", drafting->draft_model);
    }
    if (drafting->has_precision) {
        print_precisions(&drafting->draft, out);
    }
}

/* What was not taken over as it is, for whoever does not look into the file. */
static void warn(const struct import_args *args)
{
    for (int32_t i = 0; i < args->n_lost; i++) {
        fprintf(stderr, "servesim: warning: %s: %s is not simulated\n",
                args->program->name, args->lost[i]);
    }
    for (int32_t i = 0; i < args->n_remarks; i++) {
        fprintf(stderr, "servesim: warning: %s: %s\n", args->program->name,
                args->remarks[i]);
    }
}

int import_args_config_write(const struct import_args_config *config,
                             struct import_args *args, FILE *out, struct err *err)
{
    bool *known = ARENA_NEW(args->arena, args->n_settings + 1, bool);
    for (int32_t i = 0; i < args->n_settings; i++) {
        const struct import_args_setting *setting = &args->settings[i];
        if (is_own(setting->key)) {
            continue;
        }
        if (check_key(args, setting, &known[i], err) != 0) {
            return -1;
        }
        if (!known[i]) {
            import_args_lose(args, setting->flag, NULL);
        }
    }
    fprintf(out, "; %s on %s, from the command that starts it.\n", config->model,
            config->accelerator);
    print_names(out, "Not simulated:", args->lost, args->n_lost);
    print_names(out, "Nothing a simulation would see:", args->plain, args->n_plain);
    for (int32_t i = 0; i < args->n_remarks; i++) {
        fprintf(out, ";\n; %s\n", args->remarks[i]);
    }
    fprintf(out,
            "\n[workload]\n; put the path of your trace here\ntrace = trace.csv\n");
    print_drafting(&config->drafting, out);
    fprintf(out, "\n[pool.main]\naccelerator = %s\nmodel = %s\nengine = %s\n",
            config->accelerator, config->model, config->engine);
    fprintf(out, "policy = %s\n", config->policy);
    if (config->has_precision) {
        print_precisions(&config->llm, out);
    }
    for (int32_t i = 0; i < args->n_settings; i++) {
        if (known[i]) {
            fprintf(out, "%s = %s\n", args->settings[i].key, args->settings[i].value);
        }
    }
    warn(args);
    return 0;
}
