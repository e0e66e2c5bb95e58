/* clients: who sends the requests of a workload, and when.
 *
 * Open: the workload says when.  Where its rows name others that they wait for, they do:
 * input/follow.h.  Closed: clients that wait for answers, and think: input/closed.h.
 */
#ifndef SERVESIM_INPUT_CLIENTS_H
#define SERVESIM_INPUT_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "input/closed.h"
#include "input/follow.h"
#include "input/workload.h"

struct clients {
    bool is_closed;
    bool follows;
    struct closed closed;
    struct follow follow;
};

/* The source of what they send; valid as long as `clients` is, until clients_free().
 * `requests` reads the workload.  `seed` is the run's: thinking is drawn with it. */
struct sim_source clients_init(struct clients *clients, const struct workload *workload,
                               const struct sim_source *requests, uint64_t seed);
void clients_free(struct clients *clients);

#endif
