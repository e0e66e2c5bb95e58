/* ledger: where the memory of one GPU goes, and how many KV blocks are left.
 *
 *   memory x gpu_memory_utilization - weights - activations - runtime - state, over bytes
 *   per block
 *
 * Activations are the larger of the two peaks of vLLM's profiling step: the forward pass
 * of a full token budget (gate, up and their product, and four hidden vectors a token,
 * 2 bytes a number) and the sampler over a full batch of sequences.  Window layers cache
 * whole sequences or keep room for the windows of a full batch, whichever leaves more
 * blocks: a lower bound of what a hybrid cache manager gets.  A pipeline stage
 * holds its layers, and an embedding or the LM head; with attention data parallelism every
 * rank has its own attention, MLP and cache, and experts are spread over all of them.  A
 * model that drafts for this one has its weights beside it, and its keys and values in the
 * same blocks.  Slots of LoRA adapters (model/adapter.h) are taken from the same memory.
 */
#ifndef SERVESIM_MODEL_LEDGER_H
#define SERVESIM_MODEL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/accelerator.h"
#include "model/constants.h"
#include "model/layout.h"
#include "model/llm.h"

struct ledger {
    int64_t memory_bytes;   /* all of these of one GPU */
    int64_t reserved_bytes; /* what gpu_memory_utilization leaves to others */
    int64_t weight_bytes;
    int64_t draft_bytes; /* weights of the model that drafts */
    int64_t lora_bytes;  /* slots of LoRA adapters */
    int64_t activation_bytes;
    int64_t runtime_bytes;
    int64_t state_bytes; /* of linear layers, for a full batch */
    int64_t
        window_bytes; /* of window layers, for a full batch; 0: they are in the blocks */
    int64_t kv_bytes;
    int64_t block_bytes; /* one KV block */
    int64_t n_blocks;    /* of a scheduler: of balanced data-parallel ranks together */
};

struct ledger_request {
    struct layout layout;
    int64_t block_tokens;
    int64_t utilization_nano;
    int64_t max_batched_tokens; /* these two of a scheduler */
    int64_t max_seqs;
    const struct llm *draft; /* drafts for the model; NULL: nobody does */
    bool draft_is_part;      /* and has the model's own embeddings */
    int64_t lora_bytes;      /* slots of adapters: model/adapter.h */
};

/* Fills the ledger.  -1 if the weights, or not even two KV blocks, fit; `where` names the
 * pool, `accelerator_name` and `model_name` the things that do not fit together. */
int ledger_fill(struct ledger *ledger, const struct ledger_request *request,
                const struct accelerator *accelerator, const struct llm *llm,
                const struct constants *constants, const char *where,
                const char *accelerator_name, const char *model_name, struct err *err);

/* Whether the weights alone fit in what the server may use; after ledger_fill(). */
bool ledger_weights_fit(const struct ledger *ledger);

#endif
