/* served: which pools serve which requests, by the model and the class that these name.
 *
 * A pool serves the requests that name its served_model, or any model if it names none;
 * those that name no model are everybody's.  Likewise its classes.  Models and classes that
 * pools name have numbers from 1 on, in the order of the pools; 0 is no name, and all
 * names that no pool knows share one number more.
 */
#ifndef SERVESIM_ENGINE_SERVED_H
#define SERVESIM_ENGINE_SERVED_H

#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

enum { SERVED_MOST_POOLS = 64 };

/* What one pool says: both may be "". */
struct served_keys {
    const char *model;
    const char *classes; /* "chat, batch" */
};

struct served_names {
    const char **names;
    uint64_t *pools; /* bits: of no name, of each name, of a name that nobody knows */
    int32_t n;
};

struct served {
    struct served_names models;
    struct served_names classes;
};

/* Everything belongs to the arena.  -1 and `err`, which holds only the reason, if the
 * classes of a pool cannot be read; *faulty is that pool. */
int served_init(struct served *served, const struct served_keys *keys, int32_t n_pools,
                struct arena *arena, int32_t *faulty, struct err *err);

/* The number of a name; NULL and "" are no name. */
int32_t served_number(const struct served_names *names, const char *name);

/* The pools that serve such requests, a bit for each. */
static inline uint64_t served_pools(const struct served *served, int32_t model,
                                    int32_t klass)
{
    return served->models.pools[model] & served->classes.pools[klass];
}

#endif
