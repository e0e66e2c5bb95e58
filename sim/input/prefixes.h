/* prefixes: what generated prompts begin with that others begin with, too.
 *
 * A number of groups, each a text (a system prompt, a tool's description, a document) with
 * a length of its own, and how often each is drawn: by Zipf's law the k-th most popular
 * one in proportion to k^-zipf; 0: all equally often.
 */
#ifndef SERVESIM_INPUT_PREFIXES_H
#define SERVESIM_INPUT_PREFIXES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/rng.h"
#include "input/lengths.h"
#include "input/settings.h"

struct prefixes_spec {
    const char *owner; /* the client that has these alone; "": those of all */
    int64_t n_groups;
    int64_t tokens; /* of each; 0: `lengths` says it */
    int64_t zipf_nano;
    int64_t share_nano; /* of the requests or sessions that begin with one */
    int64_t within; /* a flag: they are a part of the drawn prompts, not before them */
    struct lengths_spec lengths;
};

extern const struct field_table prefixes_table;

/* Reads `section`, and the section `lengths` if there is one. */
int prefixes_read(struct prefixes_spec *spec, struct settings *settings,
                  const char *section, const char *lengths, struct arena *arena,
                  struct err *err);

/* The groups, drawn: 24 bytes each. */
struct prefixes {
    const struct prefixes_spec *spec;
    double *up_to;   /* the share of draws that hit this group or one before it */
    int64_t *tokens; /* of each group */
    int64_t
        *first_block; /* blocks of all groups before it: numbers of its own blocks */
    int64_t n_blocks;
};

/* Draws the lengths; prefixes_free() it.  Blocks that are full of `block_tokens` tokens are
 * counted.  The spec must outlive it. */
void prefixes_init(struct prefixes *prefixes, const struct prefixes_spec *spec,
                   uint64_t seed, int64_t block_tokens);
void prefixes_free(struct prefixes *prefixes);

/* The group that the next request begins with, from 0 on, or -1: none. */
int64_t prefixes_pick(const struct prefixes *prefixes, struct rng *rng);

#endif
