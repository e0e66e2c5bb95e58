#include "model/llm.h"

#include <inttypes.h>

#include "base/wide.h"

#define AT(member) offsetof(struct llm, member)

static const struct field fields[] = {
    {"layers", FIELD_COUNT, AT(n_layers), "", NULL, "1", "10000", NULL,
     "transformer layers"},
    {"hidden", FIELD_COUNT, AT(hidden), "", NULL, "1", "1000000", NULL, "hidden size"},
    {"intermediate", FIELD_COUNT, AT(intermediate), "", NULL, "0", "10000000", NULL,
     "width of the MLP of layers without experts"},
    {"mlp", FIELD_CHOICE, AT(mlp), "", "gated", NULL, NULL, "gated|plain",
     "three matrices (gate, up, down) or two"},
    {"heads", FIELD_COUNT, AT(n_heads), "", NULL, "1", "10000", NULL,
     "query heads; attention FLOPs count these"},
    {"kv_heads", FIELD_COUNT, AT(n_kv_heads), "", NULL, "1", "10000", NULL,
     "key and value heads; KV bytes count these"},
    {"head_dim", FIELD_COUNT, AT(head_dim), "", NULL, "1", "100000", NULL,
     "size of one head"},
    {"vocab", FIELD_COUNT, AT(vocab), "", NULL, "1", "100000000", NULL, "vocabulary"},
    {"tied_embeddings", FIELD_FLAG, AT(tied_embeddings), "", "no", NULL, NULL, NULL,
     "whether the LM head shares the weights of the input embedding"},
    {"output_gate", FIELD_FLAG, AT(output_gate), "", "no", NULL, NULL, NULL,
     "whether attention's output passes a gate as wide as the query"},
    {"max_context", FIELD_COUNT, AT(max_context_tokens), "", NULL, "1", "1000000000",
     NULL, "longest sequence the model takes, in tokens"},
    {"q_lora_rank", FIELD_COUNT, AT(q_lora_rank), "", "0", "0", "1000000", NULL,
     "MLA: width of the compressed query; 0: not compressed"},
    {"kv_lora_rank", FIELD_COUNT, AT(kv_lora_rank), "", "0", "0", "1000000", NULL,
     "MLA: width of the compressed keys and values; 0: no MLA"},
    {"qk_rope_head_dim", FIELD_COUNT, AT(qk_rope_head_dim), "", "0", "0", "100000",
     NULL, "MLA: part of a key with positions, shared by all heads"},
    {"qk_nope_head_dim", FIELD_COUNT, AT(qk_nope_head_dim), "", "0", "0", "100000",
     NULL, "MLA: part of a head's key without positions"},
    {"v_head_dim", FIELD_COUNT, AT(v_head_dim), "", "0", "0", "100000", NULL,
     "MLA: size of a head's value"},
    {"window", FIELD_COUNT, AT(window_tokens), "", "0", "0", "1000000000", NULL,
     "tokens that a window layer attends to"},
    {"window_layers", FIELD_COUNT, AT(n_window_layers), "", "0", "0", "10000", NULL,
     "layers that attend to the last `window` tokens only"},
    {"index_heads", FIELD_COUNT, AT(index_heads), "", "0", "0", "10000", NULL,
     "heads of the indexer that picks the window's tokens from the whole context; 0: "
     "none"},
    {"index_head_dim", FIELD_COUNT, AT(index_head_dim), "", "0", "0", "100000", NULL,
     "size of the indexer's key, one FP8 vector per token and layer"},
    {"linear_layers", FIELD_COUNT, AT(n_linear_layers), "", "0", "0", "10000", NULL,
     "layers with a constant state instead of a KV cache"},
    {"linear_params", FIELD_COUNT, AT(linear_params), "", "0", "0", "100000000000",
     NULL, "parameters of one linear layer's projections"},
    {"linear_state", FIELD_COUNT, AT(linear_state), "", "0", "0", "10000000000", NULL,
     "numbers (4 bytes each) of one linear layer's state per sequence"},
    {"experts", FIELD_COUNT, AT(n_experts), "", "0", "0", "100000", NULL,
     "routed experts of a MoE layer; 0: a dense model"},
    {"experts_active", FIELD_COUNT, AT(n_experts_active), "", "0", "0", "100000", NULL,
     "routed experts that a token visits"},
    {"moe_intermediate", FIELD_COUNT, AT(moe_intermediate), "", "0", "0", "10000000",
     NULL, "width of one routed expert"},
    {"shared_intermediate", FIELD_COUNT, AT(shared_intermediate), "", "0", "0",
     "10000000", NULL, "width of the shared experts together"},
    {"first_dense_layers", FIELD_COUNT, AT(first_dense_layers), "", "0", "0", "10000",
     NULL, "layers without experts at the bottom"},
    {"moe_layer_step", FIELD_COUNT, AT(moe_layer_step), "", "1", "1", "10000", NULL,
     "every so many layers above them one has experts"},
    {"weight_precision", FIELD_CHOICE, AT(weight_precision), "", "bf16", NULL, NULL,
     PRECISION_CHOICES, "format of the weights"},
    {"attention_precision", FIELD_CHOICE, AT(attention_precision), "", "same", NULL,
     NULL, PRECISION_CHOICES_OR_SAME, "format of the weights around attention"},
    {"expert_precision", FIELD_CHOICE, AT(expert_precision), "", "same", NULL, NULL,
     PRECISION_CHOICES_OR_SAME, "format of the routed experts' weights"},
    {"head_precision", FIELD_CHOICE, AT(head_precision), "", "bf16", NULL, NULL,
     PRECISION_CHOICES, "format of the embeddings and the LM head"},
    {"kv_precision", FIELD_CHOICE, AT(kv_precision), "", "bf16", NULL, NULL,
     PRECISION_CHOICES, "format of the KV cache"},
    {"compute_precision", FIELD_CHOICE, AT(compute_precision), "", "same", NULL, NULL,
     PRECISION_CHOICES_OR_SAME,
     "rate of the matrix products; same: the weights' own (int4 computes in bf16)"},
    {"sparsity", FIELD_CHOICE, AT(sparsity), "", "none", NULL, NULL,
     "none|2:4|unstructured",
     "2:4: half the products where the hardware can; unstructured: fewer bytes only"},
    {"weight_density", FIELD_NANO, AT(density_nano), "", "1", "0.01", "1", NULL,
     "sparsity = unstructured: share of the weights that is left"},
    {"model_source", FIELD_TEXT, AT(source), "", "", NULL, NULL, NULL,
     "where these dimensions come from"},
};

