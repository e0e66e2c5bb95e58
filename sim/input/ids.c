#include "input/ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "engine/jump.h"

enum { FIRST_SLOTS = 1024 };

void ids_init(struct ids *ids)
{
    *ids = (struct ids){.n_slots = FIRST_SLOTS};
    ids->slots = memory_new(FIRST_SLOTS, sizeof *ids->slots);
}

void ids_free(struct ids *ids)
{
    free(ids->slots);
}

void ids_clear(struct ids *ids)
{
    memset(ids->slots, 0, (size_t)ids->n_slots * sizeof *ids->slots);
    ids->n = 0;
}

uint64_t ids_hash(const char *text, size_t length)
{
    uint64_t hash = jump_key(jump_text(text, (int64_t)length), 0);
    return hash != 0 ? hash : 1;
}

/* Where the hash is, or where there is room for it. */
static struct ids_slot *slot_of(const struct ids *ids, uint64_t hash)
{
    uint64_t mask = (uint64_t)ids->n_slots - 1;
    uint64_t at = hash & mask;
    while (ids->slots[at].hash != 0 && ids->slots[at].hash != hash) {
        at = (at + 1) & mask;
    }
    return &ids->slots[at];
}

static void grow(struct ids *ids)
{
    struct ids_slot *full = ids->slots;
    int64_t n_full = ids->n_slots;
    ids->n_slots *= 2;
    ids->slots = memory_new((size_t)ids->n_slots, sizeof *ids->slots);
    for (int64_t i = 0; i < n_full; i++) {
        if (full[i].hash != 0) {
            *slot_of(ids, full[i].hash) = full[i];
        }
    }
    free(full);
}

int64_t *ids_find(const struct ids *ids, uint64_t hash)
{
    struct ids_slot *slot = slot_of(ids, hash);
    return slot->hash != 0 ? &slot->number : NULL;
}

void ids_add(struct ids *ids, uint64_t hash, int64_t number)
{
    if (3 * ids->n >= 2 * ids->n_slots) {
        grow(ids);
    }
    struct ids_slot *slot = slot_of(ids, hash);
    CHECK(hash != 0 && slot->hash == 0);
    *slot = (struct ids_slot){.hash = hash, .number = number};
    ids->n++;
}
