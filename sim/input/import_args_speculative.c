#include "input/import_args_speculative.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "input/import_args_config.h"
#include "input/import_json.h"
#include "input/measured_names.h"
#include "model/speculative.h"

static const char flag[] = "--speculative-config";

/* vLLM's methods, and ours; NULL: there is none. */
static const char *const methods[][2] = {
    {"ngram", "ngram"},       {"ngram_gpu", "ngram"},
    {"draft_model", "draft"}, {"mtp", "mtp"},
    {"eagle", NULL},          {"eagle3", NULL},
    {"medusa", NULL},         {"mlp_speculator", NULL},
    {"suffix", NULL},         {"extract_hidden_states", NULL},
    {"custom_class", NULL},   {"dflash", NULL},
    {"dspark", NULL},
};

/* Other keys of the JSON: they change how well is drafted, or how fast. */
static const char *const others[] = {
    "draft_tensor_parallel_size",
    "quantization",
    "moe_backend",
    "attention_backend",
    "kv_cache_dtype",
    "max_model_len",
    "revision",
    "code_revision",
    "enforce_eager",
    "disable_by_batch_size",
    "disable_mqa_scorer",
    "disable_logprobs",
    "disable_padded_drafter_batch",
    "disable_eagle_block_drop",
    "index_share_for_mtp_iteration",
    "use_local_argmax_reduction",
    "use_heterogeneous_vocab",
    "prompt_lookup_max",
    "prompt_lookup_min",
    "parallel_drafting",
    "num_speculative_tokens_per_batch_size",
    "speculative_token_tree",
    "suffix_decoding_max_tree_depth",
    "suffix_decoding_max_cached_requests",
    "suffix_decoding_max_spec_factor",
    "suffix_decoding_min_token_prob",
    "acceptance_method",
    "posterior_threshold",
    "posterior_alpha",
    "draft_load_config",
    "rejection_sample_method",
    "draft_sample_method",
    "synthetic_acceptance_rates",
    "synthetic_acceptance_length",
    "enable_adaptive_verification",
    "dspark_draft_topk",
};

/* The keys that the flags have names for: --spec-method, --spec-model, --spec-tokens. */
static const char *const own[][2] = {
    {"method", "DRAFT_METHOD"},
    {"model", "DRAFT_MODEL"},
    {"num_speculative_tokens", "DRAFT_TOKENS"},
};

static const char *own_key(const char *key)
{
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(key, own[i][0]) == 0) {
            return own[i][1];
        }
    }
    return NULL;
}

/* Sets what the flags could have said in single words. */
static int take_own(struct import_args *args, const struct import_json *json,
                    const char *key, const char *to, struct err *err)
{
    char number[32];
    const char *text = number;
    int64_t n = 0;
    if (strcmp(to, "DRAFT_TOKENS") != 0) {
        if (import_json_text(json, key, &text, err) != 0) {
            return -1;
        }
    } else if (import_json_count(json, key, 1, SPECULATIVE_MOST, &n, err) != 0) {
        return -1;
    }
    snprintf(number, sizeof number, "%" PRId64, n);
    import_args_set(args, flag, to, memory_arena_text(args->arena, text));
    return 0;
}

static int lose_other(struct import_args *args, const char *key, struct err *err)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(key, others[i]) == 0) {
            import_args_lose(args, flag, others[i]);
            return 0;
        }
    }
    return err_set(err, "%s: %s: the key '%.64s' is not known", args->program->name,
                   flag, key);
}

static int take_keys(struct import_args *args, const struct import_json *json,
                     struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(json->json, key, value)
    {
        const char *to = own_key(key);
        int status = 0;
        if (to == NULL) {
            status = lose_other(args, key, err);
        } else if (!json_is_null(value)) {
            status = take_own(args, json, key, to, err);
        }
        if (status != 0) {
            return -1;
        }
    }
    return 0;
}

/* What --speculative-config says, as if flags had. */
static int read_json(struct import_args *args, struct err *err)
{
    const char *text = import_args_get(args, "DRAFTING");
    if (text == NULL) {
        return 0;
    }
    struct import_json root = {.json = json_loads(text, JSON_REJECT_DUPLICATES, NULL)};
    snprintf(root.file, sizeof root.file, "%s: %s", args->program->name, flag);
    if (!json_is_object(root.json)) {
        import_json_close(&root);
        return import_args_refuse(args, "DRAFTING", "is not an object in JSON", err);
    }
    int status = take_keys(args, &root, err);
    import_json_close(&root);
    return status;
}

