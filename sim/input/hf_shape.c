#include "input/hf_shape.h"

#include <string.h>

#include "input/hf_layers.h"

/* The names of the plain dimensions. */
struct names {
    const char *layers, *hidden, *heads, *intermediate, *context;
};

static const struct names common = {"num_hidden_layers", "hidden_size",
                                    "num_attention_heads", "intermediate_size",
                                    "max_position_embeddings"};
static const struct names opt = {"num_hidden_layers", "hidden_size",
                                 "num_attention_heads", "ffn_dim",
                                 "max_position_embeddings"};
static const struct names gpt2 = {"n_layer", "n_embd", "n_head", "n_inner",
                                  "n_positions"};
static const struct names bloom = {"n_layer", "hidden_size", "n_head",
                                   "intermediate_size", "seq_length"};

struct family {
    const char *model_type;
    const struct names *names;
    int (*layers)(struct hf *hf, struct err *err); /* windows, states; NULL: none */
    int (*experts)(struct hf *hf, const char *dense, struct err *err); /* NULL: none */
    bool mla;
    bool plain;    /* an MLP of two matrices */
    bool tied;     /* if tie_word_embeddings is not given */
    bool gate;     /* attention's output passes a gate */
    int64_t head;  /* head_dim if not given; 0: hidden / heads */
    int64_t vocab; /* if not given; 0: must be */
    int64_t context;
};

static const struct family families[] = {
    {.model_type = "llama", .names = &common},
    {.model_type = "mistral", .names = &common, .layers = hf_layers_all},
    {.model_type = "ministral", .names = &common, .layers = hf_layers_all},
    {.model_type = "mixtral",
     .names = &common,
     .layers = hf_layers_all,
     .experts = hf_layers_mixtral},
    {.model_type = "qwen2", .names = &common, .layers = hf_layers_qwen},
    {.model_type = "qwen3", .names = &common, .layers = hf_layers_qwen, .head = 128},
    {.model_type = "qwen2_moe",
     .names = &common,
     .layers = hf_layers_qwen,
     .experts = hf_layers_qwen_moe},
    {.model_type = "qwen3_moe",
     .names = &common,
     .layers = hf_layers_qwen,
     .experts = hf_layers_qwen_moe},
    {.model_type = "qwen3_next",
     .names = &common,
     .layers = hf_layers_delta,
     .experts = hf_layers_qwen_moe,
     .gate = true,
     .head = 256},
    {.model_type = "qwen3_5_text",
     .names = &common,
     .layers = hf_layers_delta,
     .gate = true,
     .head = 256},
    {.model_type = "qwen3_5_moe_text",
     .names = &common,
     .layers = hf_layers_delta,
     .experts = hf_layers_qwen_moe,
     .gate = true,
     .head = 256},
    {.model_type = "deepseek_v2",
     .names = &common,
     .experts = hf_layers_deepseek,
     .mla = true},
    {.model_type = "deepseek_v3",
     .names = &common,
     .experts = hf_layers_deepseek,
     .mla = true},
    {.model_type = "kimi_k2",
     .names = &common,
     .experts = hf_layers_deepseek,
     .mla = true},
    {.model_type = "kimi_k25",
     .names = &common,
     .experts = hf_layers_deepseek,
     .mla = true},
    {.model_type = "deepseek_v32",
     .names = &common,
     .layers = hf_layers_indexer,
     .experts = hf_layers_deepseek,
     .mla = true},
    {.model_type = "glm_moe_dsa",
     .names = &common,
     .layers = hf_layers_indexer,
     .experts = hf_layers_deepseek,
     .mla = true},
    {.model_type = "glm", .names = &common, .head = 128},
    {.model_type = "glm4", .names = &common, .head = 128},
    {.model_type = "glm4_moe",
     .names = &common,
     .experts = hf_layers_deepseek,
     .head = 128},
    {.model_type = "minimax_m2",
     .names = &common,
     .layers = hf_layers_minimax,
     .experts = hf_layers_mixtral},
    {.model_type = "gpt_oss",
     .names = &common,
     .layers = hf_layers_alternate,
     .experts = hf_layers_mixtral,
     .head = 64},
    {.model_type = "gemma", .names = &common, .tied = true, .head = 256},
    {.model_type = "gemma2",
     .names = &common,
     .layers = hf_layers_alternate,
     .tied = true,
     .head = 256},
    {.model_type = "gemma3_text",
     .names = &common,
     .layers = hf_layers_gemma3,
     .tied = true,
     .head = 256,
     .vocab = 262208,
     .context = 131072},
    {.model_type = "llama4_text",
     .names = &common,
     .layers = hf_layers_llama4,
     .experts = hf_layers_llama4_moe,
     .head = 128},
    {.model_type = "phi3", .names = &common, .layers = hf_layers_all},
    {.model_type = "opt", .names = &opt, .plain = true, .tied = true},
    {.model_type = "gpt2", .names = &gpt2, .plain = true, .tied = true},
    {.model_type = "bloom",
     .names = &bloom,
     .plain = true,
     .tied = true,
     .context = 2048},
};
enum { N_FAMILIES = sizeof families / sizeof families[0] };

