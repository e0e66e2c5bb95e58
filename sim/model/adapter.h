/* adapter: LoRA adapters beside one base model: their bytes, their price in a step.
 *
 * An adapter of rank r gives a matrix W of `in` rows and `out` columns two more, A (in x r)
 * and B (r x out), and the product is x W + x A B (Hu et al., arXiv 2106.09685).  So it has
 * r (in + out) parameters per matrix, in BF16, two bytes each.  `target = attention`: the
 * query, key, value and output projections of every layer that attends (with MLA, those that
 * it has instead); `all`: the dense MLPs and shared experts, too.  Routed experts, linear
 * layers, indexers and the LM head have none.  Llama-3.1-8B at rank 16: 41,943,040
 * parameters, 83.9 MB, as PEFT counts them.
 *
 * On each of tp GPUs as vLLM spreads them (without --fully-sharded-loras): A is whole and B
 * is cut by columns where W is, and the other way round where W is cut by rows (output and
 * down projections); a pipeline stage has its layers.  All adapters have one rank, which is
 * vLLM's --max-lora-rank.
 *
 * A step with T tokens of requests that have adapters, n different ones, takes beside what
 * the base model takes, per GPU:
 *
 *   class      FLOPs                    bytes
 *   adapters   2 r (in + out) T         2 r (in + out) n
 *
 * the larger side of the two and what overlap leaves of the other, at the rates and by the
 * constants of projections (model/cost.h); also with `roofline = step`, of whose one max it
 * is not a part.  In a pipeline every micro-batch is taken to have all n.  With cost = linear
 * it takes lora_token_us x T + lora_adapter_us x n.  None of this was calibrated.
 *
 * Bringing an adapter to the GPUs takes load_ms, or its bytes over the pool's
 * host_bandwidth, all GPUs at the same time; from storage to host memory download_ms, or its
 * bytes over storage_bandwidth.  Where no model says how many bytes, 0 takes no time.
 */
#ifndef SERVESIM_MODEL_ADAPTER_H
#define SERVESIM_MODEL_ADAPTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/wide.h"
#include "model/cost.h"
#include "model/power.h"

enum adapter_target { ADAPTER_ALL, ADAPTER_ATTENTION };

enum { ADAPTER_FIELDS = 9 };

/* [lora], for all pools. */
struct adapter_config {
    int64_t max_loras;     /* different ones in a batch: slots on the GPUs; 0: off */
    int64_t max_cpu_loras; /* in host memory; 0: max_loras */
    int64_t rank;
    int64_t target; /* enum adapter_target */
    int64_t load_fs;
    int64_t download_fs;
    int64_t storage_bytes_per_s;
    int64_t token_fs; /* these two: cost = linear */
    int64_t adapter_fs;
};

extern const struct field adapter_fields[ADAPTER_FIELDS];

/* What a pool needs of them, worked out once per run; all zero where there are none. */
struct adapter {
    int64_t max_loras;
    int64_t max_cpu_loras;
    int64_t params;    /* of one adapter */
    int64_t gpu_bytes; /* of one adapter on one GPU */
    wide load_fs;
    wide download_fs;
    bool is_linear;
    int64_t token_fs;    /* compute per token */
    int64_t read_fs;     /* memory per adapter */
    int64_t hidden_fs;   /* what overlap leaves of token_fs ... */
    int64_t hidden_read; /* ... and of read_fs */
    struct power power; /* by work.tokens, with an adapter; work.steps, adapters read */
};

/* What the requests of a step have. */
struct adapter_counts {
    int64_t n_tokens;
    int64_t n_adapters;
};

/* Parameters of an adapter: of all of it, and of what one GPU of the fullest stage holds. */
int64_t adapter_params(const struct adapter_config *config, const struct llm *llm);
int64_t adapter_gpu_params(const struct adapter_config *config, const struct llm *llm,
                           const struct layout *layout);

/* Sizes and times; `llm` is NULL where nobody knows the model.  Before the ledger, which
 * wants to know adapter_slot_bytes(). */
void adapter_init(struct adapter *adapter, const struct adapter_config *config,
                  const struct llm *llm, const struct layout *layout,
                  int64_t host_bytes_per_s);

/* Bytes that the slots take of a GPU's memory. */
int64_t adapter_slot_bytes(const struct adapter *adapter);

/* What the adapters of a step cost; -1 as cost_init().  `llm` NULL: as above. */
int adapter_price_init(struct adapter *adapter, const struct adapter_config *config,
                       const struct cost_config *cost,
                       const struct accelerator *accelerator, const struct llm *llm,
                       const struct constants *constants, const struct layout *layout,
                       struct err *err);

/* Adds their price to that of a step that is run in `n_batches` micro-batches. */
void adapter_price(const struct adapter *adapter, const struct adapter_counts *counts,
                   int64_t n_batches, struct step_price *price);

/* What they do, for energy, FLOPs and bytes: by adapter->power. */
struct work adapter_work(const struct adapter_counts *counts);

#endif
