#include "model/ledger.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/wide.h"

enum { BYTES_PER_ACTIVATION = 2, HIDDEN_VECTORS = 4, MLP_VECTORS = 3 };

/* Ranks that one scheduler's requests are spread over, and how many each has of a full
 * batch. */
static int64_t balanced_ranks(const struct layout *layout)
{
    return layout->dp / layout_ranks(layout);
}

static int64_t rank_seqs(const struct ledger_request *request)
{
    return request->max_seqs / balanced_ranks(&request->layout);
}

static int64_t activation_bytes(const struct ledger_request *request,
                                const struct llm *llm,
                                const struct constants *constants)
{
    int64_t width = llm->intermediate;
    int64_t routed =
        llm->n_experts_active * llm->moe_intermediate + llm->shared_intermediate;
    width = routed > width ? routed : width;
    int64_t per_token =
        HIDDEN_VECTORS * llm->hidden + MLP_VECTORS * width / request->layout.tp;
    wide forward = (wide)request->max_batched_tokens * per_token * BYTES_PER_ACTIVATION;
    wide sampler =
        (wide)request->max_seqs * llm->vocab * constants->sampler_bytes_per_logit;
    wide most = forward > sampler ? forward : sampler;
    return most < INT64_MAX ? (int64_t)most : INT64_MAX;
}

/* Weights of the fullest GPU; without the embeddings, if they are another model's. */
static int64_t weight_bytes(const struct layout *layout, const struct llm *llm,
                            bool has_embeddings)
{
    int64_t experts = llm_stored_bytes(llm, llm_expert_precision(llm),
                                       llm->n_experts * llm_expert_params(llm));
    int64_t embedding =
        precision_bytes((enum precision)llm->head_precision, llm_head_params(llm));
    int64_t embeddings = llm->tied_embeddings ? embedding : 2 * embedding;
    int64_t layers = llm_weight_bytes(llm) - experts - embeddings;
    int64_t stage = (llm->n_layers + layout->pp - 1) / layout->pp;
    int64_t at_ends = !has_embeddings ? 0 : layout->pp > 1 ? embedding : embeddings;
    wide whole = (wide)layers * stage / llm->n_layers + at_ends;
    wide shared = (wide)experts * stage / llm->n_layers;
    int64_t stage_gpus = layout_stage_gpus(layout);
    return wide_narrow((whole + layout->tp - 1) / layout->tp +
                       (shared + stage_gpus - 1) / stage_gpus);
}

/* Bytes of `bytes` spread over all layers that the largest stage holds, rounded up. */
static int64_t of_stage(const struct layout *layout, const struct llm *llm, wide bytes)
{
    int64_t stage = (llm->n_layers + layout->pp - 1) / layout->pp;
    return wide_narrow((bytes * stage + llm->n_layers - 1) / llm->n_layers);
}

/* Window layers cache either all tokens, block by block, or keep room for the windows of
 * a full batch, so that a block holds the other layers only: whichever leaves more. */
static void fill_kv(struct ledger *ledger, const struct ledger_request *request,
                    const struct llm *llm, wide left)
{
    const struct layout *layout = &request->layout;
    int64_t block = request->block_tokens;
    int64_t per_layer = llm_kv_bytes_per_layer(llm, layout->tp);
    int64_t full = llm_full_layers(llm);
    wide all = (wide)llm_kv_bytes_per_token(llm, layout->tp) * block;
    int64_t drafts =
        request->draft != NULL
            ? wide_narrow((wide)llm_kv_bytes_per_token(request->draft, layout->tp) *
                          block)
            : 0;
    ledger->block_bytes = of_stage(layout, llm, all) + drafts;
    ledger->window_bytes = 0;
    if (llm->n_window_layers > 0 && llm->index_heads == 0 && full > 0) {
        /* a window that starts within a block reaches into one more */
        int64_t held = ((llm->window_tokens + block - 1) / block + 1) * block;
        wide windows =
            (wide)rank_seqs(request) * held * per_layer * llm->n_window_layers;
        int64_t reserved = of_stage(layout, llm, windows);
        int64_t others = of_stage(layout, llm, (wide)full * per_layer * block) + drafts;
        if ((left - reserved) / others > left / ledger->block_bytes) {
            ledger->window_bytes = reserved;
            ledger->block_bytes = others;
        }
    }
    left -= ledger->window_bytes;
    ledger->kv_bytes = left > 0 ? (int64_t)left : 0;
    ledger->n_blocks = ledger->kv_bytes / ledger->block_bytes * balanced_ranks(layout);
}

int ledger_fill(struct ledger *ledger, const struct ledger_request *request,
                const struct accelerator *accelerator, const struct llm *llm,
                const struct constants *constants, const char *where,
                const char *accelerator_name, const char *model_name, struct err *err)
{
    wide usable =
        (wide)accelerator->memory_bytes * request->utilization_nano / 1000000000;
    const struct layout *layout = &request->layout;
    ledger->memory_bytes = accelerator->memory_bytes;
    ledger->reserved_bytes = accelerator->memory_bytes - (int64_t)usable;
    ledger->weight_bytes = weight_bytes(layout, llm, true);
    ledger->draft_bytes = request->draft != NULL ? weight_bytes(layout, request->draft,
                                                                !request->draft_is_part)
                                                 : 0;
    ledger->lora_bytes = request->lora_bytes;
    ledger->activation_bytes = activation_bytes(request, llm, constants);
    ledger->runtime_bytes = constants->runtime_bytes;
    int64_t state_bytes = llm_state_bytes(llm);
    state_bytes += request->draft != NULL ? llm_state_bytes(request->draft) : 0;
    ledger->state_bytes = state_bytes * request->max_seqs /
                          (layout->tp * layout->pp * balanced_ranks(layout));
    wide left = usable - ledger->weight_bytes - ledger->draft_bytes -
                ledger->lora_bytes - ledger->activation_bytes - ledger->runtime_bytes -
                ledger->state_bytes;
    fill_kv(ledger, request, llm, left);
    if (ledger->n_blocks >= 2) {
        return 0;
    }
    char slots[60] = "";
    if (ledger->lora_bytes > 0) {
        snprintf(slots, sizeof slots, " MB, LoRA adapters %" PRId64,
                 ledger->lora_bytes / 1000000);
    }
    return err_set(err,
                   "%s: %s does not fit on %" PRId64 " x %s: one GPU has %" PRId64
                   " MB to use (%" PRId64
                   " MB x gpu_memory_utilization), weights take %" PRId64
                   "%s MB, activations %" PRId64 " MB, runtime %" PRId64
                   " MB, and two KV blocks %" PRId64
                   " MB; raise tensor_parallel or gpu_memory_utilization",
                   where, model_name, layout_gpus(layout), accelerator_name,
                   (int64_t)(usable / 1000000), ledger->memory_bytes / 1000000,
                   (ledger->weight_bytes + ledger->draft_bytes) / 1000000, slots,
                   ledger->activation_bytes / 1000000, ledger->runtime_bytes / 1000000,
                   2 * ledger->block_bytes / 1000000);
}

bool ledger_weights_fit(const struct ledger *ledger)
{
    return ledger->weight_bytes + ledger->draft_bytes <=
           ledger->memory_bytes - ledger->reserved_bytes;
}
