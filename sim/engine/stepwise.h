/* stepwise: the slow, plain way to run a step (`--stepwise`).
 *
 * Every sequence is visited in every step; there is no span, no cumulative sum, no stack
 * and no table of residues.  It exists to be compared with the fast way: both must give
 * the same bytes in every file.
 */
#ifndef SERVESIM_ENGINE_STEPWISE_H
#define SERVESIM_ENGINE_STEPWISE_H

#include <stdint.h>

struct replica;

/* Starts the planned step. */
void stepwise_start(struct replica *replica, int64_t now_ns);

/* Books the step that has ended, token by token. */
void stepwise_end(struct replica *replica, int64_t now_ns);

/* Divides the pots of the decoding group by visiting its members. */
void stepwise_divide(struct replica *replica);

#endif
