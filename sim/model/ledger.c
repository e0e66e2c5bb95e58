#include "model/ledger.h"

#include <inttypes.h>

#include "base/wide.h"

enum { BYTES_PER_ACTIVATION = 2, HIDDEN_VECTORS = 4, MLP_VECTORS = 3 };

static int64_t activation_bytes(const struct ledger_request *request,
                                const struct llm *llm,
                                const struct constants *constants)
{
    int64_t per_token =
        HIDDEN_VECTORS * llm->hidden + MLP_VECTORS * llm->intermediate / request->tp;
    wide forward = (wide)request->max_batched_tokens * per_token * BYTES_PER_ACTIVATION;
    wide sampler =
        (wide)request->max_seqs * llm->vocab * constants->sampler_bytes_per_logit;
    wide most = forward > sampler ? forward : sampler;
    return most < INT64_MAX ? (int64_t)most : INT64_MAX;
}

int ledger_fill(struct ledger *ledger, const struct ledger_request *request,
                const struct accelerator *accelerator, const struct llm *llm,
                const struct constants *constants, const char *where,
                const char *accelerator_name, const char *model_name, struct err *err)
{
    wide usable =
        (wide)accelerator->memory_bytes * request->utilization_nano / 1000000000;
    wide weights = (wide)llm_params(llm) * llm->weight_bits / 8;
    ledger->memory_bytes = accelerator->memory_bytes;
    ledger->reserved_bytes = accelerator->memory_bytes - (int64_t)usable;
    ledger->weight_bytes = wide_narrow((weights + request->tp - 1) / request->tp);
    ledger->activation_bytes = activation_bytes(request, llm, constants);
    ledger->runtime_bytes = constants->runtime_bytes;
    ledger->block_bytes =
        llm_kv_bytes_per_token(llm, request->tp) * request->block_tokens;
    wide left = usable - ledger->weight_bytes - ledger->activation_bytes -
                ledger->runtime_bytes;
    ledger->kv_bytes = left > 0 ? (int64_t)left : 0;
    ledger->n_blocks = ledger->kv_bytes / ledger->block_bytes;
    if (ledger->n_blocks >= 2) {
        return 0;
    }
    return err_set(err,
                   "%s: %s does not fit on %" PRId64 " x %s: one GPU has %" PRId64
                   " MB to use (%" PRId64
                   " MB x gpu_memory_utilization), weights take %" PRId64
                   " MB, activations %" PRId64 " MB, runtime %" PRId64
                   " MB, and two KV blocks %" PRId64
                   " MB; raise tensor_parallel or gpu_memory_utilization",
                   where, model_name, request->tp, accelerator_name,
                   (int64_t)(usable / 1000000), ledger->memory_bytes / 1000000,
                   ledger->weight_bytes / 1000000, ledger->activation_bytes / 1000000,
                   ledger->runtime_bytes / 1000000, 2 * ledger->block_bytes / 1000000);
}

bool ledger_weights_fit(const struct ledger *ledger)
{
    return ledger->weight_bytes <= ledger->memory_bytes - ledger->reserved_bytes;
}
