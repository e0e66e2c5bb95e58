/* parallel: the same work for every index, by several threads.
 *
 * Indexes are begun in order, so what comes first is told first whatever the number of
 * threads; work on different indexes must share nothing that it changes.
 */
#ifndef SERVESIM_BASE_PARALLEL_H
#define SERVESIM_BASE_PARALLEL_H

#include <stdbool.h>
#include <stdint.h>

enum { PARALLEL_MOST = 256 };

/* Calls visit(state, i) for i = 0 .. n - 1 on up to n_threads threads, this one among them,
 * and returns when all are done.  Once a visit returns false no further one is begun;
 * those before it still end. */
void parallel_each(int32_t n, int32_t n_threads, bool (*visit)(void *state, int32_t i),
                   void *state);

#endif
