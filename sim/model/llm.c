#include "model/llm.h"

#define AT(member) offsetof(struct llm, member)

static const struct field fields[] = {
    {"layers", FIELD_COUNT, AT(n_layers), "", NULL, "1", "10000", NULL,
     "transformer layers"},
    {"hidden", FIELD_COUNT, AT(hidden), "", NULL, "1", "1000000", NULL, "hidden size"},
    {"intermediate", FIELD_COUNT, AT(intermediate), "", NULL, "1", "10000000", NULL,
     "width of the gated MLP"},
    {"heads", FIELD_COUNT, AT(n_heads), "", NULL, "1", "10000", NULL,
     "query heads; attention FLOPs count these"},
    {"kv_heads", FIELD_COUNT, AT(n_kv_heads), "", NULL, "1", "10000", NULL,
     "key and value heads; KV bytes count these"},
    {"head_dim", FIELD_COUNT, AT(head_dim), "", NULL, "1", "100000", NULL,
     "size of one head"},
    {"vocab", FIELD_COUNT, AT(vocab), "", NULL, "1", "100000000", NULL, "vocabulary"},
    {"tied_embeddings", FIELD_FLAG, AT(tied_embeddings), "", "no", NULL, NULL, NULL,
     "whether the LM head shares the weights of the input embedding"},
    {"max_context", FIELD_COUNT, AT(max_context_tokens), "", NULL, "1", "1000000000",
     NULL, "longest sequence the model takes, in tokens"},
    {"weight_bits", FIELD_COUNT, AT(weight_bits), "", "16", "16", "16", NULL,
     "bits of a weight"},
    {"kv_bits", FIELD_COUNT, AT(kv_bits), "", "16", "8", "16", NULL,
     "bits of a number in the KV cache"},
    {"model_source", FIELD_TEXT, AT(source), "", "", NULL, NULL, NULL,
     "where these dimensions come from"},
};

const struct field_table llm_table = {
    .name = "model",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

int64_t llm_attention_params(const struct llm *llm)
{
    return llm->n_layers * llm->hidden * llm->head_dim * 2 *
           (llm->n_heads + llm->n_kv_heads);
}

int64_t llm_mlp_params(const struct llm *llm)
{
    return llm->n_layers * 3 * llm->hidden * llm->intermediate;
}

int64_t llm_head_params(const struct llm *llm)
{
    return llm->hidden * llm->vocab;
}

int64_t llm_params(const struct llm *llm)
{
    int64_t embeddings = llm_head_params(llm) * (llm->tied_embeddings ? 1 : 2);
    int64_t norms = (2 * llm->n_layers + 1) * llm->hidden;
    return llm_attention_params(llm) + llm_mlp_params(llm) + embeddings + norms;
}

int64_t llm_kv_bytes_per_token(const struct llm *llm, int64_t tp)
{
    int64_t heads_per_gpu =
        llm->n_kv_heads / (tp < llm->n_kv_heads ? tp : llm->n_kv_heads);
    return 2 * llm->n_layers * heads_per_gpu * llm->head_dim * llm->kv_bits / 8;
}

int64_t llm_flops_per_pair(const struct llm *llm)
{
    return 4 * llm->n_heads * llm->head_dim * llm->n_layers;
}
