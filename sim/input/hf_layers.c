#include "input/hf_layers.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_HEADS = 10000, MOST_WIDE = 100000, MOST_LAYERS = 10000 };

/* The kinds of layers as layer_types has them; `given` if it is there. */
struct kinds {
    bool given;
    int64_t n_window;
    int64_t n_linear;
};

static int count_kind(struct hf *hf, size_t i, const json_t *entry, struct kinds *kinds,
                      struct err *err)
{
    const char *text = json_is_string(entry) ? json_string_value(entry) : "";
    bool window = strcmp(text, "sliding_attention") == 0 ||
                  strcmp(text, "chunked_attention") == 0;
    bool linear = strcmp(text, "linear_attention") == 0;
    if (!window && !linear && strcmp(text, "full_attention") != 0) {
        char key[40];
        char reason[200];
        snprintf(key, sizeof key, "layer_types[%zu]", i);
        snprintf(reason, sizeof reason,
                 "'%.60s' is not one of full_attention, sliding_attention, "
                 "chunked_attention, linear_attention",
                 text);
        return hf_refuse(hf, key, reason, err);
    }
    kinds->n_window += window;
    kinds->n_linear += linear;
    return 0;
}

static int read_kinds(struct hf *hf, struct kinds *kinds, struct err *err)
{
    const json_t *types;
    *kinds = (struct kinds){0};
    if (!import_json_has(&hf->text, "layer_types")) {
        return 0;
    }
    if (import_json_array(&hf->text, "layer_types", &types, err) != 0) {
        return -1;
    }
    if (json_array_size(types) != (size_t)hf->llm.n_layers) {
        char reason[100];
        snprintf(reason, sizeof reason, "has %zu entries for %" PRId64 " layers",
                 json_array_size(types), hf->llm.n_layers);
        return hf_refuse(hf, "layer_types", reason, err);
    }
    kinds->given = true;
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (count_kind(hf, i, json_array_get(types, i), kinds, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Windows as layer_types has them, else on `otherwise` layers; `key` has the window. */
static int read_windows(struct hf *hf, const char *key, int64_t otherwise,
                        struct err *err)
{
    struct kinds kinds;
    if (read_kinds(hf, &kinds, err) != 0) {
        return -1;
    }
    if (kinds.n_linear > 0) {
        return hf_refuse(hf, "layer_types",
                         "has linear_attention, which is read of Qwen3-Next and later",
                         err);
    }
    int64_t n = kinds.given ? kinds.n_window : otherwise;
    if (n <= 0) {
        return 0;
    }
    hf->llm.n_window_layers = n;
    return hf_copy(hf, "window", key, err);
}

int hf_layers_all(struct hf *hf, struct err *err)
{
    bool set = import_json_has(&hf->text, "sliding_window");
    return read_windows(hf, "sliding_window", set ? hf->llm.n_layers : 0, err);
}

int hf_layers_qwen(struct hf *hf, struct err *err)
{
    bool use = false;
    int64_t first = 0;
    if (import_json_has(&hf->text, "use_sliding_window") &&
        import_json_flag(&hf->text, "use_sliding_window", &use, err) != 0) {
        return -1;
    }
    if (use && import_json_count(&hf->text, "max_window_layers", 0, MOST_LAYERS, &first,
                                 err) != 0) {
        return -1;
    }
    return read_windows(hf, "sliding_window", use ? hf->llm.n_layers - first : 0, err);
}

int hf_layers_alternate(struct hf *hf, struct err *err)
{
    return read_windows(hf, "sliding_window", (hf->llm.n_layers + 1) / 2, err);
}

/* All layers but every `interval`-th, which `key` may give. */
static int but_every(struct hf *hf, const char *key, int64_t otherwise, int64_t *n,
                     struct err *err)
{
    int64_t interval;
    if (hf_count_or(hf, key, MOST_LAYERS, otherwise, &interval, err) != 0) {
        return -1;
    }
    *n = interval > 0 ? hf->llm.n_layers - hf->llm.n_layers / interval : 0;
    return 0;
}

int hf_layers_gemma3(struct hf *hf, struct err *err)
{
    int64_t n;
    return but_every(hf, "sliding_window_pattern", 6, &n, err) != 0 ||
                   read_windows(hf, "sliding_window", n, err) != 0
               ? -1
               : 0;
}

/* Llama-4's chunks: a token sees those before it in its own chunk, at most a window. */
int hf_layers_llama4(struct hf *hf, struct err *err)
{
    int64_t n;
    const char *list = "no_rope_layers"; /* 1: with positions, in chunks */
    const json_t *roped = NULL;
    if (but_every(hf, "no_rope_layer_interval", 4, &n, err) != 0 ||
        (import_json_has(&hf->text, list) &&
         import_json_array(&hf->text, list, &roped, err) != 0)) {
        return -1;
    }
    if (json_array_size(roped) > 0) {
        n = 0;
        for (size_t i = 0; i < json_array_size(roped); i++) {
            n += json_integer_value(json_array_get(roped, i)) != 0;
        }
    }
    bool chunks = import_json_has(&hf->text, "attention_chunk_size");
    if (chunks) {
        fprintf(hf->notes, "; Attention in chunks is told as a window of a chunk.\n");
    }
    return read_windows(hf, "attention_chunk_size", chunks ? n : 0, err);
}

/* Projections to q, k, v and the gate, to decay and beta, the convolution over q, k and v,
 * and the output (the class Qwen3NextGatedDeltaNet).  The state is one matrix per value
 * head in FP32, and what the convolution remembers, in BF16. */
static int read_delta(struct hf *hf, struct err *err)
{
    int64_t keys, values, key_dim, value_dim, kernel;
    const struct import_json *text = &hf->text;
    if (import_json_count(text, "linear_num_key_heads", 1, MOST_HEADS, &keys, err) ||
        import_json_count(text, "linear_num_value_heads", 1, MOST_HEADS, &values,
                          err) ||
        import_json_count(text, "linear_key_head_dim", 1, MOST_WIDE, &key_dim, err) ||
        import_json_count(text, "linear_value_head_dim", 1, MOST_WIDE, &value_dim,
                          err) ||
        import_json_count(text, "linear_conv_kernel_dim", 1, 1000, &kernel, err)) {
        return -1;
    }
    int64_t channels = 2 * keys * key_dim + values * value_dim;
    int64_t wide = channels + 2 * values * value_dim + 2 * values;
    fprintf(hf->notes, "; linear_params, linear_state: those of a gated DeltaNet.\n");
    return hf_set(hf, "linear_params", "linear_num_value_heads",
                  hf->llm.hidden * wide + kernel * channels, err) != 0 ||
                   hf_set(hf, "linear_state", "linear_num_value_heads",
                          values * key_dim * value_dim + (kernel - 1) * channels / 2,
                          err) != 0
               ? -1
               : 0;
}

int hf_layers_delta(struct hf *hf, struct err *err)
{
    struct kinds kinds;
    int64_t n;
    if (read_kinds(hf, &kinds, err) != 0 ||
        but_every(hf, "full_attention_interval", 4, &n, err) != 0) {
        return -1;
    }
    if (kinds.n_window > 0) {
        return hf_refuse(hf, "layer_types", "has windows beside linear attention", err);
    }
    hf->llm.n_linear_layers = kinds.given ? kinds.n_linear : n;
    return hf->llm.n_linear_layers > 0 ? read_delta(hf, err) : 0;
}

int hf_layers_indexer(struct hf *hf, struct err *err)
{
    int64_t every;
    if (hf_count_or(hf, "index_topk_freq", MOST_LAYERS, 1, &every, err) != 0) {
        return -1;
    }
    if (every > 1 || import_json_has(&hf->text, "indexer_types")) {
        return hf_refuse(hf, every > 1 ? "index_topk_freq" : "indexer_types",
                         "layers that share an indexer are not known here", err);
    }
    hf->llm.n_window_layers = hf->llm.n_layers;
    return hf_copy(hf, "window", "index_topk", err) != 0 ||
                   hf_copy(hf, "index_heads", "index_n_heads", err) != 0 ||
                   hf_copy(hf, "index_head_dim", "index_head_dim", err) != 0
               ? -1
               : 0;
}

int hf_layers_minimax(struct hf *hf, struct err *err)
{
    const json_t *types = NULL;
    const char *key = "attn_type_list"; /* 1: attention; 0: lightning attention */
    if (import_json_has(&hf->text, key) &&
        import_json_array(&hf->text, key, &types, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (json_integer_value(json_array_get(types, i)) != 1) {
            return hf_refuse(hf, key, "layers with lightning attention are not known",
                             err);
        }
    }
    return 0;
}

/* The width of the layers without experts, if there are any. */
static int read_dense(struct hf *hf, const char *dense, struct err *err)
{
    return llm_moe_layers(&hf->llm) < hf->llm.n_layers
               ? hf_copy(hf, "intermediate", dense, err)
               : hf_set(hf, "intermediate", dense, 0, err);
}

static int read_experts(struct hf *hf, const char *experts, const char *width,
                        struct err *err)
{
    const char *active = import_json_has(&hf->text, "num_experts_per_tok")
                             ? "num_experts_per_tok"
                             : "experts_per_token";
    return hf_copy(hf, "experts", experts, err) != 0 ||
                   hf_copy(hf, "experts_active", active, err) != 0 ||
                   hf_copy(hf, "moe_intermediate", width, err) != 0
               ? -1
               : 0;
}

int hf_layers_mixtral(struct hf *hf, const char *dense, struct err *err)
{
    int64_t shared;
    if (read_experts(hf, "num_local_experts", dense, err) != 0 ||
        hf_count_or(hf, "shared_intermediate_size", 10000000, 0, &shared, err) != 0) {
        return -1;
    }
    hf->llm.shared_intermediate = shared;
    return read_dense(hf, dense, err);
}

/* mlp_only_layers must be the lowest ones. */
static int read_first_dense(struct hf *hf, struct err *err)
{
    const char *key = "mlp_only_layers";
    const json_t *layers = NULL;
    if (import_json_has(&hf->text, key) &&
        import_json_array(&hf->text, key, &layers, err) != 0) {
        return -1;
    }
    size_t n = json_array_size(layers);
    for (size_t i = 0; i < n; i++) {
        const json_t *layer = json_array_get(layers, i);
        if (!json_is_integer(layer) || json_integer_value(layer) != (json_int_t)i) {
            return hf_refuse(hf, key, "expected the lowest layers only", err);
        }
    }
    return hf_set(hf, "first_dense_layers", key, (int64_t)n, err);
}

int hf_layers_qwen_moe(struct hf *hf, const char *dense, struct err *err)
{
    int64_t shared, step;
    if (read_experts(hf, "num_experts", "moe_intermediate_size", err) != 0 ||
        read_first_dense(hf, err) != 0 ||
        hf_count_or(hf, "shared_expert_intermediate_size", 10000000, 0, &shared, err) ||
        hf_count_or(hf, "decoder_sparse_step", MOST_LAYERS, 1, &step, err) != 0 ||
        hf_set(hf, "moe_layer_step", "decoder_sparse_step", step, err) != 0) {
        return -1;
    }
    if (step > 1 && hf->llm.first_dense_layers > 0) {
        return hf_refuse(hf, "mlp_only_layers", "together with decoder_sparse_step",
                         err);
    }
    hf->llm.shared_intermediate = shared;
    return read_dense(hf, dense, err);
}

int hf_layers_deepseek(struct hf *hf, const char *dense, struct err *err)
{
    int64_t n_shared, every;
    if (read_experts(hf, "n_routed_experts", "moe_intermediate_size", err) != 0 ||
        hf_copy(hf, "first_dense_layers", "first_k_dense_replace", err) != 0 ||
        hf_count_or(hf, "n_shared_experts", 1000, 0, &n_shared, err) != 0 ||
        hf_count_or(hf, "moe_layer_freq", MOST_LAYERS, 1, &every, err) != 0) {
        return -1;
    }
    if (every != 1) {
        return hf_refuse(hf, "moe_layer_freq", "expected 1", err);
    }
    return hf_set(hf, "shared_intermediate", "n_shared_experts",
                  n_shared * hf->llm.moe_intermediate, err) != 0 ||
                   read_dense(hf, dense, err) != 0
               ? -1
               : 0;
}

int hf_layers_llama4_moe(struct hf *hf, const char *dense, struct err *err)
{
    int64_t step;
    if (read_experts(hf, "num_local_experts", dense, err) != 0 ||
        hf_count_or(hf, "interleave_moe_layer_step", MOST_LAYERS, 1, &step, err) != 0 ||
        hf_set(hf, "moe_layer_step", "interleave_moe_layer_step", step, err) != 0) {
        return -1;
    }
    hf->llm.shared_intermediate = hf->llm.moe_intermediate;
    return read_dense(hf, "intermediate_size_mlp", err);
}
