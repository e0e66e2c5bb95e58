#include "input/generate.h"

#include "input/generate_row.h"
#include "input/settings.h"
#include "input/trace_write.h"

#include <inttypes.h>

#define AT(member) offsetof(struct generate_spec, member)

static const struct field fields[] = {
    {"requests", FIELD_COUNT, AT(n_requests), "requests", "1000000000", "1",
     "1000000000", NULL,
     "requests to draw at most; this or duration_s must be given, or both"},
    {"duration_s", FIELD_TIME, AT(duration_ns), "s", "1000000000", "0.000001",
     "1000000000", NULL, "time before whose end they arrive"},
    {"skip_s", FIELD_TIME, AT(skip_ns), "s", "0", "0", "100000000", NULL,
     "time drawn before the trace begins and left out: sessions are under way then"},
    {"seed", FIELD_COUNT, AT(seed), "", "1", "0", NULL, NULL,
     "another seed, another trace of the same kind"},
    {"copula_rho", FIELD_NANO, AT(copula_rho_nano), "", "0", "-1", "1", NULL,
     "correlation of a prompt's and its output's normal scores"},
};

const struct field_table generate_table = {
    .name = "workload",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
};

static int workload_read(struct generate_spec *spec, struct settings *settings,
                         struct arena *arena, struct err *err)
{
    field_defaults(&generate_table, spec, arena);
    if (settings_apply(settings, "workload", &generate_table, 1, spec, arena, err) !=
        0) {
        return -1;
    }
    spec->has_duration = settings_find(settings, "workload", "duration_s") != NULL;
    if (!spec->has_duration &&
        settings_find(settings, "workload", "requests") == NULL) {
        return err_set(err, "%.700s: [workload] must give 'requests' or 'duration_s'",
                       spec->path);
    }
    return 0;
}

/* Requests that wait cannot have begun before the trace: nobody would know their parents. */
static int check_skip(const struct generate_spec *spec, struct err *err)
{
    bool waits = (generate_row_columns(spec) & TRACE_WRITE_PARENT_ID) != 0;
    return waits && spec->skip_ns > 0
               ? err_set(err,
                         "%.700s: [workload] skip_s: a session whose turns wait for "
                         "answers has no turn without the ones before it; it goes with "
                         "timing = timed",
                         spec->path)
               : 0;
}

int generate_read(struct generate_spec *spec, const char *path,
                  const char *const *overrides, int32_t n_overrides,
                  struct arena *arena, struct err *err)
{
    struct settings settings = {0};
    *spec = (struct generate_spec){.path = memory_arena_text(arena, path)};
    if (settings_read(&settings, path, arena, err) != 0) {
        return -1;
    }
    for (int32_t i = 0; i < n_overrides; i++) {
        if (settings_override(&settings, overrides[i], arena, err) != 0) {
            return -1;
        }
    }
    if (workload_read(spec, &settings, arena, err) != 0 ||
        arrivals_read(&spec->arrivals, &settings, arena, err) != 0) {
        return -1;
    }
    spec->clients = talk_read(&settings, &spec->n_clients, arena, err);
    if (spec->clients == NULL || check_skip(spec, err) != 0 ||
        talk_check_used(&settings, err) != 0) {
        return -1;
    }
    return settings_check_used(&settings,
                               "workload, arrivals, modulation, prompt, output, "
                               "client.NAME, sessions, agent, turns, followup, gap, "
                               "prefix, prefix_tokens, reasoning, thinking",
                               err);
}

void generate_start(struct generate_draw *draw, const struct generate_spec *spec)
{
    uint64_t seed = (uint64_t)spec->seed;
    *draw = (struct generate_draw){.spec = spec};
    arrivals_init(&draw->arrivals, &spec->arrivals, seed);
    talk_draw_init(&draw->talk, spec->clients, spec->n_clients, &draw->arrivals,
                   spec->copula_rho_nano, seed);
    talk_blocks_init(&draw->blocks, &draw->talk);
    draw->waits = (generate_row_columns(spec) & TRACE_WRITE_PARENT_ID) != 0;
}

void generate_stop(struct generate_draw *draw)
{
    arrivals_free(&draw->arrivals);
    talk_queue_free(&draw->queue);
    talk_blocks_free(&draw->blocks);
    talk_draw_free(&draw->talk);
}

/* What it means that no request came before the end. */
static int check_end(const struct generate_draw *draw, struct err *err)
{
    const struct generate_spec *spec = draw->spec;
    if (draw->n == 0) {
        return err_set(err, "%.700s: no request arrives within duration_s", spec->path);
    }
    if (!spec->has_duration) {
        return err_set(err,
                       "%.700s: only %" PRId64 " of %" PRId64
                       " requests arrive %s; ask for fewer or a higher rate",
                       spec->path, draw->n, spec->n_requests,
                       arrivals_end(&draw->arrivals));
    }
    return 0;
}

/* No arrivals come later. */
static const int64_t latest_ns = INT64_C(1000000000) * 1000000000;