const struct field_table llm_table = {
    .name = "model",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static int check_attention(const struct llm *llm, struct err *err)
{
    bool mla = llm->kv_lora_rank > 0;
    if (llm->n_heads % llm->n_kv_heads != 0) {
        return err_set(
            err, "heads (%" PRId64 ") must be a multiple of kv_heads (%" PRId64 ")",
            llm->n_heads, llm->n_kv_heads);
    }
    if (mla && (llm->qk_nope_head_dim == 0 || llm->v_head_dim == 0)) {
        return err_set(err, "kv_lora_rank: MLA needs qk_nope_head_dim and v_head_dim");
    }
    if (!mla && (llm->q_lora_rank > 0 || llm->qk_rope_head_dim > 0 ||
                 llm->qk_nope_head_dim > 0 || llm->v_head_dim > 0)) {
        return err_set(err, "kv_lora_rank: must be given with the other keys of MLA");
    }
    if (llm->n_window_layers + llm->n_linear_layers > llm->n_layers) {
        return err_set(err,
                       "window_layers (%" PRId64 ") and linear_layers (%" PRId64
                       ") are more than the %" PRId64 " layers",
                       llm->n_window_layers, llm->n_linear_layers, llm->n_layers);
    }
    if (llm->n_linear_layers == llm->n_layers) {
        return err_set(err,
                       "linear_layers (%" PRId64
                       ") leave no layer with a KV cache, which is not modelled",
                       llm->n_linear_layers);
    }
    if ((llm->n_window_layers > 0) != (llm->window_tokens > 0)) {
        return err_set(err, "window and window_layers must be given together");
    }
    if ((llm->index_heads > 0) != (llm->index_head_dim > 0) ||
        (llm->index_heads > 0 && llm->n_window_layers == 0)) {
        return err_set(err,
                       "index_heads, index_head_dim, window and window_layers must be "
                       "given together");
    }
    if ((llm->n_linear_layers > 0) != (llm->linear_params > 0) ||
        (llm->n_linear_layers > 0) != (llm->linear_state > 0)) {
        return err_set(
            err,
            "linear_layers, linear_params and linear_state must be given together");
    }
    return 0;
}

static int check_experts(const struct llm *llm, struct err *err)
{
    bool moe = llm->n_experts > 0;
    if (moe != (llm->n_experts_active > 0) || moe != (llm->moe_intermediate > 0)) {
        return err_set(
            err, "experts, experts_active and moe_intermediate must be given together");
    }
    if (llm->n_experts_active > llm->n_experts) {
        return err_set(
            err, "experts_active (%" PRId64 ") is more than the %" PRId64 " experts",
            llm->n_experts_active, llm->n_experts);
    }
    if (!moe && (llm->shared_intermediate > 0 || llm->first_dense_layers > 0)) {
        return err_set(err, "shared_intermediate and first_dense_layers need experts");
    }
    if (llm->first_dense_layers > llm->n_layers) {
        return err_set(err,
                       "first_dense_layers (%" PRId64 ") are more than the %" PRId64
                       " layers",
                       llm->first_dense_layers, llm->n_layers);
    }
    if (llm->intermediate == 0 && llm_moe_layers(llm) < llm->n_layers) {
        return err_set(err, "intermediate: 0 leaves layers without an MLP");
    }
    if (llm->density_nano != 1000000000 && llm->sparsity != LLM_UNSTRUCTURED) {
        return err_set(err, "weight_density needs sparsity = unstructured");
    }
    return 0;
}

int llm_check(const struct llm *llm, struct err *err)
{
    return check_attention(llm, err) != 0 || check_experts(llm, err) != 0 ? -1 : 0;
}

int64_t llm_moe_layers(const struct llm *llm)
{
    return llm->n_experts > 0
               ? (llm->n_layers - llm->first_dense_layers) / llm->moe_layer_step
               : 0;
}

int64_t llm_full_layers(const struct llm *llm)
{
    return llm->n_layers - llm->n_window_layers - llm->n_linear_layers;
}

/* Of one layer that attends. */
static int64_t projections(const struct llm *llm)
{
    int64_t heads = llm->n_heads;
    if (llm->kv_lora_rank == 0) {
        int64_t columns = heads * (2 + llm->output_gate) + 2 * llm->n_kv_heads;
        return llm->hidden * llm->head_dim * columns;
    }
    int64_t qk = llm->qk_nope_head_dim + llm->qk_rope_head_dim;
    int64_t query = llm->q_lora_rank > 0 ? llm->q_lora_rank * (llm->hidden + heads * qk)
                                         : llm->hidden * heads * qk;
    int64_t down = llm->hidden * (llm->kv_lora_rank + llm->qk_rope_head_dim);
    int64_t up = llm->kv_lora_rank * heads * (llm->qk_nope_head_dim + llm->v_head_dim);
    return query + down + up + heads * llm->v_head_dim * llm->hidden;
}

/* The indexer's key, its heads' weights and, from the compressed query, its queries
 * (DeepSeek-V3.2). */
static int64_t indexer_params(const struct llm *llm)
{
    int64_t query = llm->q_lora_rank > 0 ? llm->q_lora_rank : llm->hidden;
    return llm->hidden * (llm->index_head_dim + llm->index_heads) +
           query * llm->index_heads * llm->index_head_dim;
}

int64_t llm_attention_params(const struct llm *llm)
{
    int64_t attending = llm->n_layers - llm->n_linear_layers;
    int64_t indexers = llm->index_heads > 0 ? llm->n_window_layers : 0;
    return attending * projections(llm) + indexers * indexer_params(llm) +
           llm->n_linear_layers * llm->linear_params;
}

static int64_t matrices(const struct llm *llm)
{
    return llm->mlp == LLM_GATED ? 3 : 2;
}

int64_t llm_mlp_params(const struct llm *llm)
{
    int64_t moe = llm_moe_layers(llm);
    int64_t dense = (llm->n_layers - moe) * matrices(llm) * llm->hidden;
    int64_t shared = moe * matrices(llm) * llm->hidden;
    return dense * llm->intermediate + shared * llm->shared_intermediate +
           moe * llm->hidden * llm->n_experts; /* routers */
}

int64_t llm_expert_params(const struct llm *llm)
{
    return llm_moe_layers(llm) * matrices(llm) * llm->hidden * llm->moe_intermediate;
}

int64_t llm_head_params(const struct llm *llm)
{
    return llm->hidden * llm->vocab;
}

static int64_t norm_params(const struct llm *llm)
{
    return (2 * llm->n_layers + 1) * llm->hidden;
}

static int64_t params_with(const struct llm *llm, int64_t n_experts)
{
    return llm_attention_params(llm) + llm_mlp_params(llm) +
           n_experts * llm_expert_params(llm) + norm_params(llm) +
           llm_head_params(llm) * (llm->tied_embeddings ? 1 : 2);
}

int64_t llm_params(const struct llm *llm)
{
    return params_with(llm, llm->n_experts);
}

int64_t llm_active_params(const struct llm *llm)
{
    return params_with(llm, llm->n_experts_active);
}

static enum precision or_weights(const struct llm *llm, int64_t precision)
{
    return (enum precision)(precision == PRECISION_SAME ? llm->weight_precision
                                                        : precision);
}

enum precision llm_attention_precision(const struct llm *llm)
{
    return or_weights(llm, llm->attention_precision);
}

enum precision llm_expert_precision(const struct llm *llm)
{
    return or_weights(llm, llm->expert_precision);
}

enum precision llm_compute_precision(const struct llm *llm, enum precision weights)
{
    return llm->compute_precision == PRECISION_SAME || weights == PRECISION_BF16
               ? weights
               : (enum precision)llm->compute_precision;
}

int64_t llm_read_bytes(const struct llm *llm, enum precision precision,
                       int64_t n_params)
{
    if (llm->sparsity != LLM_TWO_OF_FOUR) {
        return precision_bytes(precision, n_params);
    }
    return precision_bytes(precision, n_params / 2) + n_params / 8;
}

int64_t llm_stored_bytes(const struct llm *llm, enum precision precision,
                         int64_t n_params)
{
    int64_t bytes = llm_read_bytes(llm, precision, n_params);
    return llm->sparsity == LLM_UNSTRUCTURED
               ? wide_narrow((wide)bytes * llm->density_nano / 1000000000)
               : bytes;
}

int64_t llm_weight_bytes(const struct llm *llm)
{
    int64_t head = llm_head_params(llm) * (llm->tied_embeddings ? 1 : 2);
    return llm_stored_bytes(llm, llm_attention_precision(llm),
                            llm_attention_params(llm)) +
           llm_stored_bytes(llm, (enum precision)llm->weight_precision,
                            llm_mlp_params(llm)) +
           llm_stored_bytes(llm, llm_expert_precision(llm),
                            llm->n_experts * llm_expert_params(llm)) +
           precision_bytes((enum precision)llm->head_precision, head) +
           2 * norm_params(llm);
}

int64_t llm_kv_bytes_per_layer(const struct llm *llm, int64_t tp)
{
    int64_t numbers = llm->kv_lora_rank + llm->qk_rope_head_dim;
    if (llm->kv_lora_rank == 0) {
        int64_t split = tp < llm->n_kv_heads ? tp : llm->n_kv_heads;
        numbers = 2 * (llm->n_kv_heads / split) * llm->head_dim;
    }
    return precision_bytes((enum precision)llm->kv_precision, numbers);
}

int64_t llm_kv_bytes_per_token(const struct llm *llm, int64_t tp)
{
    int64_t index = llm->index_heads > 0 ? llm->index_head_dim : 0; /* FP8 */
    return (llm->n_layers - llm->n_linear_layers) * llm_kv_bytes_per_layer(llm, tp) +
           llm->n_window_layers * index;
}

int64_t llm_state_bytes(const struct llm *llm)
{
    return llm->n_linear_layers * llm->linear_state * 4;
}

int64_t llm_compound_layers(const struct llm *llm)
{
    int64_t attending = llm->n_layers - llm->n_linear_layers;
    return llm->n_linear_layers + (llm->kv_lora_rank > 0 ? attending : 0) +
           (llm->index_heads > 0 ? llm->n_window_layers : 0);
}

int64_t llm_flops_per_pair(const struct llm *llm, bool decode)
{
    if (llm->kv_lora_rank == 0) {
        return 4 * llm->n_heads * llm->head_dim;
    }
    int64_t rope = llm->qk_rope_head_dim;
    int64_t absorbed = 2 * llm->kv_lora_rank + rope;
    int64_t expanded = llm->qk_nope_head_dim + rope + llm->v_head_dim;
    return 2 * llm->n_heads * (decode ? absorbed : expanded);
}
