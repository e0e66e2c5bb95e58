#include "input/hf_precision.h"

#include <inttypes.h>
#include <string.h>

/* Weights of `bits` bits, whole or floating; scales for every `group` of them. */
static int format_of(const struct import_json *at, const char *key, int64_t bits,
                     bool is_float, int64_t group, enum precision *format,
                     struct err *err)
{
    if (bits == 8) {
        *format = is_float ? PRECISION_FP8 : PRECISION_INT8;
    } else if (bits == 4 && !is_float) {
        *format = PRECISION_INT4;
    } else if (bits == 4 && (group == 16 || group == 32)) {
        *format = group == 16 ? PRECISION_NVFP4 : PRECISION_MXFP4;
    } else {
        return err_set(
            err,
            "%s: %s%s: %s of %" PRId64 " bits in groups of %" PRId64 " are not known",
            at->file, at->place, key, is_float ? "floats" : "integers", bits, group);
    }
    return 0;
}

/* What a list of modules that stay in BF16 says of one kind of module: all of them, if an
 * entry has no layer number or there are entries for half the layers. */
static bool are_kept(const json_t *list, const char *part, int64_t n_layers)
{
    int64_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || strstr(text, part) == NULL ||
            strstr(text, "shared_expert_gate") != NULL || strstr(text, "vis") != NULL) {
            continue;
        }
        const char *layer = strstr(text, "layers.");
        bool numbered = layer != NULL && layer[7] >= '0' && layer[7] <= '9';
        n += numbered ? 1 : n_layers;
    }
    return 2 * n >= n_layers && n > 0;
}

/* Sets the formats: all weights, but for those that the list keeps in BF16. */
static void set_formats(struct hf *hf, enum precision format, const json_t *kept)
{
    struct llm *llm = &hf->llm;
    bool shared = are_kept(kept, "shared_expert", llm->n_layers) ||
                  are_kept(kept, "shared_mlp", llm->n_layers);
    llm->weight_precision = format;
    if (llm->n_experts > 0 && shared) { /* then the experts alone are in it */
        llm->weight_precision = PRECISION_BF16;
        llm->expert_precision = format;
    }
    if (are_kept(kept, "attn", llm->n_layers) &&
        llm->weight_precision != PRECISION_BF16) {
        llm->attention_precision = PRECISION_BF16;
    }
}

/* The list of modules that stay, under any of its names; NULL if there is none. */
static const json_t *kept_modules(const struct import_json *config)
{
    static const char *const keys[] = {"ignore", "modules_to_not_convert",
                                       "exclude_modules", "ignored_layers"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *list = json_object_get(config->json, keys[i]);
        if (json_is_array(list)) {
            return list;
        }
    }
    return NULL;
}

static int read_scheme(const struct import_json *scheme, enum precision *format,
                       struct err *err)
{
    const char *type;
    int64_t bits;
    int64_t group = 0;
    if (import_json_count(scheme, "num_bits", 1, 64, &bits, err) != 0 ||
        import_json_text(scheme, "type", &type, err) != 0 ||
        (import_json_has(scheme, "group_size") &&
         import_json_count(scheme, "group_size", -1, 1 << 30, &group, err) != 0)) {
        return -1;
    }
    bool is_float = strcmp(type, "float") == 0;
    if (!is_float && strcmp(type, "int") != 0) {
        return err_set(err, "%s: %stype: '%.40s' is neither int nor float",
                       scheme->file, scheme->place, type);
    }
    return format_of(scheme, "num_bits", bits, is_float, group, format, err);
}

/* The groups of compressed-tensors and modelopt: one format of weights for all. */
static int read_groups(struct hf *hf, const struct import_json *config, struct err *err)
{
    struct import_json groups, group, weights;
    enum precision format = PRECISION_BF16;
    bool quantised_inputs = false;
    int n = 0;
    const char *name;
    json_t *ignored;
    if (import_json_object(config, "config_groups", &groups, err) != 0) {
        return -1;
    }
    json_object_foreach(groups.json, name, ignored)
    {
        enum precision one = PRECISION_BF16;
        if (import_json_object(&groups, name, &group, err) != 0 ||
            import_json_object(&group, "weights", &weights, err) != 0 ||
            read_scheme(&weights, &one, err) != 0) {
            return -1;
        }
        if (n++ > 0 && one != format) {
            return err_set(err, "%s: %s: groups with different formats are not known",
                           config->file, "config_groups");
        }
        format = one;
        quantised_inputs |= import_json_has(&group, "input_activations");
    }
    if (n == 0) {
        return err_set(err, "%s: %sconfig_groups: is empty", config->file,
                       config->place);
    }
    if (!quantised_inputs && format != PRECISION_INT4) {
        hf->llm.compute_precision = PRECISION_BF16;
    }
    set_formats(hf, format, kept_modules(config));
    return 0;
}