/* The key that errors and losses are laid at. */
static const char *place(const struct import_args *args)
{
    static const char *const keys[] = {"DRAFTING", "DRAFT_METHOD", "DRAFT_MODEL"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (import_args_get(args, keys[i]) != NULL) {
            return keys[i];
        }
    }
    return "DRAFT_TOKENS";
}

static void lose(struct import_args *args, const char *reason)
{
    const char *key = place(args);
    for (int32_t i = 0; i < args->n_settings; i++) {
        if (strcmp(args->settings[i].key, key) == 0) {
            import_args_lose(args, args->settings[i].flag, reason);
        }
    }
}

/* vLLM's name of the method; a model alone is one that drafts, unless it is "[ngram]". */
static const char *method_of(const struct import_args *args)
{
    const char *method = import_args_get(args, "DRAFT_METHOD");
    const char *model = import_args_get(args, "DRAFT_MODEL");
    if (method == NULL) {
        bool searches = strcmp(model, "ngram") == 0 || strcmp(model, "[ngram]") == 0;
        return searches ? "ngram" : "draft_model";
    }
    size_t n = strlen(method);
    return n > 4 && strcmp(method + n - 4, "_mtp") == 0 ? "mtp" : method;
}

/* Our method for vLLM's; NULL, and it counts as lost, if we have none. */
static int find_method(struct import_args_speculative *drafting,
                       struct import_args *args, struct err *err)
{
    const char *name = method_of(args);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(name, methods[i][0]) == 0) {
            drafting->method = methods[i][1];
            if (drafting->method == NULL) {
                lose(args, methods[i][0]);
            }
            return 0;
        }
    }
    return import_args_refuse(
        args, "DRAFT_METHOD",
        "is not one of ngram, draft_model, mtp, eagle, eagle3, medusa, mlp_speculator, "
        "suffix",
        err);
}

static int read_tokens(struct import_args_speculative *drafting,
                       const struct import_args *args, struct err *err)
{
    bool is_given = import_args_get(args, "DRAFT_TOKENS") != NULL;
    if (!is_given && strcmp(drafting->method, "mtp") != 0) {
        return import_args_refuse(args, place(args), "needs num_speculative_tokens",
                                  err);
    }
    /* with mtp a checkpoint says how many: one, in those that are public */
    if (import_args_count(args, "DRAFT_TOKENS", 1, &drafting->n_tokens, err) != 0) {
        return -1;
    }
    return drafting->n_tokens <= SPECULATIVE_MOST
               ? 0
               : import_args_refuse(args, "DRAFT_TOKENS", "is greater than 32", err);
}

/* The preset of the model that drafts; without one nothing is drafted. */
static int read_model(struct import_args_speculative *drafting,
                      struct import_args *args, struct err *err)
{
    struct err reason;
    const char *model = import_args_get(args, "DRAFT_MODEL");
    if (strcmp(drafting->method, "draft") != 0) {
        return 0;
    }
    if (model == NULL) {
        return import_args_refuse(args, place(args), "needs a model that drafts", err);
    }
    if (measured_names_model(model, drafting->draft_model, &reason) != 0) {
        drafting->method = NULL;
        lose(args, "there is no preset of its model");
        return 0;
    }
    return import_args_config_llm(&drafting->draft, &drafting->has_precision, args,
                                  drafting->draft_model, measured_names_suffix(model),
                                  err);
}

int import_args_speculative_read(struct import_args_speculative *drafting,
                                 struct import_args *args, struct err *err)
{
    int64_t n_stages;
    *drafting = (struct import_args_speculative){.method = NULL};
    if (read_json(args, err) != 0 ||
        import_args_count(args, "pipeline_parallel", 1, &n_stages, err) != 0) {
        return -1;
    }
    if (import_args_get(args, place(args)) == NULL) {
        return 0;
    }
    if (import_args_get(args, "DRAFT_METHOD") == NULL &&
        import_args_get(args, "DRAFT_MODEL") == NULL) {
        return import_args_refuse(args, place(args), "names no method and no model",
                                  err);
    }
    if (find_method(drafting, args, err) != 0) {
        return -1;
    }
    if (drafting->method != NULL && n_stages > 1) {
        drafting->method = NULL;
        lose(args, "with pipeline stages");
    }
    if (drafting->method == NULL) {
        return 0;
    }
    return read_tokens(drafting, args, err) != 0 || read_model(drafting, args, err) != 0
               ? -1
               : 0;
}
