#include "input/workload_draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char named[] = "requests drawn from ";

/* The end of every trace: what duration_s is where it is not given. */
static const int64_t longest_ns = INT64_C(1000000000) * 1000000000;

/* `limit` requests, however long they take; a rate in place of the description's, not
 * a faster clock: a rate that wanders does so in its own time. */
static void apply(struct generate_spec *spec, const struct config_workload *config,
                  uint64_t seed)
{
    spec->seed = (int64_t)((uint64_t)spec->seed + seed - 1);
    if (config->limit > 0) {
        spec->n_requests = config->limit;
        spec->duration_ns = longest_ns;
        spec->has_duration = false;
    }
    if (config->rate_rps_nano > 0) {
        spec->arrivals.rate_nano_per_s = config->rate_rps_nano;
    }
}

struct workload_draw *workload_draw_new(const struct config_workload *config,
                                        uint64_t seed)
{
    struct workload_draw *draw = memory_new(1, sizeof *draw);
    size_t room = sizeof named + strlen(config->spec->path);
    draw->spec = *config->spec;
    apply(&draw->spec, config, seed);
    draw->file = memory_new(room, 1);
    snprintf(draw->file, room, "%s%s", named, draw->spec.path);
    generate_start(&draw->draw, &draw->spec);
    return draw;
}

void workload_draw_free(struct workload_draw *draw)
{
    generate_stop(&draw->draw);
    free(draw->file);
    free(draw);
}

int workload_draw_next(struct workload_draw *draw, struct trace_row *row,
                       struct err *err)
{
    return generate_next(&draw->draw, row, err);
}