static const struct family *find(const char *model_type)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        if (strcmp(families[i].model_type, model_type) == 0) {
            return &families[i];
        }
    }
    return NULL;
}

static int unknown(const struct hf *hf, struct err *err)
{
    char names[600] = "";
    size_t used = 0;
    for (int i = 0; i < N_FAMILIES; i++) {
        int n = snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                         families[i].model_type);
        used += (size_t)n;
    }
    return err_set(err, "%s: model_type: '%.80s' is not one of %s", hf->root.file,
                   hf->model_type, names);
}

/* Keys that change the architecture in ways that struct llm has no word for, unless they
 * are null, 0, false or empty. */
static const char *const foreign[] = {
    "compress_ratios",  "hc_mult",          "num_kv_shared_layers",
    "block_configs",    "zero_expert_num",  "cross_attention_layers",
    "attention_k_eq_v", "kv_layer_sharing",
};

static bool says_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static int check_foreign(const struct hf *hf, struct err *err)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (!says_nothing(json_object_get(hf->text.json, foreign[i]))) {
            return hf_refuse(hf, foreign[i],
                             "changes the model in a way that model files cannot say",
                             err);
        }
    }
    if (import_json_has(&hf->text, "word_embed_proj_dim") &&
        !json_equal(json_object_get(hf->text.json, "word_embed_proj_dim"),
                    json_object_get(hf->text.json, "hidden_size"))) {
        return hf_refuse(hf, "word_embed_proj_dim", "must be the hidden_size", err);
    }
    return 0;
}

/* tie_word_embeddings stands in either part of the file. */
static int read_tied(struct hf *hf, bool otherwise, struct err *err)
{
    bool tied = otherwise;
    const char *key = "tie_word_embeddings";
    const struct import_json *part =
        import_json_has(&hf->text, key) ? &hf->text : &hf->root;
    if (import_json_has(part, key)) {
        if (import_json_flag(part, key, &tied, err) != 0) {
            return -1;
        }
    } else {
        fprintf(hf->notes, "; %s is not given: tied_embeddings = %s.\n", key,
                tied ? "yes" : "no");
    }
    hf->llm.tied_embeddings = tied;
    return 0;
}

/* MLA keeps no keys and values of heads; head_dim is then that of a key without
 * positions, whatever the file says. */
static int read_mla(struct hf *hf, struct err *err)
{
    if (hf_copy(hf, "kv_lora_rank", "kv_lora_rank", err) != 0 ||
        hf_copy(hf, "qk_rope_head_dim", "qk_rope_head_dim", err) != 0 ||
        hf_copy(hf, "qk_nope_head_dim", "qk_nope_head_dim", err) != 0 ||
        hf_copy(hf, "v_head_dim", "v_head_dim", err) != 0 ||
        hf_copy(hf, "head_dim", "qk_nope_head_dim", err) != 0) {
        return -1;
    }
    return import_json_has(&hf->text, "q_lora_rank")
               ? hf_copy(hf, "q_lora_rank", "q_lora_rank", err)
               : 0;
}

