#include "input/servegen_draw.h"

#include "base/check.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct servegen_draw_client {
    const struct servegen_client *of;
    struct rng rng;
    int32_t window;
    int64_t from_ns; /* where this window began for us, and ends */
    int64_t until_ns;
    double passed_s; /* of the window */
    bool has_begun;  /* a request of this window has come */
    int64_t next_ns; /* the next request; INT64_MAX: none */
};

/* Goes to the first window, from the one under way on, that is not over. */
static void enter_window(const struct servegen *servegen,
                         struct servegen_draw_client *client)
{
    const struct servegen_window *windows = client->of->windows;
    int32_t last = client->of->n_windows - 1;
    while (client->window < last &&
           windows[client->window + 1].start_ns <= servegen->from_ns) {
        client->window++;
    }
    client->passed_s = 0;
    client->has_begun = false;
    if (client->window >= last) {
        return;
    }
    int64_t start_ns = windows[client->window].start_ns;
    int64_t end_ns = windows[client->window + 1].start_ns;
    client->from_ns = start_ns > servegen->from_ns ? start_ns : servegen->from_ns;
    client->until_ns = end_ns < servegen->until_ns ? end_ns : servegen->until_ns;
}

/* Finds the client's next request. */
static void advance(const struct servegen_draw *draw,
                    struct servegen_draw_client *client)
{
    const struct servegen *servegen = draw->servegen;
    while (client->window < client->of->n_windows - 1 &&
           client->from_ns < servegen->until_ns) {
        const struct servegen_window *window = &client->of->windows[client->window];
        double rate_per_s = window->rate_per_s * draw->scale;
        if (rate_per_s > 0) {
            double mean_s = 1 / rate_per_s;
            client->passed_s +=
                client->has_begun
                    ? renewal_draw(window->family, window->shape, mean_s, &client->rng)
                    : renewal_draw_rest(window->family, window->shape, mean_s,
                                        &client->rng);
            client->has_begun = true;
            if (client->passed_s * 1e9 < (double)(client->until_ns - client->from_ns)) {
                client->next_ns = client->from_ns + (int64_t)(client->passed_s * 1e9);
                return;
            }
        }
        client->window++;
        enter_window(servegen, client);
    }
    client->next_ns = INT64_MAX;
}

/* Of two at the same moment the one with the lower number is first. */
static bool is_before(const struct servegen_draw *draw, int32_t a, int32_t b)
{
    int64_t a_ns = draw->clients[a].next_ns;
    int64_t b_ns = draw->clients[b].next_ns;
    return a_ns != b_ns ? a_ns < b_ns : a < b;
}

/* Lets the client at that place of the heap sink to where it belongs. */
static void sink(struct servegen_draw *draw, int32_t at)
{
    int32_t n = draw->servegen->n_clients;
    int32_t client = draw->heap[at];
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child + 1 < n &&
            is_before(draw, draw->heap[child + 1], draw->heap[child])) {
            child++;
        }
        if (child >= n || !is_before(draw, draw->heap[child], client)) {
            break;
        }
        draw->heap[at] = draw->heap[child];
        at = child;
    }
    draw->heap[at] = client;
}

void servegen_draw_init(struct servegen_draw *draw, const struct servegen *servegen,
                        double scale, uint64_t seed)
{
    size_t n = (size_t)servegen->n_clients;
    *draw = (struct servegen_draw){.servegen = servegen, .scale = scale};
    draw->clients = memory_new(n, sizeof *draw->clients);
    draw->heap = memory_new(n, sizeof *draw->heap);
    for (int32_t i = 0; i < servegen->n_clients; i++) {
        struct servegen_draw_client *client = &draw->clients[i];
        char stream[128];
        client->of = &servegen->clients[i];
        snprintf(stream, sizeof stream, "arrivals of %.100s", client->of->name);
        rng_init(&client->rng, seed, stream);
        enter_window(servegen, client);
        advance(draw, client);
        draw->heap[i] = i;
    }
    for (int32_t i = servegen->n_clients / 2; i >= 0; i--) {
        sink(draw, i);
    }
}

void servegen_draw_free(struct servegen_draw *draw)
{
    for (int32_t i = 0; draw->clients != NULL && i < draw->servegen->n_clients; i++) {
        rng_free(&draw->clients[i].rng);
    }
    free(draw->clients);
    free(draw->heap);
}

int64_t servegen_draw_next(struct servegen_draw *draw)
{
    int32_t first = draw->heap[0];
    struct servegen_draw_client *client = &draw->clients[first];
    if (client->next_ns == INT64_MAX) {
        return INT64_MAX;
    }
    draw->last = first;
    draw->at_ns = client->next_ns;
    advance(draw, client);
    sink(draw, 0);
    return draw->at_ns - draw->servegen->from_ns;
}
