#include "input/resample.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/wide.h"

/* A number from 0 to bound - 1, all equally likely, of more than 32 bits. */
static int64_t draw_below(struct rng *rng, int64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % (uint64_t)bound;
    uint64_t bits;
    do {
        uint64_t high = rng_bits(rng);
        bits = high << 32 | rng_bits(rng);
    } while (bits >= limit);
    return (int64_t)(bits % (uint64_t)bound);
}

/* The label's text once for all rows that have it. */
static const char *keep(struct names *labels, const char *text)
{
    int32_t number = names_number(labels, text);
    return number > 0 ? labels->texts[number - 1] : NULL;
}

static int add(struct resample *resample, const struct trace_row *row, const char *path,
               int64_t *room, struct err *err)
{
    if (row->hash_ids != NULL || row->prefix != NULL) {
        return err_at(err, path, row->line,
                      "%s: [workload] resample draws rows more than once, and prompts "
                      "would share what none did; it takes rows that do not tell what "
                      "their prompts hold",
                      row->hash_ids != NULL ? "hash_ids" : "prefix_hash");
    }
    if (resample->n_rows == *room) {
        *room = *room * 2 + 1024;
        resample->rows = memory_grow(resample->rows, (size_t)*room, sizeof *row);
    }
    struct trace_row *kept = &resample->rows[resample->n_rows++];
    *kept = *row;
    kept->request_id = keep(&resample->labels, row->request_id);
    kept->tenant = keep(&resample->labels, row->tenant);
    kept->session_id = keep(&resample->labels, row->session_id);
    kept->model = keep(&resample->labels, row->model);
    kept->class = keep(&resample->labels, row->class);
    kept->adapter = keep(&resample->labels, row->adapter);
    kept->parent_id = keep(&resample->labels, row->parent_id);
    return 0;
}

static int read_rows(struct resample *resample, struct trace *trace, const char *path,
                     const volatile sig_atomic_t *interrupted, struct err *err)
{
    struct trace_row row;
    int64_t room = 0;
    int got;
    while ((got = trace_next(trace, &row, err)) > 0) {
        if (interrupted != NULL && *interrupted) {
            return err_set(err, "interrupted: nothing was written");
        }
        if (add(resample, &row, path, &room, err) != 0) {
            return -1;
        }
    }
    return got;
}

/* Blocks that hold no request in the mean would be drawn for hours; one that is longer than
 * the trace would hold requests twice. */
static int set_period(struct resample *resample, const char *path, struct err *err)
{
    int64_t n = resample->n_rows;
    int64_t first_ns = n > 0 ? resample->rows[0].arrival_ns : 0;
    int64_t span_ns = n > 0 ? resample->rows[n - 1].arrival_ns - first_ns : 0;
    if (n < 2 || span_ns == 0) {
        return err_set(err,
                       "%.700s: [workload] resample: the trace has no blocks: it needs "
                       "requests at two instants at least",
                       path);
    }
    int64_t gap_ns = (int64_t)wide_div_half_up(span_ns, n - 1);
    resample->period_ns = span_ns + gap_ns;
    if (resample->block_ns < gap_ns || resample->block_ns > resample->period_ns) {
        return err_set(
            err,
            "%.700s: [workload] resample: blocks of %.9g s are %s the "
            "trace's %s of %.9g s",
            path, (double)resample->block_ns * 1e-9,
            resample->block_ns < gap_ns ? "shorter than" : "longer than",
            resample->block_ns < gap_ns ? "mean gap" : "length",
            (double)(resample->block_ns < gap_ns ? gap_ns : resample->period_ns) *
                1e-9);
    }
    for (int64_t i = 0; i < n; i++) {
        resample->rows[i].arrival_ns -= first_ns;
    }
    return 0;
}

/* The first row at `from_ns` or later; n_rows if there is none. */
static int64_t first_from(const struct resample *resample, int64_t from_ns)
{
    int64_t low = 0;
    int64_t high = resample->n_rows;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (resample->rows[middle].arrival_ns < from_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void draw_block(struct resample *resample)
{
    resample->start_ns = draw_below(&resample->blocks, resample->period_ns);
    resample->next = first_from(resample, resample->start_ns);
    resample->n_blocks++;
}

int resample_open(struct resample *resample, struct trace *trace, const char *path,
                  int64_t block_ns, uint64_t seed,
                  const volatile sig_atomic_t *interrupted, struct err *err)
{
    *resample = (struct resample){.block_ns = block_ns, .seed = seed};
    if (read_rows(resample, trace, path, interrupted, err) != 0 ||
        set_period(resample, path, err) != 0) {
        resample_close(resample);
        return -1;
    }
    rng_init(&resample->blocks, seed, "blocks");
    draw_block(resample);
    return 0;
}

void resample_restart(struct resample *resample)
{
    rng_free(&resample->blocks);
    rng_init(&resample->blocks, resample->seed, "blocks");
    resample->n_blocks = 0;
    draw_block(resample);
}

void resample_close(struct resample *resample)
{
    free(resample->rows);
    names_free(&resample->labels);
    if (resample->blocks.generator != NULL) {
        rng_free(&resample->blocks);
    }
    *resample = (struct resample){0};
}

void resample_next(struct resample *resample, struct trace_row *row)
{
    int64_t n = resample->n_rows;
    int64_t offset_ns;
    for (;;) {
        *row = resample->rows[resample->next % n];
        offset_ns = row->arrival_ns + resample->next / n * resample->period_ns -
                    resample->start_ns;
        if (offset_ns < resample->block_ns) {
            break;
        }
        draw_block(resample);
    }
    resample->next++;
    wide arrival_ns = (wide)(resample->n_blocks - 1) * resample->block_ns + offset_ns;
    row->arrival_ns = arrival_ns < INT64_MAX ? (int64_t)arrival_ns : INT64_MAX;
}