static int read_head(struct hf *hf, const struct family *family, struct err *err)
{
    if (family->mla) {
        return read_mla(hf, err);
    }
    if (import_json_has(&hf->text, "head_dim") || family->head > 0) {
        return hf_copy_or(hf, "head_dim", "head_dim", family->head, err);
    }
    if (hf->llm.hidden % hf->llm.n_heads != 0) {
        return hf_refuse(hf, family->names->heads,
                         "does not divide the hidden size, and there is no head_dim",
                         err);
    }
    hf->llm.head_dim = hf->llm.hidden / hf->llm.n_heads;
    fprintf(hf->notes, "; head_dim is not given: %s / %s.\n", family->names->hidden,
            family->names->heads);
    return 0;
}

static int copy_given(struct hf *hf, const char *row, const char *key,
                      int64_t otherwise, struct err *err)
{
    return otherwise > 0 ? hf_copy_or(hf, row, key, otherwise, err)
                         : hf_copy(hf, row, key, err);
}

static int read_plain(struct hf *hf, const struct family *family, struct err *err)
{
    const struct names *names = family->names;
    hf->llm.mlp = family->plain ? LLM_PLAIN : LLM_GATED;
    hf->llm.output_gate = family->gate;
    if (hf_copy(hf, "layers", names->layers, err) != 0 ||
        hf_copy(hf, "hidden", names->hidden, err) != 0 ||
        hf_copy(hf, "heads", names->heads, err) != 0 ||
        copy_given(hf, "vocab", "vocab_size", family->vocab, err) != 0 ||
        copy_given(hf, "max_context", names->context, family->context, err) != 0) {
        return -1;
    }
    return read_head(hf, family, err) != 0 || read_tied(hf, family->tied, err) != 0 ? -1
                                                                                    : 0;
}

/* KV heads: those given, or as many as query heads (and MLA has none to count). */
static int read_kv_heads(struct hf *hf, const struct family *family, struct err *err)
{
    return !family->mla && import_json_has(&hf->text, "num_key_value_heads")
               ? hf_copy(hf, "kv_heads", "num_key_value_heads", err)
               : hf_set(hf, "kv_heads", family->names->heads, hf->llm.n_heads, err);
}

static int read_mlp(struct hf *hf, const struct family *family, struct err *err)
{
    const char *key = family->names->intermediate;
    if (family->experts != NULL) {
        return family->experts(hf, key, err);
    }
    return family->plain ? hf_copy_or(hf, "intermediate", key, 4 * hf->llm.hidden, err)
                         : hf_copy(hf, "intermediate", key, err);
}

/* Rows have bounds, their products have none: beyond this a sum might leave 64 bits. */
static int check_size(const struct hf *hf, struct err *err)
{
    const struct llm *llm = &hf->llm;
    double hidden = (double)llm->hidden;
    double heads = (double)llm->n_heads * (double)(4 * llm->head_dim + llm->v_head_dim +
                                                   llm->qk_rope_head_dim);
    double ranks = (double)(llm->q_lora_rank + llm->kv_lora_rank);
    double index = (double)llm->index_heads * (double)llm->index_head_dim;
    double mlp = (double)(llm->intermediate + llm->shared_intermediate) +
                 (double)llm->n_experts * (double)(llm->moe_intermediate + 1);
    double layer = (hidden + ranks) * (heads + index + ranks) + 3 * hidden * mlp +
                   (double)llm->linear_params;
    double all = (double)llm->n_layers * layer + 2 * hidden * (double)llm->vocab;
    return all < 1e17
               ? 0
               : err_set(err, "%s: the dimensions give more than 10^17 parameters",
                         hf->root.file);
}

int hf_shape_read(struct hf *hf, struct err *err)
{
    const struct family *family = find(hf->model_type);
    struct err reason;
    if (family == NULL) {
        return unknown(hf, err);
    }
    if (check_foreign(hf, err) != 0 || read_plain(hf, family, err) != 0 ||
        read_kv_heads(hf, family, err) != 0 || read_mlp(hf, family, err) != 0 ||
        (family->layers != NULL && family->layers(hf, err) != 0) ||
        check_size(hf, err) != 0) {
        return -1;
    }
    if (llm_check(&hf->llm, &reason) != 0) {
        return err_set(err, "%s: %s", hf->root.file, reason.text);
    }
    return 0;
}
