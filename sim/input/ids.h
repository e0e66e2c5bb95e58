/* ids: a number for each of many texts, of which only hashes are kept.
 *
 * 16 bytes a slot, of which a third to two thirds are filled.  Two texts with one hash of 64
 * bits are taken for one: among ten million the odds of any such pair are 1 in 370,000.
 */
#ifndef SERVESIM_INPUT_IDS_H
#define SERVESIM_INPUT_IDS_H

#include <stddef.h>
#include <stdint.h>

struct ids_slot {
    uint64_t hash; /* 0: empty */
    int64_t number;
};

struct ids {
    struct ids_slot *slots;
    int64_t n_slots; /* a power of two */
    int64_t n;
};

/* Holds none; ids_free() it. */
void ids_init(struct ids *ids);
void ids_free(struct ids *ids);

/* Forgets all. */
void ids_clear(struct ids *ids);

/* Never 0. */
uint64_t ids_hash(const char *text, size_t length);

/* The number of a text by its hash, or NULL; valid until ids_add(). */
int64_t *ids_find(const struct ids *ids, uint64_t hash);

/* Adds one that is not there. */
void ids_add(struct ids *ids, uint64_t hash, int64_t number);

#endif
