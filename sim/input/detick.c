#include "input/detick.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/wide.h"

void detick_init(struct detick *detick, struct trace *ahead, const char *path,
                 int64_t tick_ns, uint64_t seed)
{
    *detick =
        (struct detick){.tick_ns = tick_ns, .seed = seed, .path = path, .ahead = ahead};
    rng_init(&detick->rng, seed, "detick");
}

static int refuse_change(const struct detick *detick, struct err *err)
{
    return err_set(err, "%.700s: the file changed while it was read", detick->path);
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* One number for each of `n` requests, from integers alone: the same on every machine. */
static void draw(struct detick *detick, int64_t n, int64_t width_ns)
{
    if (n > detick->room) {
        detick->room = 2 * n;
        detick->offsets_ns = memory_grow(detick->offsets_ns, (size_t)detick->room,
                                         sizeof *detick->offsets_ns);
    }
    for (int64_t i = 0; i < n; i++) {
        uint64_t high = rng_bits(&detick->rng);
        uint64_t bits = high << 31 | rng_bits(&detick->rng) >> 1; /* 63 of them */
        detick->offsets_ns[i] = (int64_t)((wide)width_ns * (int64_t)bits >> 63);
    }
    qsort(detick->offsets_ns, (size_t)n, sizeof *detick->offsets_ns, compare);
    detick->n_offsets = n;
    detick->next = 0;
}

/* Reads on to the end of the next instant. */
static int look_ahead(struct detick *detick, struct err *err)
{
    struct trace_row row;
    int got = 1;
    if (!detick->has_begun) {
        got = trace_next(detick->ahead, &row, err);
        detick->ahead_ns = got > 0 ? row.arrival_ns : -1;
        detick->has_begun = true;
    }
    if (got < 0 || detick->ahead_ns < 0) {
        return got < 0 ? -1 : refuse_change(detick, err);
    }
    int64_t n = 0;
    detick->at_ns = detick->ahead_ns;
    do {
        got = trace_next(detick->ahead, &row, err);
        n++;
    } while (got > 0 && row.arrival_ns == detick->at_ns);
    if (got < 0) {
        return -1;
    }
    detick->ahead_ns = got > 0 ? row.arrival_ns : -1;
    int64_t width_ns = detick->tick_ns;
    if (got > 0 && detick->ahead_ns - detick->at_ns < width_ns) {
        width_ns = detick->ahead_ns - detick->at_ns;
    }
    draw(detick, n, width_ns);
    return 0;
}

int detick_next(struct detick *detick, struct trace *trace, struct trace_row *row,
                struct err *err)
{
    int got = trace_next(trace, row, err);
    if (got <= 0 || detick->tick_ns == 0) {
        return got;
    }
    if (detick->next == detick->n_offsets && look_ahead(detick, err) != 0) {
        return -1;
    }
    if (row->arrival_ns != detick->at_ns) {
        return refuse_change(detick, err);
    }
    row->arrival_ns += detick->offsets_ns[detick->next++];
    return 1;
}

int detick_rewind(struct detick *detick, struct trace *trace, struct err *err)
{
    if (detick->tick_ns > 0) {
        rng_free(&detick->rng);
        rng_init(&detick->rng, detick->seed, "detick");
        detick->has_begun = false;
        detick->next = detick->n_offsets = 0;
        if (trace_rewind(detick->ahead, err) != 0) {
            return -1;
        }
    }
    return trace_rewind(trace, err);
}

void detick_close(struct detick *detick)
{
    if (detick->ahead != NULL) {
        trace_close(detick->ahead);
        rng_free(&detick->rng);
    }
    free(detick->offsets_ns);
    *detick = (struct detick){0};
}