/* When arrivals end. */
static int64_t end_ns(const struct generate_spec *spec)
{
    int64_t end = spec->skip_ns + spec->duration_ns;
    return end < latest_ns ? end : latest_ns;
}

/* Knows when the next arrival is, if there is one. */
static void look_for_start(struct generate_draw *draw)
{
    if (!draw->has_start && !draw->has_ended) {
        draw->start_ns = arrivals_next(&draw->arrivals);
        draw->has_ended = draw->start_ns >= end_ns(draw->spec);
        draw->has_start = !draw->has_ended;
    }
}

/* Whose request is next, or NULL after the last: an arrival that comes before all that has
 * begun begins. */
static struct talk_script *next_script(struct generate_draw *draw)
{
    look_for_start(draw);
    struct talk_script *first = talk_queue_first(&draw->queue);
    while (draw->has_start &&
           (first == NULL || talk_draw_time(first) > draw->start_ns)) {
        talk_queue_push(&draw->queue, talk_draw_start(&draw->talk, draw->start_ns));
        draw->has_start = false;
        look_for_start(draw);
        first = talk_queue_first(&draw->queue);
    }
    return first != NULL && talk_draw_time(first) < end_ns(draw->spec) ? first : NULL;
}

int generate_next(struct generate_draw *draw, struct trace_row *row, struct err *err)
{
    *row = (struct trace_row){.deadline_ns = -1};
    if (draw->n == draw->spec->n_requests) {
        return 0;
    }
    for (;;) {
        struct talk_script *script = next_script(draw);
        if (script == NULL) {
            return check_end(draw, err);
        }
        bool counts = talk_draw_time(script) >= draw->spec->skip_ns;
        if (counts) {
            draw->n++;
        }
        if (counts || draw->has_blocks) {
            generate_row_tell(draw, script, row);
        }
        talk_queue_advance(&draw->queue);
        if (counts) {
            return 1;
        }
    }
}

static int check_interrupt(const volatile sig_atomic_t *interrupted, struct err *err)
{
    return interrupted != NULL && *interrupted
               ? err_set(err, "interrupted: nothing was written")
               : 0;
}

/* Whether each arrival is one request: then nothing else must be drawn to know the last. */
static bool is_plain(const struct generate_spec *spec)
{
    for (int32_t i = 0; i < spec->n_clients; i++) {
        if (spec->clients[i].kind != TALK_REQUESTS) {
            return false;
        }
    }
    return spec->skip_ns == 0;
}

/* The next request's arrival: 1, 0 or -1 as generate_next(). */
static int next_arrival(struct generate_draw *draw, bool plain, int64_t *arrival_ns,
                        struct err *err)
{
    if (!plain) {
        struct trace_row row;
        int got = generate_next(draw, &row, err);
        *arrival_ns = got > 0 ? row.arrival_ns : *arrival_ns;
        return got;
    }
    if (draw->n == draw->spec->n_requests) {
        return 0;
    }
    look_for_start(draw);
    if (!draw->has_start) {
        return check_end(draw, err);
    }
    *arrival_ns = draw->start_ns;
    draw->has_start = false;
    draw->n++;
    return 1;
}

int generate_last(const struct generate_spec *spec,
                  const volatile sig_atomic_t *interrupted, int64_t *last_ns,
                  struct err *err)
{
    struct generate_draw draw;
    int64_t arrival_ns = 0;
    int status;
    bool plain = is_plain(spec);
    generate_start(&draw, spec);
    do {
        *last_ns = arrival_ns;
        status = check_interrupt(interrupted, err);
        status = status == 0 ? next_arrival(&draw, plain, &arrival_ns, err) : status;
    } while (status > 0);
    generate_stop(&draw);
    return status;
}

static int write_requests(struct generate_draw *draw, struct trace_writer *writer,
                          const volatile sig_atomic_t *interrupted, struct err *err)
{
    for (;;) {
        struct trace_row row;
        if (check_interrupt(interrupted, err) != 0) {
            return -1;
        }
        int got = generate_next(draw, &row, err);
        if (got <= 0) {
            return got;
        }
        if (trace_write_row(writer, &row, err) != 0) {
            return -1;
        }
    }
}

int generate_write_as(const struct generate_spec *spec,
                      const struct trace_write_format *format, FILE *out,
                      const volatile sig_atomic_t *interrupted, struct err *err)
{
    struct generate_draw draw;
    struct trace_writer writer;
    generate_start(&draw, spec);
    int status =
        trace_write_begin(&writer, format, generate_row_columns(spec), out, err);
    draw.has_blocks = (writer.columns & TRACE_WRITE_HASH_IDS) != 0;
    if (status == 0) {
        status = write_requests(&draw, &writer, interrupted, err);
    }
    if (status == 0) {
        status = trace_write_end(&writer, err);
    }
    generate_stop(&draw);
    return status;
}

int generate_write(const struct generate_spec *spec, FILE *out,
                   const volatile sig_atomic_t *interrupted, struct err *err)
{
    return generate_write_as(spec, &trace_write_plain, out, interrupted, err);
}
