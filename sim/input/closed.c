#include "input/closed.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void closed_init(struct closed *closed, const struct sim_source *requests,
                 int64_t n_clients, int64_t warmup_ns)
{
    *closed = (struct closed){
        .requests = *requests,
        .warmup_ns = warmup_ns,
        .ready_ns = memory_new((size_t)n_clients, sizeof *closed->ready_ns),
        .n_ready = n_clients, /* all at 0 */
        .n_clients = n_clients,
    };
}

void closed_free(struct closed *closed)
{
    free(closed->ready_ns);
}

static void push(struct closed *closed, int64_t ready_ns)
{
    int64_t *heap = closed->ready_ns;
    int64_t at = closed->n_ready++;
    CHECK(closed->n_ready <= closed->n_clients);
    while (at > 0 && heap[(at - 1) / 2] > ready_ns) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = ready_ns;
}

static int64_t pop(struct closed *closed)
{
    int64_t *heap = closed->ready_ns;
    int64_t first_ns = heap[0];
    int64_t last_ns = heap[--closed->n_ready];
    int64_t at = 0;
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child + 1 < closed->n_ready && heap[child + 1] < heap[child]) {
            child++;
        }
        if (child >= closed->n_ready || last_ns <= heap[child]) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last_ns;
    return first_ns;
}

static int next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct closed *closed = state;
    if (closed->n_ready == 0 || closed->ended) {
        return 0;
    }
    int got = closed->requests.next(closed->requests.state, arrival, err);
    if (got <= 0) {
        closed->ended = true;
        return got;
    }
    arrival->arrival_ns = pop(closed);
    arrival->counted = arrival->arrival_ns >= closed->warmup_ns;
    return 1;
}

static void finished(void *state, const struct probe_record *record)
{
    push(state, record->finish_ns);
}

struct sim_source closed_source(struct closed *closed)
{
    return (struct sim_source){.state = closed, .next = next, .finished = finished};
}
