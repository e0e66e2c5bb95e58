#include "engine/lora.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/replica.h"

void lora_free(struct lora *lora)
{
    free(lora->entries);
    free(lora->host);
}

/* The adapter's entry, made when first asked for. */
static struct lora_entry *entry_of(struct lora *lora, int32_t adapter)
{
    if (adapter >= lora->n_entries) {
        int32_t n = adapter + adapter / 2 + 16;
        lora->entries = memory_grow(lora->entries, (size_t)n, sizeof *lora->entries);
        memset(&lora->entries[lora->n_entries], 0,
               (size_t)(n - lora->n_entries) * sizeof *lora->entries);
        lora->n_entries = n;
    }
    return &lora->entries[adapter];
}

static bool has_adapter(const struct lora *lora, const struct request *request)
{
    return lora->of != NULL && request->adapter != 0;
}

/* One more of them runs. */
static void add_running(struct lora *lora, int32_t adapter)
{
    lora->n_active += entry_of(lora, adapter)->n_running++ == 0;
}

static void count(struct replica *replica)
{
    struct lora *lora = &replica->lora;
    for (int64_t i = 0; i < lora->n_host; i++) { /* who runs is there */
        lora->entries[lora->host[i]].n_running = 0;
    }
    lora->n_active = 0;
    for (const struct request *r = replica->running.first; r != NULL; r = r->next) {
        if (r->adapter != 0) {
            add_running(lora, r->adapter);
        }
    }
    lora->counted = true;
}

bool lora_fits(struct replica *replica, const struct request *request)
{
    struct lora *lora = &replica->lora;
    if (!has_adapter(lora, request)) {
        return true;
    }
    if (!lora->counted) {
        count(replica);
    }
    return lora->n_active < lora->of->max_loras ||
           entry_of(lora, request->adapter)->n_running > 0;
}

bool lora_lets_in(struct replica *replica, struct request *request)
{
    bool fits = lora_fits(replica, request);
    replica->lora.n_skipped += !fits && !request->skipped;
    request->skipped = request->skipped || !fits;
    return fits;
}

/* Where in host memory the adapter stands that goes next: with `on_gpu`, of those in slots
 * that nobody uses; else of those in none. */
static int64_t oldest(const struct lora *lora, bool on_gpu)
{
    int64_t found = -1;
    for (int64_t i = 0; i < lora->n_host; i++) {
        const struct lora_entry *entry = &lora->entries[lora->host[i]];
        if (entry->on_gpu == on_gpu && entry->n_running == 0 &&
            (found < 0 ||
             entry->last_used < lora->entries[lora->host[found]].last_used)) {
            found = i;
        }
    }
    CHECK(found >= 0);
    return found;
}

/* From storage, in place of another one where there is no room. */
static void download(struct lora *lora, int32_t adapter)
{
    int64_t at = lora->n_host;
    if (lora->n_host == lora->of->max_cpu_loras) {
        at = oldest(lora, false);
        lora->entries[lora->host[at]].in_host = false;
    } else {
        lora->n_host++;
        lora->host = memory_grow(lora->host, (size_t)lora->n_host, sizeof *lora->host);
    }
    lora->host[at] = adapter;
    lora->entries[adapter].in_host = true;
    lora->load_fs += lora->of->download_fs;
    lora->n_downloads++;
}

static void load(struct lora *lora, int32_t adapter)
{
    wide before_fs = lora->load_fs;
    if (lora->n_gpu == lora->of->max_loras) {
        lora->entries[lora->host[oldest(lora, true)]].on_gpu = false;
    } else {
        lora->n_gpu++;
    }
    if (!lora->entries[adapter].in_host) {
        download(lora, adapter);
    }
    lora->entries[adapter].on_gpu = true;
    lora->load_fs += lora->of->load_fs;
    lora->n_loads++;
    lora->loaded_fs += lora->load_fs - before_fs;
}

void lora_admit(struct replica *replica, const struct request *request)
{
    struct lora *lora = &replica->lora;
    if (!has_adapter(lora, request)) {
        return;
    }
    CHECK(lora_fits(replica, request));
    struct lora_entry *entry = entry_of(lora, request->adapter);
    if (!entry->on_gpu) {
        load(lora, request->adapter);
    }
    entry->last_used = ++lora->n_uses;
    add_running(lora, request->adapter);
}

void lora_count_step(struct replica *replica, struct adapter_counts *decodes,
                     struct adapter_counts *all)
{
    struct lora *lora = &replica->lora;
    if (lora->of == NULL) {
        return;
    }
    int64_t step = replica->n_steps + 1;
    for (int64_t i = 0; i < replica->n_grants; i++) {
        const struct replica_grant *grant = &replica->grants[i];
        if (grant->request->adapter == 0) {
            continue;
        }
        struct lora_entry *entry = &lora->entries[grant->request->adapter];
        if (entry->in_step != step) {
            entry->in_step = step;
            entry->last_used = ++lora->n_uses;
            all->n_adapters++;
        }
        all->n_tokens += grant->tokens;
        if (grant->decode) {
            decodes->n_adapters += entry->in_decodes != step;
            decodes->n_tokens += grant->tokens;
            entry->in_decodes = step;
        }
    }
}

bool lora_has(const struct replica *replica, int32_t adapter)
{
    const struct lora *lora = &replica->lora;
    return adapter == 0 || (adapter < lora->n_entries && lora->entries[adapter].on_gpu);
}

void lora_forget(struct replica *replica)
{
    struct lora *lora = &replica->lora;
    for (int64_t i = 0; i < lora->n_host; i++) {
        struct lora_entry *entry = &lora->entries[lora->host[i]];
        entry->on_gpu = false;
        entry->in_host = false;
        entry->n_running = 0;
    }
    lora->n_host = 0;
    lora->n_gpu = 0;
    lora->counted = false;
}

void lora_verify(const struct replica *replica)
{
    const struct lora *lora = &replica->lora;
    if (lora->of == NULL) {
        return;
    }
    int64_t n_gpu = 0;
    int64_t n_host = 0;
    for (int32_t i = 0; i < lora->n_entries; i++) {
        const struct lora_entry *entry = &lora->entries[i];
        CHECK(entry->in_host || !entry->on_gpu);
        n_gpu += entry->on_gpu;
        n_host += entry->in_host;
    }
    CHECK(n_gpu == lora->n_gpu && n_gpu <= lora->of->max_loras);
    CHECK(n_host == lora->n_host && n_host <= lora->of->max_cpu_loras);
    for (int64_t i = 0; i < lora->n_host; i++) {
        CHECK(lora->entries[lora->host[i]].in_host);
    }
    for (const struct request *r = replica->running.first; r != NULL; r = r->next) {
        CHECK(lora_has(replica, r->adapter));
    }
}
