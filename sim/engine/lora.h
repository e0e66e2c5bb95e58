/* lora: which LoRA adapters (model/adapter.h) a replica has where, and who waits for a slot.
 *
 * Mirrors vLLM's v1 scheduler and LRU adapter manager.  The requests of a batch have at most
 * `max_loras` different adapters; a request without one needs no slot.  A waiting request
 * whose adapter would be one too many is set aside in this plan, others behind it may be
 * admitted, and it stands where it stood for the next plan.
 *
 * An adapter comes to a slot when a request that has it is admitted and it is in none: the
 * step of that plan is longer by its load time, and, if it was not in host memory either, by
 * that of the download, for vLLM's worker does both before it computes.  It stays until
 * another one needs the slot: then the adapter leaves, of those that nobody who runs has,
 * that was last in a step longest ago.  Of host memory, which keeps copies of all that are
 * on the GPUs, likewise the longest unused of the others.  Within a step the order of
 * planning is that of use.  At the start nothing is loaded.
 *
 * Keys and values depend on the adapter: no prompt finds those of another one's in the prefix
 * cache (as vLLM, whose block hashes hold the adapter's name).  A request that names an
 * adapter goes to pools that serve them; where none does, adapters are labels.
 *
 * Replicas with slots take every step by itself (engine/stepwise.h): what a step reads
 * depends on who is in it.  What adapters cost is charged like the rest of a step.
 */
#ifndef SERVESIM_ENGINE_LORA_H
#define SERVESIM_ENGINE_LORA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"
#include "model/adapter.h"

struct replica;
struct request;

/* One adapter, as one replica knows it. */
struct lora_entry {
    int64_t n_running; /* requests, as of the last count */
    int64_t last_used; /* greater is later */
    int64_t in_step;   /* the last step that it was in, and that it decoded in */
    int64_t in_decodes;
    bool on_gpu;
    bool in_host;
};

struct lora {
    const struct adapter *of;   /* NULL: none are served */
    struct lora_entry *entries; /* by adapter */
    int32_t n_entries;
    int32_t *host; /* the adapters in host memory; those on the GPUs are among them */
    int64_t n_host;
    int64_t n_gpu;
    int64_t n_active; /* different ones of those who run, once counted for this plan */
    bool counted;
    int64_t n_uses;
    wide load_fs; /* of this plan */
    int64_t n_loads;
    int64_t n_downloads;
    int64_t n_skipped; /* requests that were ever set aside */
    wide loaded_fs;    /* of all plans */
};

void lora_free(struct lora *lora);

/* Before a plan, and when somebody leaves the batch during one. */
static inline void lora_recount(struct lora *lora)
{
    lora->counted = false;
}

static inline void lora_plan(struct lora *lora)
{
    lora->counted = false;
    lora->load_fs = 0;
}

/* Whether the batch has a slot for the waiting request's adapter. */
bool lora_fits(struct replica *replica, const struct request *request);

/* The same for whom it is time to be admitted: who does not fit is counted as skipped. */
bool lora_lets_in(struct replica *replica, struct request *request);

/* The request joins the batch, in which there is a slot for it. */
void lora_admit(struct replica *replica, const struct request *request);

/* What the grants of the planned step have of adapters: of its decodes alone, of all. */
void lora_count_step(struct replica *replica, struct adapter_counts *decodes,
                     struct adapter_counts *all);

/* Whether the adapter is in a slot just now; always for 0, the base model. */
bool lora_has(const struct replica *replica, int32_t adapter);

/* The replica's memory is gone, and its host's with it. */
void lora_forget(struct replica *replica);

/* Aborts unless slots and host memory hold no more than they can, each adapter once, and all
 * that the running requests have are in slots. */
void lora_verify(const struct replica *replica);

#endif