/* modelopt without groups names its algorithm. */
static int read_algorithm(struct hf *hf, const struct import_json *config,
                          struct err *err)
{
    const char *name;
    if (import_json_text(config, "quant_algo", &name, err) != 0) {
        return -1;
    }
    if (strcmp(name, "FP8") != 0 && strcmp(name, "NVFP4") != 0) {
        return err_set(err, "%s: %squant_algo: '%.40s' is not one of FP8, NVFP4",
                       config->file, config->place, name);
    }
    set_formats(hf, name[0] == 'F' ? PRECISION_FP8 : PRECISION_NVFP4,
                kept_modules(config));
    return 0;
}

/* awq and gptq: integers, multiplied in BF16. */
static int read_integers(struct hf *hf, const struct import_json *config,
                         struct err *err)
{
    enum precision format = PRECISION_BF16;
    int64_t bits;
    if (import_json_count(config, "bits", 1, 64, &bits, err) != 0 ||
        format_of(config, "bits", bits, false, 0, &format, err) != 0) {
        return -1;
    }
    if (format == PRECISION_INT8) {
        hf->llm.compute_precision = PRECISION_BF16;
    }
    set_formats(hf, format, kept_modules(config));
    return 0;
}

static int read_kv(struct hf *hf, const struct import_json *config, struct err *err)
{
    struct import_json scheme;
    enum precision format = PRECISION_BF16;
    if (!import_json_has(config, "kv_cache_scheme")) {
        return 0;
    }
    if (import_json_object(config, "kv_cache_scheme", &scheme, err) != 0 ||
        read_scheme(&scheme, &format, err) != 0) {
        return -1;
    }
    hf->llm.kv_precision = format;
    return 0;
}

/* What compressed-tensors says of weights that were pruned. */
static int read_sparsity(struct hf *hf, const struct import_json *config,
                         struct err *err)
{
    struct import_json part;
    const char *structure;
    if (!import_json_has(config, "sparsity_config")) {
        return 0;
    }
    if (import_json_object(config, "sparsity_config", &part, err) != 0) {
        return -1;
    }
    if (!import_json_has(&part, "sparsity_structure")) {
        return 0; /* none, as `"sparsity_config": {}` is written of dense models */
    }
    if (import_json_text(&part, "sparsity_structure", &structure, err) != 0) {
        return -1;
    }
    if (strcmp(structure, "2:4") != 0) {
        return err_set(err, "%s: %ssparsity_structure: '%.40s' is not 2:4", part.file,
                       part.place, structure);
    }
    hf->llm.sparsity = LLM_TWO_OF_FOUR;
    return 0;
}

static int read_method(struct hf *hf, const struct import_json *config,
                       const char *method, struct err *err)
{
    if (strcmp(method, "fp8") == 0 || strcmp(method, "fbgemm_fp8") == 0) {
        set_formats(hf, PRECISION_FP8, kept_modules(config));
        return 0;
    }
    if (strcmp(method, "mxfp4") == 0) { /* gpt-oss: experts only */
        hf->llm.expert_precision = PRECISION_MXFP4;
        return 0;
    }
    if (strcmp(method, "awq") == 0 || strcmp(method, "gptq") == 0) {
        return read_integers(hf, config, err);
    }
    if (strcmp(method, "compressed-tensors") == 0 || strcmp(method, "modelopt") == 0) {
        return import_json_has(config, "config_groups")
                   ? read_groups(hf, config, err)
                   : read_algorithm(hf, config, err);
    }
    return err_set(err,
                   "%s: %squant_method: '%.40s' is not one of fp8, fbgemm_fp8, mxfp4, "
                   "awq, gptq, compressed-tensors, modelopt",
                   config->file, config->place, method);
}

int hf_precision_read(struct hf *hf, struct err *err)
{
    const char *key = "quantization_config";
    struct import_json config;
    const char *method;
    /* who quantises a model again may leave the old one in the language model's part */
    const struct import_json *part =
        import_json_has(&hf->root, key) ? &hf->root : &hf->text;
    if (!import_json_has(part, key)) {
        return 0;
    }
    if (import_json_object(part, key, &config, err) != 0 ||
        import_json_text(&config, "quant_method", &method, err) != 0) {
        return -1;
    }
    return read_method(hf, &config, method, err) != 0 ||
                   read_kv(hf, &config, err) != 0 ||
                   read_sparsity(hf, &config, err) != 0
               ? -1
               : 0;
}
