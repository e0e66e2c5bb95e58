/* servegen_draw: requests of ServeGen's clients, one at a time.
 *
 * In each window a client is a stationary renewal process of the window's rate, cv and
 * family, begun anew with the rest of a gap under way, so that the mean number of its
 * requests is rate x length.  (ServeGen itself draws exactly that number and stretches
 * the gaps to fill the window: the same mean without its spread.)  Clients have random
 * streams of their own, and the next of all comes off a heap.
 */
#ifndef SERVESIM_INPUT_SERVEGEN_DRAW_H
#define SERVESIM_INPUT_SERVEGEN_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "input/servegen.h"

struct servegen_draw_client;

struct servegen_draw {
    const struct servegen *servegen;
    double scale; /* of all rates */
    struct servegen_draw_client *clients;
    int32_t *heap; /* clients, the one that comes next first */
    int32_t last;  /* the client of the last request */
    int64_t at_ns; /* when it came, in the time of the files */
};

/* servegen_draw_free() it. */
void servegen_draw_init(struct servegen_draw *draw, const struct servegen *servegen,
                        double scale, uint64_t seed);
void servegen_draw_free(struct servegen_draw *draw);

/* When the next request comes, from_ns being 0; INT64_MAX after the last. */
int64_t servegen_draw_next(struct servegen_draw *draw);

#endif
