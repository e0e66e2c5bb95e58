#include "input/closed.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void closed_init(struct closed *closed, const struct sim_source *requests,
                 int64_t n_clients, int64_t warmup_ns, const struct closed_think *think)
{
    *closed = (struct closed){
        .requests = *requests,
        .warmup_ns = warmup_ns,
        .think = *think,
        .ready_ns = memory_new((size_t)n_clients, sizeof *closed->ready_ns),
        .n_ready = n_clients, /* all at 0 */
        .n_clients = n_clients,
    };
    if (think->is_exponential) {
        rng_init(&closed->draws, think->seed, "think");
    }
}

void closed_free(struct closed *closed)
{
    if (closed->think.is_exponential) {
        rng_free(&closed->draws);
    }
    if (closed->has_next) {
        free(closed->next.labels);
        free(closed->next.parts);
    }
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

/* Whether somebody is to send something: 1, 0, -1. */
static int look(struct closed *closed, struct err *err)
{
    if (closed->n_ready == 0 || closed->ended) {
        return 0;
    }
    if (!closed->has_next) {
        int got = closed->requests.next(closed->requests.state, &closed->next, err);
        closed->has_next = got > 0;
        closed->ended = got <= 0;
        return got;
    }
    return 1;
}

static int peek(void *state, int64_t *at_ns, struct err *err)
{
    struct closed *closed = state;
    *at_ns = closed->ready_ns[0];
    return look(closed, err);
}

static int next(void *state, struct sim_arrival *arrival, struct err *err)
{
    struct closed *closed = state;
    int got = look(closed, err);
    if (got <= 0) {
        return got;
    }
    *arrival = closed->next;
    closed->has_next = false;
    arrival->arrival_ns = pop(closed);
    arrival->counted = arrival->counted && arrival->arrival_ns >= closed->warmup_ns;
    return 1;
}

static int64_t draw_think(struct closed *closed)
{
    if (!closed->think.is_exponential) {
        return closed->think.mean_ns;
    }
    int64_t ns = rng_exponential(&closed->draws, closed->think.mean_ns);
    return ns < SIM_MOST_NS ? ns : SIM_MOST_NS;
}

static void finished(void *state, const struct probe_record *record)
{
    struct closed *closed = state;
    push(closed, record->finish_ns + draw_think(closed));
}

struct sim_source closed_source(struct closed *closed)
{
    return (struct sim_source){
        .state = closed, .next = next, .finished = finished, .peek = peek};
}
